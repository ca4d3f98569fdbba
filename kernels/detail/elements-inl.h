// Numbers of 16 and 32 bits as vectors of floats, for files that Highway compiles once for each instruction set.
#if defined(FLUXSCOPE_ELEMENTS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef FLUXSCOPE_ELEMENTS_INL
#undef FLUXSCOPE_ELEMENTS_INL
#else
#define FLUXSCOPE_ELEMENTS_INL
#endif

#include "kernels/cost/cost.h"

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace fluxscope::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D>
HWY_INLINE hn::Vec<D> loadFloats(D d, const float* from) {
    return hn::LoadU(d, from);
}
template <class D, class Narrow>
    requires(sizeof(Narrow) == 2)
HWY_INLINE hn::Vec<D> loadFloats(D d, const Narrow* from) {
    const hn::Rebind<Narrow, D> narrow;
    return hn::PromoteTo(d, hn::LoadU(narrow, from));
}

template <class D>
HWY_INLINE void storeFloats(hn::Vec<D> v, D d, float* to) {
    hn::StoreU(v, d, to);
}
template <class D>
HWY_INLINE void storeFloats(hn::Vec<D> v, D, hwy::float16_t* to) {
    const hn::Rebind<hwy::float16_t, D> narrow;
    hn::StoreU(hn::DemoteTo(narrow, v), narrow, to);
}
// To the nearest, ties to even; Highway 1.0 would cut off.
template <class D>
HWY_INLINE void storeFloats(hn::Vec<D> v, D, hwy::bfloat16_t* to) {
    const hn::RebindToUnsigned<D> bits;
    const hn::Rebind<std::uint16_t, D> narrow;
    const auto wide = hn::BitCast(bits, v);
    const auto odd = hn::And(hn::ShiftRight<16>(wide), hn::Set(bits, 1U));
    const auto rounded = hn::ShiftRight<16>(hn::Add(wide, hn::Add(odd, hn::Set(bits, 0x7FFFU))));
    const auto nan = hn::IsNaN(v);  // the addition could carry it into infinity
    const auto kept = hn::IfThenElse(hn::RebindMask(bits, nan), hn::Set(bits, 0x7FC0U), rounded);
    hn::StoreU(hn::TruncateTo(narrow, kept), narrow, reinterpret_cast<std::uint16_t*>(to));
}

// Any count: full vectors, then one by one. `work(d, i)` handles Lanes(d) elements from i.
template <class Work>
HWY_INLINE void eachVector(std::int64_t count, const Work& work) {
    const hn::ScalableTag<float> d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    std::int64_t i = 0;
    for (; i + lanes <= count; i += lanes) work(d, i);
    const hn::CappedTag<float, 1> one;
    for (; i < count; ++i) work(one, i);
}

// work(element) with an element of the type, for its decltype.
template <class Work>
void withType(cost::DType type, const Work& work) {
    switch (type) {
        case cost::DType::F32: return work(float{});
        case cost::DType::F16: return work(hwy::float16_t{});
        case cost::DType::BF16: return work(hwy::bfloat16_t{});
    }
}

// 2^x for x <= 120: within 2e-7 of the true value, and exactly 0 from -127 down, minus infinity included.
template <class D>
HWY_INLINE hn::Vec<D> exp2Of(D d, hn::Vec<D> x) {
    const hn::RebindToSigned<D> integers;
    // Adding 1.5 * 2^23 rounds to an integer, which then lies in the low bits; plus the exponent's bias, they are 2^n.
    const auto magic = hn::Set(d, 12582912.0F + 127.0F);
    const auto bounded = hn::Max(hn::Set(d, -127.0F), x);  // in this order a NaN stays one
    const auto shifted = hn::Add(bounded, magic);
    const auto fraction = hn::Sub(bounded, hn::Sub(shifted, magic));  // in [-0.5, 0.5]
    const auto power = hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(integers, shifted)));
    auto p = hn::Set(d, 1.3264727e-3F);
    p = hn::MulAdd(p, fraction, hn::Set(d, 9.6715126e-3F));
    p = hn::MulAdd(p, fraction, hn::Set(d, 5.5507337e-2F));
    p = hn::MulAdd(p, fraction, hn::Set(d, 2.4022242e-1F));
    p = hn::MulAdd(p, fraction, hn::Set(d, 6.9314698e-1F));
    p = hn::MulAdd(p, fraction, hn::Set(d, 1.0F));
    return hn::Mul(p, power);
}

// silu(gate) * up
template <class D>
HWY_INLINE hn::Vec<D> gatedOf(D d, hn::Vec<D> gate, hn::Vec<D> up) {
    // Below -83 the power would leave fp32, and the product is 0 to 34 digits.
    const auto x = hn::Max(hn::Set(d, -83.0F), gate);
    const auto power = exp2Of(d, hn::Mul(x, hn::Set(d, -1.44269504F)));
    return hn::Mul(hn::Div(x, hn::Add(hn::Set(d, 1.0F), power)), up);
}

#if HWY_TARGET != HWY_SCALAR
// 4 rows become columns: to[c * toStride + row].
template <class T>
void turnFour(const T* from, std::int64_t fromStride, std::int64_t columns, float* to,
              std::int64_t toStride) {
    const hn::FixedTag<float, 4> d;
    const hn::RepartitionToWide<decltype(d)> pairs;
    std::int64_t c = 0;
    for (; c + 4 <= columns; c += 4) {
        const auto r0 = loadFloats(d, from + c);
        const auto r1 = loadFloats(d, from + fromStride + c);
        const auto r2 = loadFloats(d, from + 2 * fromStride + c);
        const auto r3 = loadFloats(d, from + 3 * fromStride + c);
        const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, r0, r1));
        const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, r2, r3));
        const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, r0, r1));
        const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, r2, r3));
        float* column = to + c * toStride;
        hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23)), d, column);
        hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23)), d, column + toStride);
        hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23)), d, column + 2 * toStride);
        hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23)), d, column + 3 * toStride);
    }
    const hn::CappedTag<float, 1> one;
    for (; c < columns; ++c)
        for (std::int64_t row = 0; row < 4; ++row)
            hn::StoreU(loadFloats(one, from + row * fromStride + c), one, to + c * toStride + row);
}
#endif

}  // namespace fluxscope::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
