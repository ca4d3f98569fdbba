#include "engine/transformer/detail/openmp.h"

#include <exception>
#include <mutex>

namespace fluxscope {

void onEachThread(const std::function<void()>& work) {
    std::exception_ptr thrown;
    std::mutex guard;
    // No num_threads: a number other than LibTorch's would make libgomp end its threads and start others.
#pragma omp parallel
    {
        try {
            work();
        } catch (...) {
            const std::lock_guard lock(guard);
            thrown = std::current_exception();
        }
    }
    if (thrown) std::rethrow_exception(thrown);
}

}  // namespace fluxscope
