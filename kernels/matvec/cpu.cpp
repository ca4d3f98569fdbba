#include "kernels/matvec/matvec.h"

#include <algorithm>
#include <vector>

// Highway compiles this file once for each instruction set and picks one at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matvec/cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/cache_control.h>
// After foreach_target.h, which must see none of them.
#include "kernels/detail/elements-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fluxscope::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// kOutputs rows of a matrix against one of x: as many streams from memory, each with two sums that do not wait for each other.
// kAhead asks for the next rows: the processor's own prefetching stops at each page of 4 KB, which is four rows of 256.
template <int kOutputs, bool kAhead, class T>
HWY_INLINE void multiply(const T* HWY_RESTRICT x, const T* HWY_RESTRICT weight, std::int64_t inputs,
                         float* HWY_RESTRICT sums) {
    const hn::ScalableTag<float> d;
    using V = hn::Vec<decltype(d)>;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    V even[kOutputs];
    V odd[kOutputs];
#pragma GCC unroll 8
    for (int o = 0; o < kOutputs; ++o) even[o] = odd[o] = hn::Zero(d);
    std::int64_t i = 0;
    for (; i + 2 * lanes <= inputs; i += 2 * lanes) {
        const V first = loadFloats(d, x + i);
        const V second = loadFloats(d, x + i + lanes);
#pragma GCC unroll 8
        for (int o = 0; o < kOutputs; ++o) {
            if constexpr (kAhead) {
                hwy::Prefetch(weight + (kOutputs + o) * inputs + i);
                hwy::Prefetch(weight + (kOutputs + o) * inputs + i + lanes);
            }
            even[o] = hn::MulAdd(first, loadFloats(d, weight + o * inputs + i), even[o]);
            odd[o] = hn::MulAdd(second, loadFloats(d, weight + o * inputs + i + lanes), odd[o]);
        }
    }
    for (; i + lanes <= inputs; i += lanes) {
        const V first = loadFloats(d, x + i);
#pragma GCC unroll 8
        for (int o = 0; o < kOutputs; ++o)
            even[o] = hn::MulAdd(first, loadFloats(d, weight + o * inputs + i), even[o]);
    }
    const hn::CappedTag<float, 1> one;
#pragma GCC unroll 8
    for (int o = 0; o < kOutputs; ++o) {
        sums[o] = hn::GetLane(hn::SumOfLanes(d, hn::Add(even[o], odd[o])));
        for (std::int64_t rest = i; rest < inputs; ++rest)
            sums[o] += hn::GetLane(loadFloats(one, x + rest)) *
                       hn::GetLane(loadFloats(one, weight + o * inputs + rest));
    }
}

template <class T>
void store(const Matvec& m, std::int64_t row, std::int64_t output, float sum) {
    const hn::CappedTag<float, 1> one;
    T* to = static_cast<T*>(m.out) + row * m.outputs + output;
    if (m.bias) sum += hn::GetLane(loadFloats(one, static_cast<const T*>(m.bias) + output));
    if (m.add) sum += hn::GetLane(loadFloats(one, to));
    storeFloats(hn::Set(one, sum), one, to);
}

template <class T>
void multiplyOutputs(const MatvecShape& s, const void* x, const Matvec& m, std::int64_t begin,
                     std::int64_t end) {
    constexpr int kOutputs = 4;
    float sums[kOutputs];
    std::int64_t output = begin;
    for (; output + kOutputs <= end; output += kOutputs) {
        const T* weight = static_cast<const T*>(m.weight) + output * s.inputs;
        for (std::int64_t r = 0; r < s.rows; ++r) {  // the first row brings the weights into the cache
            const T* row = static_cast<const T*>(x) + r * s.inputs;
            if (r == 0 && output + 2 * kOutputs <= end)
                multiply<kOutputs, true>(row, weight, s.inputs, sums);
            else
                multiply<kOutputs, false>(row, weight, s.inputs, sums);
            for (int o = 0; o < kOutputs; ++o) store<T>(m, r, output + o, sums[o]);
        }
    }
    for (; output < end; ++output) {
        const T* weight = static_cast<const T*>(m.weight) + output * s.inputs;
        for (std::int64_t r = 0; r < s.rows; ++r) {
            multiply<1, false>(static_cast<const T*>(x) + r * s.inputs, weight, s.inputs, sums);
            store<T>(m, r, output, sums[0]);
        }
    }
}

void matvecPart(const MatvecShape& s, const void* x, const Matvec& m, std::int64_t begin, std::int64_t end) {
    withType(s.type, [&](auto element) { multiplyOutputs<decltype(element)>(s, x, m, begin, end); });
}

}  // namespace fluxscope::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fluxscope {

HWY_EXPORT(matvecPart);

void matvecCpu(const MatvecShape& s, const void* x, std::span<const Matvec> matrices,
               const ParallelFor& parallel) {
    // Parts of some 10 us of reading; below two of them, waking a thread takes longer than it saves.
    constexpr std::int64_t kPartWeights = 1 << 15;
    const std::int64_t size = std::max<std::int64_t>(4, kPartWeights / s.inputs / 4 * 4);
    struct Part {
        const Matvec* matrix;
        std::int64_t begin;
    };
    std::vector<Part> parts;
    for (const Matvec& m : matrices)
        for (std::int64_t begin = 0; begin < m.outputs; begin += size) parts.push_back({&m, begin});
    const auto count = static_cast<std::int64_t>(parts.size());
    const auto body = [&](std::int64_t i) {
        const Part& part = parts[static_cast<std::size_t>(i)];
        HWY_DYNAMIC_DISPATCH(matvecPart)
        (s, x, *part.matrix, part.begin, std::min(part.begin + size, part.matrix->outputs));
    };
    if (count <= 2)
        serially(count, body);
    else
        parallel(count, body);
}

}  // namespace fluxscope
#endif
