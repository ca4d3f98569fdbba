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

}  // namespace fluxscope::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
