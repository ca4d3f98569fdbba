#include "kernels/xattention/xattention.h"

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <cmath>
#include <vector>

// Highway compiles this file once for each instruction set and picks one at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/xattention/cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After foreach_target.h, which must see none of them.
#include "kernels/detail/elements-inl.h"

#ifndef FLUXSCOPE_XATTENTION_BLOCK
#define FLUXSCOPE_XATTENTION_BLOCK
namespace fluxscope {
namespace {

// One query block of one head.
struct EstimateBlock {
    cost::DType type = cost::DType::F32;
    const void* q = nullptr;  // the block's first query; row r at r * queryStride
    const void* k = nullptr;  // key 0 of the KV head
    std::int64_t queryStride = 0;
    std::int64_t keyStride = 0;
    std::int64_t dim = 0;
    std::int64_t stride = 0;
    std::int64_t begin = 0;     // position of the block's first query
    std::int64_t end = 0;       // positions from here on are zeros
    double* weights = nullptr;  // [begin / kSelectBlock + 1], zeros
};

}  // namespace
}  // namespace fluxscope
#endif

HWY_BEFORE_NAMESPACE();
namespace fluxscope::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Row by row in fp32, `columns` apart; rows that are not there are zeros.
template <class T>
void takeRow(const T* from, std::int64_t dim, float* to) {
    eachVector(dim, [&](auto d, std::int64_t c) HWY_ATTR { hn::StoreU(loadFloats(d, from + c), d, to + c); });
}

// Dot products of kRows vectors, `apart` from each other, with one.
template <int kRows>
HWY_INLINE void dots(const float* HWY_RESTRICT rows, std::int64_t apart, const float* HWY_RESTRICT with,
                     std::int64_t count, float* HWY_RESTRICT out, std::int64_t outApart) {
    const hn::ScalableTag<float> d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    hn::Vec<decltype(d)> sums[kRows];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) sums[r] = hn::Zero(d);
    std::int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        const auto w = hn::LoadU(d, with + i);
#pragma GCC unroll 8
        for (int r = 0; r < kRows; ++r) sums[r] = hn::MulAdd(hn::LoadU(d, rows + r * apart + i), w, sums[r]);
    }
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
        float total = hn::GetLane(hn::SumOfLanes(d, sums[r]));
        for (std::int64_t j = i; j < count; ++j) total += rows[r * apart + j] * with[j];
        out[r * outApart] = total;
    }
}

template <class T>
void estimate(const EstimateBlock& e) {
    const std::int64_t length = e.stride * e.dim;  // of a group's vector
    const std::int64_t lastQuery = std::min(e.begin + kSelectBlock, e.end) - 1;
    const std::int64_t firstGroup = e.begin / e.stride;
    const std::int64_t rows = lastQuery / e.stride - firstGroup + 1;
    const std::int64_t groups = firstGroup + rows;  // of keys
    const auto memory = hwy::AllocateAligned<float>(static_cast<std::size_t>((rows + 1) * length));
    float* queries = memory.get();
    float* keys = queries + rows * length;
    std::vector<float> scores(static_cast<std::size_t>(rows * groups));

    const float scale = 1.0F / (std::sqrt(static_cast<float>(e.dim)) * static_cast<float>(e.stride));
    std::fill_n(queries, rows * length, 0.0F);
    for (std::int64_t p = e.begin; p <= lastQuery; ++p) {
        const std::int64_t r = p - e.begin;
        float* to = queries + r / e.stride * length + (e.stride - 1 - r % e.stride) * e.dim;
        takeRow(static_cast<const T*>(e.q) + r * e.queryStride, e.dim, to);
    }
    for (std::int64_t b = 0; b < groups; ++b) {
        for (std::int64_t i = 0; i < e.stride; ++i) {
            const std::int64_t key = b * e.stride + i;
            if (key < e.end)
                takeRow(static_cast<const T*>(e.k) + key * e.keyStride, e.dim, keys + i * e.dim);
            else
                std::fill_n(keys + i * e.dim, e.dim, 0.0F);
        }
        // Rows of the diagonal block that do not see this group are computed along and not read.
        std::int64_t r = 0;
        for (; r + 8 <= rows; r += 8)
            dots<8>(queries + r * length, length, keys, length, scores.data() + r * groups + b, groups);
        for (; r < rows; ++r)
            dots<1>(queries + r * length, length, keys, length, scores.data() + r * groups + b, groups);
    }

    const hn::ScalableTag<float> d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    const float toPowers = scale * 1.44269504F;  // powers of 2 from here on
    const std::int64_t groupsOfBlock = kSelectBlock / e.stride;
    for (std::int64_t r = 0; r < rows; ++r) {
        float* score = scores.data() + r * groups;
        const std::int64_t seen = firstGroup + r + 1;
        const float largest = *std::max_element(score, score + seen);
        std::int64_t b = 0;
        for (; b + lanes <= seen; b += lanes) {
            const auto difference = hn::Sub(hn::LoadU(d, score + b), hn::Set(d, largest));
            hn::StoreU(exp2Of(d, hn::Mul(difference, hn::Set(d, toPowers))), d, score + b);
        }
        for (; b < seen; ++b) score[b] = std::exp2((score[b] - largest) * toPowers);
        double sum = 0;
        for (b = 0; b < seen; ++b) sum += static_cast<double>(score[b]);
        for (std::int64_t block = 0; block * groupsOfBlock < seen; ++block) {
            double part = 0;
            for (b = block * groupsOfBlock; b < std::min((block + 1) * groupsOfBlock, seen); ++b)
                part += static_cast<double>(score[b]);
            e.weights[block] += part / sum;
        }
    }
}

void estimateImpl(const EstimateBlock& e) {
    switch (e.type) {
        case cost::DType::F32: return estimate<float>(e);
        case cost::DType::F16: return estimate<hwy::float16_t>(e);
        case cost::DType::BF16: return estimate<hwy::bfloat16_t>(e);
    }
}

}  // namespace fluxscope::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fluxscope {

HWY_EXPORT(estimateImpl);

void selectBlocksCpu(const BlockEstimateShape& s, double threshold, const void* q, const KeysValues& kv,
                     std::uint8_t* keep, const ParallelFor& parallel) {
    const std::int64_t keyBlocks = keyBlocksOf(s);
    const std::int64_t queryBlocks = queryBlocksOf(s);
    const auto at = [bytes = cost::bytesOf(s.type)](const void* from, std::int64_t element) {
        return static_cast<const std::byte*>(from) + element * bytes;
    };
    parallel(queryBlocks * s.heads, [&](std::int64_t task) {
        const std::int64_t head = task % s.heads;
        const std::int64_t block = queryBlocks - 1 - task / s.heads;  // the longest first
        const std::int64_t own = s.begin / kSelectBlock + block;
        std::vector<double> weights(static_cast<std::size_t>(own + 1));
        HWY_DYNAMIC_DISPATCH(estimateImpl)
        ({.type = s.type,
          .q = at(q, (block * kSelectBlock * s.heads + head) * s.dim),
          .k = at(kv.k, head / (s.heads / s.kvHeads) * kv.headStride),
          .queryStride = s.heads * s.dim,
          .keyStride = kv.rowStride,
          .dim = s.dim,
          .stride = s.stride,
          .begin = own * kSelectBlock,
          .end = s.end,
          .weights = weights.data()});
        std::uint8_t* row = keep + (head * queryBlocks + block) * keyBlocks;
        std::fill_n(row, keyBlocks, std::uint8_t{0});
        keepBlocks(weights, threshold, row);
    });
}

}  // namespace fluxscope
#endif
