#include "kernels/cost/op.h"

#include <gtest/gtest.h>

namespace fluxscope::cost {
namespace {

TEST(OpCost, ofALinearLayerCountsWeightsOnceAndRowsEach) {
    const LinearShape shape{.rows = 3,
                            .inputs = 4,
                            .outputs = 5,
                            .bias = true,
                            .weights = DType::BF16,
                            .activations = DType::F32};
    EXPECT_EQ(costOf(shape),
              (Cost{.bytesRead = (20 + 5) * 2 + 12 * 4, .bytesWritten = 15 * 4, .flops = 2 * 60 + 15}));
}

TEST(OpCost, ofAGatedMlpIsThatOfItsParts) {
    const GatedMlpShape shape{.rows = 2, .hidden = 3, .inner = 7};
    const Cost wide = costOf(LinearShape{.rows = 2, .inputs = 3, .outputs = 7});
    const Cost narrow = costOf(LinearShape{.rows = 2, .inputs = 7, .outputs = 3});
    EXPECT_EQ(costOf(shape).flops, 2 * wide.flops + narrow.flops + 14 * 5);
    EXPECT_EQ(costOf(shape).bytesRead, 2 * wide.bytesRead + narrow.bytesRead + 28 * 4);
}

TEST(OpCost, ofARouterIsDominatedByItsPublishedParameterCount) {
    const RouterShape shape{.rows = 200,
                            .heads = 32,
                            .dim = 128,
                            .logits = 2,
                            .weights = DType::BF16,
                            .activations = DType::BF16};
    // 592,002 parameters at head_dim 128, two bytes each, plus the pooled queries and the activations between the layers.
    const std::int64_t activations = (128 + 1024 + 256 + 512 + 128) * 2;
    EXPECT_EQ(costOf(shape).bytesRead, 592'002 * 2 + 200 * 32 * 128 * 2 + activations);
}

TEST(OpCost, ofAnyShapeIsThatOfTheShape) {
    const PointwiseShape shape{.elements = 10, .reads = 2, .flopsEach = 3, .type = DType::F16};
    EXPECT_EQ(costOf(OpShape{shape}), (Cost{.bytesRead = 40, .bytesWritten = 20, .flops = 30}));
}

}  // namespace
}  // namespace fluxscope::cost
