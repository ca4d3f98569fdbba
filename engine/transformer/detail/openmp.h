// OpenMP in a file without LibTorch's headers, which would bring OpenMP's own: clang-tidy has none.
#pragma once

#include <functional>

namespace fluxscope {

// Runs `work` once on each OpenMP thread, this one included. What it throws is thrown here, once all are through.
void onEachThread(const std::function<void()>& work);

}  // namespace fluxscope
