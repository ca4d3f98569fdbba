#include "kernels/cost/op.h"

#include <gtest/gtest.h>

#include <set>

namespace fluxscope::cost {
namespace {

TEST(TilesAttentionCost, isItsPairsAndItsRows) {
    const TilesAttentionShape shape{.rows = 10,
                                    .heads = 4,
                                    .kvHeads = 2,
                                    .dim = 8,
                                    .tiles = 12,
                                    .pairs = 300,
                                    .keys = 70,
                                    .type = DType::BF16};
    EXPECT_EQ(costOf(OpShape{shape}), (Cost{.bytesRead = (10 * 4 * 8 + 2 * 70 * 8) * 2,
                                            .bytesWritten = 10 * 4 * 8 * 2,
                                            .flops = 300 * 4 * 8}));
}

// Dense attention as a list of tiles costs what dense attention costs.
TEST(TilesAttentionCost, isThatOfTheSameAttentionByShape) {
    const AttentionShape dense = denseShape(40, 100, 4, 2, 16, DType::F32);
    const TilesAttentionShape tiles{.rows = 40,
                                    .heads = 4,
                                    .kvHeads = 2,
                                    .dim = 16,
                                    .tiles = 8,
                                    .pairs = visiblePairs(dense) * 4,
                                    .keys = 100 * 2,
                                    .type = DType::F32};
    EXPECT_EQ(costOf(tiles), costOf(dense));
}

// The grid walked point by point: products of q and k that are real positions or the zeros that fill the last group.
TEST(BlockEstimateCost, isCountedPointByPoint) {
    for (const std::int64_t stride : {4, 16, 128})
        for (const auto& [begin, end] :
             std::vector<std::pair<std::int64_t, std::int64_t>>{{0, 1}, {0, 300}, {128, 256}, {256, 700}}) {
            std::int64_t points = 0;
            std::set<std::pair<std::int64_t, std::int64_t>> blocks;
            for (std::int64_t a = begin / stride; a * stride < end; ++a)
                for (std::int64_t b = 0; b <= a; ++b) {
                    ++points;
                    blocks.emplace(a * stride / 128, b * stride / 128);
                }
            const BlockEstimateShape shape{.begin = begin,
                                           .end = end,
                                           .heads = 6,
                                           .kvHeads = 3,
                                           .dim = 32,
                                           .stride = stride,
                                           .type = DType::F16};
            EXPECT_EQ(costOf(shape), (Cost{.bytesRead = ((end - begin) * 6 + end * 3) * 32 * 2,
                                           .bytesWritten = static_cast<std::int64_t>(blocks.size()) * 6 * 4,
                                           .flops = points * 6 * 2 * stride * 32}));
        }
}

TEST(XAttentionCost, isTheEstimateAndTheAttention) {
    const BlockEstimateShape estimate{
        .begin = 0, .end = 256, .heads = 2, .kvHeads = 1, .dim = 16, .stride = 16, .type = DType::F32};
    const TilesAttentionShape attention{
        .rows = 256, .heads = 2, .kvHeads = 1, .dim = 16, .tiles = 8, .pairs = 999, .keys = 256};
    EXPECT_EQ(costOf(OpShape{XAttentionShape{estimate, attention}}), costOf(estimate) + costOf(attention));
}

}  // namespace
}  // namespace fluxscope::cost
