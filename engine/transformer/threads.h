// LibTorch's threads for the CPU kernels: one pool for both, because two would wait for each other's cores.
#pragma once

#include <cstdint>
#include <functional>

namespace fluxscope {

// A ParallelFor (kernels/parallel.h) over as many threads as LibTorch uses. Threads take the next task when they are free.
void onTorchThreads(std::int64_t count, const std::function<void(std::int64_t)>& body);

}  // namespace fluxscope
