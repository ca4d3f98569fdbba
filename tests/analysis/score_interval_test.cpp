#include "profiler/analysis/score_interval.h"

#include <gtest/gtest.h>

#include <vector>

namespace fluxscope {
namespace {

// Against published values: 0 of 10 is 0 to 27.8 %, 8 of 10 is 49.0 to 94.3 %.
TEST(ScoreInterval, isWilsons) {
    const ScoreInterval none = scoreInterval(std::vector<double>(10, 0));
    EXPECT_EQ(none.mean, 0);
    EXPECT_NEAR(none.low, 0, 1e-12);
    EXPECT_NEAR(none.high, 0.2775, 1e-4);

    std::vector<double> scores(10, 1);
    scores[0] = scores[1] = 0;
    const ScoreInterval most = scoreInterval(scores);
    EXPECT_NEAR(most.mean, 0.8, 1e-12);
    EXPECT_NEAR(most.low, 0.4902, 1e-4);
    EXPECT_NEAR(most.high, 0.9433, 1e-4);

    const ScoreInterval unknown = scoreInterval({});
    EXPECT_EQ(unknown.low, 0);
    EXPECT_EQ(unknown.high, 1) << "of nothing nothing is known";
}

TEST(ScoreInterval, containsTheMeanToTheLastBit) {
    for (std::size_t n = 1; n <= 300; ++n)
        for (const double score : {0.0, 1.0}) {
            const ScoreInterval interval = scoreInterval(std::vector<double>(n, score));
            EXPECT_LE(interval.low, interval.mean) << n << " times " << score;
            EXPECT_GE(interval.high, interval.mean) << n << " times " << score;
            EXPECT_GE(interval.low, 0);
            EXPECT_LE(interval.high, 1);
        }
}

}  // namespace
}  // namespace fluxscope
