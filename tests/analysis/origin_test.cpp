#include "profiler/analysis/origin.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

TEST(Origin, ofATimeSaysWhichClockAndWhatItDidNotSee) {
    EXPECT_EQ(timeOrigin("host-timer"), "measured, host timer");
    EXPECT_EQ(timeOrigin("host-enqueue"), "host timer: time to enqueue, what the GPU took is not measured");
    EXPECT_EQ(timeOrigin("none"), "replayed steps: the GPU was not timed layer by layer");
    EXPECT_EQ(timeOrigin("their\nclock"), "source 'their\\x0Aclock'");
    EXPECT_EQ(timeOrigin(""), "source not recorded");
}

TEST(Origin, ofBytesSaysMeasuredSampledOrModelled) {
    EXPECT_EQ(bytesOrigin("analytic", 1), "modelled, kernels/cost v1");
    EXPECT_EQ(bytesOrigin("hw_range", 0), "measured, range counters");
    EXPECT_EQ(bytesOrigin("hw_pm", 0), "sampled, PM counters joined by time");
}

}  // namespace
}  // namespace fluxscope
