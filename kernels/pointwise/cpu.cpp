#include "kernels/pointwise/pointwise.h"

#include <algorithm>
#include <cmath>

// Highway compiles this file once for each instruction set and picks one at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pointwise/cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After foreach_target.h, which must see none of them.
#include "kernels/detail/elements-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fluxscope::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class T>
float sumOfSquares(const T* x, std::int64_t count) {
    const hn::ScalableTag<float> d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    auto sum = hn::Zero(d);
    std::int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        const auto v = loadFloats(d, x + i);
        sum = hn::MulAdd(v, v, sum);
    }
    float total = hn::GetLane(hn::SumOfLanes(d, sum));
    const hn::CappedTag<float, 1> one;
    for (; i < count; ++i) {
        const float v = hn::GetLane(loadFloats(one, x + i));
        total += v * v;
    }
    return total;
}

template <class T>
void normRow(const T* x, const T* weight, std::int64_t columns, float eps, T* out) {
    const float scale = 1.0F / std::sqrt(sumOfSquares(x, columns) / static_cast<float>(columns) + eps);
    eachVector(columns, [&](auto d, std::int64_t i) HWY_ATTR {
        const auto normed = hn::Mul(loadFloats(d, x + i), hn::Set(d, scale));
        storeFloats(hn::Mul(normed, loadFloats(d, weight + i)), d, out + i);
    });
}

template <class T>
void turnHead(const T* x, const float* cos, const float* sin, std::int64_t half, T* out) {
    eachVector(half, [&](auto d, std::int64_t i) HWY_ATTR {
        const auto a = loadFloats(d, x + i);
        const auto b = loadFloats(d, x + half + i);
        const auto c = hn::LoadU(d, cos + i);
        const auto s = hn::LoadU(d, sin + i);
        storeFloats(hn::NegMulAdd(b, s, hn::Mul(a, c)), d, out + i);
        storeFloats(hn::MulAdd(a, s, hn::Mul(b, c)), d, out + half + i);
    });
}

void rmsNormRows(const RmsNormShape& s, const void* x, const void* weight, void* out, std::int64_t begin,
                 std::int64_t end) {
    withType(s.type, [&](auto element) {
        using T = decltype(element);
        for (std::int64_t r = begin; r < end; ++r)
            normRow(static_cast<const T*>(x) + r * s.columns, static_cast<const T*>(weight), s.columns, s.eps,
                    static_cast<T*>(out) + r * s.columns);
    });
}

void turnHeadsRows(const TurnHeadsShape& s, void* x, const void* weight, const float* cos, const float* sin,
                   void* out, std::int64_t begin, std::int64_t end) {
    withType(s.type, [&](auto element) {
        using T = decltype(element);
        const std::int64_t half = s.dim / 2;
        for (std::int64_t r = begin; r < end; ++r) {
            for (std::int64_t h = 0; h < s.heads; ++h) {
                T* head = static_cast<T*>(x) + (r * s.heads + h) * s.dim;
                if (weight) normRow<T>(head, static_cast<const T*>(weight), s.dim, s.eps, head);
                turnHead<T>(head, cos + r * half, sin + r * half, half,
                            static_cast<T*>(out) + (r * s.heads + h) * s.dim);
            }
        }
    });
}

void gateElements(const GateShape& s, void* gate, const void* up, std::int64_t begin, std::int64_t end) {
    withType(s.type, [&](auto element) {
        using T = decltype(element);
        T* g = static_cast<T*>(gate) + begin;
        const T* u = static_cast<const T*>(up) + begin;
        eachVector(end - begin, [&](auto d, std::int64_t i) HWY_ATTR {
            storeFloats(gatedOf(d, loadFloats(d, g + i), loadFloats(d, u + i)), d, g + i);
        });
    });
}

}  // namespace fluxscope::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fluxscope {

HWY_EXPORT(rmsNormRows);
HWY_EXPORT(turnHeadsRows);
HWY_EXPORT(gateElements);

namespace {

// A task's share: as much as takes some ten microseconds, above what waking a thread costs.
constexpr std::int64_t kTaskElements = 1 << 15;

template <class Part>
void inParts(std::int64_t count, std::int64_t elementsEach, const ParallelFor& parallel, const Part& part) {
    const std::int64_t size = std::max<std::int64_t>(1, kTaskElements / elementsEach);
    const std::int64_t parts = (count + size - 1) / size;
    if (parts <= 1) return part(std::int64_t{0}, count);
    parallel(parts, [&](std::int64_t i) { part(i * size, std::min((i + 1) * size, count)); });
}

}  // namespace

void rmsNormCpu(const RmsNormShape& s, const void* x, const void* weight, void* out,
                const ParallelFor& parallel) {
    inParts(s.rows, s.columns, parallel, [&](std::int64_t begin, std::int64_t end) {
        HWY_DYNAMIC_DISPATCH(rmsNormRows)(s, x, weight, out, begin, end);
    });
}

void turnHeadsCpu(const TurnHeadsShape& s, void* x, const void* weight, const float* cos, const float* sin,
                  void* out, const ParallelFor& parallel) {
    inParts(s.rows, s.heads * s.dim, parallel, [&](std::int64_t begin, std::int64_t end) {
        HWY_DYNAMIC_DISPATCH(turnHeadsRows)(s, x, weight, cos, sin, out, begin, end);
    });
}

void gateCpu(const GateShape& s, void* gate, const void* up, const ParallelFor& parallel) {
    inParts(s.elements, 1, parallel, [&](std::int64_t begin, std::int64_t end) {
        HWY_DYNAMIC_DISPATCH(gateElements)(s, gate, up, begin, end);
    });
}

}  // namespace fluxscope
#endif
