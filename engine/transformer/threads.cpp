#include "engine/transformer/threads.h"

#include "engine/transformer/detail/openmp.h"
#include "kernels/parallel.h"

#include <ATen/Parallel.h>

#include <atomic>

namespace fluxscope {

void onTorchThreads(std::int64_t count, const std::function<void(std::int64_t)>& body) {
    if (count <= 1 || at::get_num_threads() == 1 || at::in_parallel_region()) return serially(count, body);
    std::atomic<std::int64_t> next = 0;
    onEachThread([&] {
        for (std::int64_t task = next++; task < count; task = next++) body(task);
    });
}

}  // namespace fluxscope
