#include "profiler/analysis/percentiles.h"

#include <gtest/gtest.h>

#include <limits>

namespace fluxscope {
namespace {

TEST(Percentiles, areLinearBetweenValues) {
    const Percentiles p = percentilesOf({4, 1, 3, 2});
    EXPECT_EQ(p.count, 4);
    EXPECT_DOUBLE_EQ(p.median, 2.5);
    EXPECT_DOUBLE_EQ(p.p90, 3.7);
    EXPECT_DOUBLE_EQ(p.p25, 1.75);
    EXPECT_DOUBLE_EQ(p.mean, 2.5);
    EXPECT_EQ(p.least, 1);
    EXPECT_EQ(p.most, 4);
}

TEST(Percentiles, leaveOutWhatIsNotANumberAndNeverOverflow) {
    const double huge = std::numeric_limits<double>::max();
    const Percentiles p = percentilesOf({huge, -huge, huge, std::numeric_limits<double>::quiet_NaN(),
                                         std::numeric_limits<double>::infinity()});
    EXPECT_EQ(p.count, 3);
    EXPECT_EQ(p.median, huge);
    EXPECT_TRUE(p.mean > 0 && p.mean < huge) << p.mean;
    EXPECT_EQ(percentilesOf({}), Percentiles{});
}

}  // namespace
}  // namespace fluxscope
