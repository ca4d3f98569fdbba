#include "kernels/detail/attend_row.h"

#include <algorithm>
#include <cmath>
#include <limits>

// Highway compiles this file once for each instruction set and picks one at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/detail/attend_row.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace fluxscope::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

float dot(const float* a, const float* b, std::int64_t dim) {
    const hn::ScalableTag<float> d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    auto sum = hn::Zero(d);
    std::int64_t i = 0;
    for (; i + lanes <= dim; i += lanes) sum = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), sum);
    float total = hn::GetLane(hn::SumOfLanes(d, sum));
    for (; i < dim; ++i) total += a[i] * b[i];
    return total;
}

// scores[i] = exp(scores[i] - largest); returns their sum.
float exponentials(float* scores, std::int64_t count, float largest) {
    const hn::ScalableTag<float> d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    const auto shift = hn::Set(d, largest);
    auto sum = hn::Zero(d);
    std::int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        const auto e = hn::Exp(d, hn::Sub(hn::LoadU(d, scores + i), shift));
        hn::StoreU(e, d, scores + i);
        sum = hn::Add(sum, e);
    }
    float total = hn::GetLane(hn::SumOfLanes(d, sum));
    for (; i < count; ++i) total += scores[i] = std::exp(scores[i] - largest);
    return total;
}

// Four vectors of the output stay in registers while all keys go by.
std::int64_t mixWide(const AttendRow& row, std::int64_t column, float norm) {
    const hn::ScalableTag<float> d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    auto a = hn::Zero(d), b = hn::Zero(d), c = hn::Zero(d), e = hn::Zero(d);
    const float* score = row.scores;
    for (const KeyRun& run : {row.front, row.back}) {
        for (std::int64_t j = run.begin; j < run.end; ++j, ++score) {
            const float* v = row.v + j * row.rowStride + column;
            const auto w = hn::Set(d, *score);
            a = hn::MulAdd(w, hn::LoadU(d, v), a);
            b = hn::MulAdd(w, hn::LoadU(d, v + lanes), b);
            c = hn::MulAdd(w, hn::LoadU(d, v + 2 * lanes), c);
            e = hn::MulAdd(w, hn::LoadU(d, v + 3 * lanes), e);
        }
    }
    const auto n = hn::Set(d, norm);
    hn::StoreU(hn::Mul(a, n), d, row.out + column);
    hn::StoreU(hn::Mul(b, n), d, row.out + column + lanes);
    hn::StoreU(hn::Mul(c, n), d, row.out + column + 2 * lanes);
    hn::StoreU(hn::Mul(e, n), d, row.out + column + 3 * lanes);
    return 4 * lanes;
}

template <class D>
void mixNarrow(D d, const AttendRow& row, std::int64_t column, float norm) {
    auto sum = hn::Zero(d);
    const float* score = row.scores;
    for (const KeyRun& run : {row.front, row.back})
        for (std::int64_t j = run.begin; j < run.end; ++j, ++score)
            sum = hn::MulAdd(hn::Set(d, *score), hn::LoadU(d, row.v + j * row.rowStride + column), sum);
    hn::StoreU(hn::Mul(sum, hn::Set(d, norm)), d, row.out + column);
}

void attendRowImpl(const AttendRow& row) {
    const hn::ScalableTag<float> d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    const float scale = 1.0F / std::sqrt(static_cast<float>(row.dim));

    float largest = -std::numeric_limits<float>::infinity();
    float* score = row.scores;
    for (const KeyRun& run : {row.front, row.back}) {
        for (std::int64_t j = run.begin; j < run.end; ++j, ++score) {
            *score = scale * dot(row.q, row.k + j * row.rowStride, row.dim);
            largest = std::max(largest, *score);
        }
    }
    const float norm = 1.0F / exponentials(row.scores, score - row.scores, largest);

    std::int64_t column = 0;
    while (column + 4 * lanes <= row.dim) column += mixWide(row, column, norm);
    for (; column + lanes <= row.dim; column += lanes) mixNarrow(d, row, column, norm);
    const hn::CappedTag<float, 1> one;
    for (; column < row.dim; ++column) mixNarrow(one, row, column, norm);
}

}  // namespace fluxscope::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fluxscope {

HWY_EXPORT(attendRowImpl);

void attendRow(const AttendRow& row) { HWY_DYNAMIC_DISPATCH(attendRowImpl)(row); }

}  // namespace fluxscope
#endif
