#include "engine/ceilings/detail/repeats.h"

#include "engine/contract/error.h"

#ifdef FLUXSCOPE_CUDA
#include <c10/cuda/CUDAException.h>
#include <cuda_runtime_api.h>
#endif

#include <algorithm>
#include <chrono>

namespace fluxscope {
namespace {

using SteadyClock = std::chrono::steady_clock;

double secondsSince(SteadyClock::time_point begin) {
    return std::chrono::duration<double>(SteadyClock::now() - begin).count();
}

#ifdef FLUXSCOPE_CUDA
class Event {
public:
    Event() { C10_CUDA_CHECK(cudaEventCreate(&event_)); }
    ~Event() { cudaEventDestroy(event_); }
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;

    void record(cudaStream_t stream) { C10_CUDA_CHECK(cudaEventRecord(event_, stream)); }
    // Waits for this one.
    double secondsSince(const Event& begin) const {
        C10_CUDA_CHECK(cudaEventSynchronize(event_));
        float milliseconds = 0;
        C10_CUDA_CHECK(cudaEventElapsedTime(&milliseconds, begin.event_, event_));
        return milliseconds / 1e3;
    }

private:
    cudaEvent_t event_ = nullptr;
};
#endif

double secondsOf(const std::function<void()>& once, const Compute& compute) {
#ifdef FLUXSCOPE_CUDA
    if (compute.isCuda()) {
        Event begin;
        Event end;
        begin.record(compute.stream());
        once();
        end.record(compute.stream());
        return end.secondsSince(begin);
    }
#else
    (void)compute;
#endif
    const auto begin = SteadyClock::now();
    once();
    return secondsSince(begin);
}

}  // namespace

CeilingRate rateOf(std::string what, std::string how, std::int64_t amount,
                   const std::vector<double>& seconds) {
    std::vector<double> sorted = seconds;
    std::sort(sorted.begin(), sorted.end());
    const auto work = static_cast<double>(amount);
    const std::size_t middle = sorted.size() / 2;
    const double median = sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    return {.what = std::move(what),
            .how = std::move(how),
            .amount = amount,
            .repeats = std::ssize(sorted),
            .best = work / sorted.front(),
            .median = work / median,
            .least = work / sorted.back()};
}

CeilingRate rateOf(const Repeated& work, const Compute& compute, const CeilingPlan& plan,
                   const CancelToken& cancel) {
    secondsOf(work.once, compute);  // pays for pages, threads and the choice of a kernel
    std::vector<double> seconds;
    const auto begin = SteadyClock::now();
    while (std::ssize(seconds) < plan.fewestRepeats || secondsSince(begin) < plan.secondsEach) {
        if (cancel.cancelled()) throw CancelledError{"ceilings"};
        const double took = secondsOf(work.once, compute);
        if (took > 0) seconds.push_back(took);
    }
    return rateOf(work.what, work.how, work.amount, seconds);
}

}  // namespace fluxscope
