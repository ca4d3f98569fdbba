#include "tests/kernels/sampling_world.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fluxscope {
namespace {

TEST(Describe, saysATokensProbabilityAndThoseOfTheBest) {
    // Probabilities 0.4, 0.1, 0.4, 0.1: of equals the lower id first.
    const std::vector<float> logits = {std::log(0.4F), std::log(0.1F), std::log(0.4F), std::log(0.1F)};
    const Described best = describedByReference({.rows = 1, .vocabulary = 4}, logits, {-1});
    EXPECT_EQ(best.choices[0].id, 0);
    EXPECT_EQ(best.chosen[0], 0);
    EXPECT_NEAR(best.choices[0].logprob, std::log(0.4), 1e-6);
    ASSERT_EQ(best.choices[0].tops, 4);
    EXPECT_EQ(best.choices[0].topIds[1], 2);
    EXPECT_EQ(best.choices[0].topIds[2], 1);
    EXPECT_EQ(best.choices[0].tailMass, 0) << "nothing is left";

    const Described given = describedByReference({.rows = 1, .vocabulary = 4}, logits, {3});
    EXPECT_EQ(given.choices[0].id, 3);
    EXPECT_NEAR(given.choices[0].logprob, std::log(0.1), 1e-6);
}

TEST(Describe, leavesTheRestToTheTail) {
    const Described said =
        describedByReference({.rows = 1, .vocabulary = 100}, logitsOf(Logits::Equal, 100, 1), {-1});
    EXPECT_EQ(said.choices[0].tops, 32);
    EXPECT_NEAR(said.choices[0].tailMass, 0.68, 1e-12);
}

TEST(Describe, saysThatARowIsNoDistribution) {
    const float infinity = std::numeric_limits<float>::infinity();
    const std::vector<float> logits = {0, std::nanf(""), 1, infinity, 0, 0, -infinity, -infinity, -infinity};
    const Described said = describedByReference({.rows = 3, .vocabulary = 3}, logits, {-1, 2, -1});
    for (const RowChoice& choice : said.choices) {
        EXPECT_TRUE(std::isnan(choice.logprob));
        EXPECT_EQ(choice.tops, 0);
    }
    EXPECT_EQ(said.chosen, (std::vector<std::int64_t>{0, 2, 0}));
}

}  // namespace
}  // namespace fluxscope
