#include "profiler/analysis/paired_ratio.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace fluxscope {
namespace {

// Pairs that began with 10 and ended with these.
std::vector<Pair> pairsOf(const std::vector<double>& with) {
    std::vector<Pair> pairs;
    for (const double value : with) pairs.push_back({.without = 10, .with = value});
    return pairs;
}

TEST(PairedRatio, ofSixPairsReachesFromTheLeastToTheMost) {
    const auto ratio = pairedRatio(pairsOf({11, 10, 12, 9, 13, 10.5}));
    ASSERT_TRUE(ratio);
    EXPECT_EQ(ratio->pairs, 6);
    EXPECT_DOUBLE_EQ(ratio->medianWithout, 10);
    EXPECT_DOUBLE_EQ(ratio->medianWith, 10.75);
    EXPECT_DOUBLE_EQ(ratio->ratio, 1.075);
    EXPECT_DOUBLE_EQ(ratio->low, 0.9);
    EXPECT_DOUBLE_EQ(ratio->high, 1.3);
    EXPECT_DOUBLE_EQ(ratio->coverage, 1 - 2.0 / 64);
    EXPECT_TRUE(ratio->includesNoChange());
}

// The ranks of the tables: n = 12 leaves out two on each side, n = 20 five, n = 100 thirty-nine.
TEST(PairedRatio, leavesOutWhatTheCoinAllows) {
    struct Known {
        int pairs;
        int leftOut;
        double coverage;
    };
    for (const auto& [n, leftOut, coverage] :
         {Known{12, 2, 0.9614}, Known{20, 5, 0.9586}, Known{100, 39, 0.9648}}) {
        std::vector<double> with(static_cast<std::size_t>(n));
        for (int i = 0; i < n; ++i) with[static_cast<std::size_t>(i)] = 10.0 * (1 + i);
        const auto ratio = pairedRatio(pairsOf(with));
        ASSERT_TRUE(ratio) << n;
        EXPECT_DOUBLE_EQ(ratio->low, 1 + leftOut) << n;
        EXPECT_DOUBLE_EQ(ratio->high, n - leftOut) << n;
        EXPECT_NEAR(ratio->coverage, coverage, 5e-5) << n;
    }
}

TEST(PairedRatio, isAbsentBelowSixUsablePairs) {
    EXPECT_FALSE(pairedRatio({}));
    EXPECT_FALSE(pairedRatio(pairsOf({11, 11, 11, 11, 11})));
    const double nan = std::numeric_limits<double>::quiet_NaN();
    EXPECT_FALSE(pairedRatio(pairsOf({11, 11, 11, 11, 11, 0, nan, -1})));
    EXPECT_EQ(pairedRatio(pairsOf({11, 11, 11, 0, 11, 11, 11}))->pairs, 6);
}

TEST(PairedRatio, takesEachPairByItselfSoThatDriftDoesNotCount) {
    std::vector<Pair> pairs;
    for (int i = 1; i <= 12; ++i) pairs.push_back({.without = 1.0 * i, .with = 1.02 * i});
    const auto ratio = pairedRatio(pairs);
    ASSERT_TRUE(ratio);
    EXPECT_NEAR(ratio->low, 1.02, 1e-12);
    EXPECT_NEAR(ratio->high, 1.02, 1e-12);
    EXPECT_FALSE(ratio->includesNoChange());
}

// The promise of an interval, kept: of many samples whose true ratio is 1.03, at least 95 % must enclose it.
TEST(PairedRatio, enclosesTheTruthAsOftenAsItSays) {
    std::mt19937_64 random(7);      // NOLINT(bugprone-random-generator-seed): the same samples each time
    const auto noise = [&random] {  // skewed, as times are
        const double u = (static_cast<double>(random() >> 11U) + 0.5) / static_cast<double>(1ULL << 53U);
        return 1 - 0.1 * std::log(u);
    };
    constexpr int kSamples = 4000;
    int enclosed = 0;
    for (int sample = 0; sample < kSamples; ++sample) {
        std::vector<Pair> pairs;
        for (int i = 0; i < 15; ++i) pairs.push_back({.without = noise(), .with = 1.03 * noise()});
        const auto ratio = pairedRatio(pairs);
        ASSERT_TRUE(ratio);
        if (ratio->low <= 1.03 && 1.03 <= ratio->high) ++enclosed;
    }
    EXPECT_GE(enclosed, kSamples * 95 / 100);
    EXPECT_LE(enclosed, kSamples * 98 / 100) << "wider than the ranks of 15 (coverage 0.9648) allow";
}

TEST(PairedRatio, readsAsAChange) {
    EXPECT_EQ(changeText({.pairs = 12, .ratio = 1.012, .low = 0.997, .high = 1.029}),
              "+1.2 % (95 % interval -0.3 % to +2.9 %)");
    EXPECT_EQ(changeText({.pairs = 12, .ratio = 1.0, .low = 0.99999, .high = 2.5}),
              "+0.0 % (95 % interval +0.0 % to +150 %)");
}

}  // namespace
}  // namespace fluxscope
