// Who runs the pieces of a CPU kernel. Kernels know no threads: whoever calls them brings some, or none.
//
// body(i) is called once for each i in 0 .. count - 1, in any order and on any thread, and has returned from all when the
// call returns. What a kernel computes in body(i) depends on i alone, so results do not depend on the number of threads.
#pragma once

#include <cstdint>
#include <functional>

namespace fluxscope {

using ParallelFor = std::function<void(std::int64_t count, const std::function<void(std::int64_t)>& body)>;

inline void serially(std::int64_t count, const std::function<void(std::int64_t)>& body) {
    for (std::int64_t i = 0; i < count; ++i) body(i);
}

}  // namespace fluxscope
