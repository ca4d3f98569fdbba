#include "engine/contract/decision.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

TEST(Decision, atOneHalfIsTheArgmaxAndATieIsSparse) {
    EXPECT_GT(marginOf({.sparse = 1.0F, .full = 1.5F}, 0.5), 0);
    EXPECT_LT(marginOf({.sparse = 1.5F, .full = 1.0F}, 0.5), 0);
    EXPECT_EQ(marginOf({.sparse = 2.0F, .full = 2.0F}, 0.5), 0);
}

TEST(Decision, comparesLogitsWhereProbabilitiesHaveNoDigitsLeft) {
    const RouterLogits logits{.sparse = 0.0F,
                              .full = 40.0F};  // softmax is 1 in double to the last digit but one
    EXPECT_GT(marginOf(logits, 1.0 - 1e-15), 0);
    EXPECT_LT(marginOf(logits, 1.0), 0) << "at threshold 1 nothing is full";
    EXPECT_GT(marginOf({.sparse = 40.0F, .full = 0.0F}, 0.0), 0) << "at threshold 0 everything is full";
}

TEST(Decision, probabilityIsTheSoftmaxOfTheSecondLogit) {
    EXPECT_DOUBLE_EQ(fullProbability({.sparse = 0.0F, .full = 0.0F}), 0.5);
    EXPECT_NEAR(fullProbability({.sparse = 1.0F, .full = 3.0F}), 0.880797, 1e-6);
}

}  // namespace
}  // namespace fluxscope
