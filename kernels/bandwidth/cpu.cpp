#include "kernels/bandwidth/bandwidth.h"

#include <algorithm>
#include <atomic>

// Highway compiles this file once for each instruction set and picks one at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/bandwidth/cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After foreach_target.h, which must see none of them.
#include <hwy/cache_control.h>

HWY_BEFORE_NAMESPACE();
namespace fluxscope::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Four sums side by side: one would wait for each of its additions.
std::uint64_t sumPart(const std::uint64_t* words, std::int64_t count) {
    const hn::ScalableTag<std::uint64_t> d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    auto sum0 = hn::Zero(d);
    auto sum1 = hn::Zero(d);
    auto sum2 = hn::Zero(d);
    auto sum3 = hn::Zero(d);
    std::int64_t i = 0;
    for (; i + 4 * lanes <= count; i += 4 * lanes) {
        sum0 = hn::Add(sum0, hn::LoadU(d, words + i));
        sum1 = hn::Add(sum1, hn::LoadU(d, words + i + lanes));
        sum2 = hn::Add(sum2, hn::LoadU(d, words + i + 2 * lanes));
        sum3 = hn::Add(sum3, hn::LoadU(d, words + i + 3 * lanes));
    }
    std::uint64_t sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3))));
    for (; i < count; ++i) sum += words[i];
    return sum;
}

void copyPart(const float* from, std::int64_t count, float* to) {
    const hn::ScalableTag<float> d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    std::int64_t i = 0;
    for (; i + lanes <= count; i += lanes) hn::Stream(hn::LoadU(d, from + i), d, to + i);
    for (; i < count; ++i) to[i] = from[i];
    hwy::FlushStream();
}

void triadPart(const float* a, const float* b, float scale, std::int64_t count, float* to) {
    const hn::ScalableTag<float> d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    const auto times = hn::Set(d, scale);
    std::int64_t i = 0;
    for (; i + lanes <= count; i += lanes)
        hn::Stream(hn::MulAdd(times, hn::LoadU(d, b + i), hn::LoadU(d, a + i)), d, to + i);
    for (; i < count; ++i) to[i] = a[i] + scale * b[i];
    hwy::FlushStream();
}

}  // namespace fluxscope::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fluxscope {

HWY_EXPORT(sumPart);
HWY_EXPORT(copyPart);
HWY_EXPORT(triadPart);

namespace {

// Elements of a task: megabytes, so that handing them out costs nothing, and whole cache lines.
constexpr std::int64_t kTaskElements = std::int64_t{1} << 18;

template <class Part>
void inParts(std::int64_t count, const ParallelFor& parallel, const Part& part) {
    const std::int64_t parts = (count + kTaskElements - 1) / kTaskElements;
    parallel(parts, [&](std::int64_t i) {
        const std::int64_t begin = i * kTaskElements;
        part(begin, std::min(kTaskElements, count - begin));
    });
}

}  // namespace

std::uint64_t sumCpu(const std::uint64_t* words, std::int64_t count, const ParallelFor& parallel) {
    std::atomic<std::uint64_t> sum = 0;
    inParts(count, parallel, [&](std::int64_t begin, std::int64_t size) {
        sum += HWY_DYNAMIC_DISPATCH(sumPart)(words + begin, size);
    });
    return sum;
}

void copyCpu(const float* from, std::int64_t count, float* to, const ParallelFor& parallel) {
    inParts(count, parallel, [&](std::int64_t begin, std::int64_t size) {
        HWY_DYNAMIC_DISPATCH(copyPart)(from + begin, size, to + begin);
    });
}

void triadCpu(const float* a, const float* b, float scale, std::int64_t count, float* to,
              const ParallelFor& parallel) {
    inParts(count, parallel, [&](std::int64_t begin, std::int64_t size) {
        HWY_DYNAMIC_DISPATCH(triadPart)(a + begin, b + begin, scale, size, to + begin);
    });
}

}  // namespace fluxscope
#endif
