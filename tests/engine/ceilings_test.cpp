// The measurement itself, with sizes that fit anywhere: what is true of every machine, and the arithmetic with known times.
#include "engine/ceilings/ceilings.h"

#include "engine/ceilings/detail/repeats.h"
#include "engine/contract/error.h"

#include <gtest/gtest.h>

#include <set>

namespace fluxscope {
namespace {

const CeilingPlan kSmall{
    .arrayBytes = std::int64_t{4} << 20, .matrixSides = {64, 128}, .secondsEach = 0.05, .fewestRepeats = 3};

TEST(Ceilings, areWorkOverTime) {
    const CeilingRate rate = rateOf("read", "by hand", 600, {0.5, 0.25, 1.0, 2.0});
    EXPECT_EQ(rate.what, "read");
    EXPECT_EQ(rate.how, "by hand");
    EXPECT_EQ(rate.amount, 600);
    EXPECT_EQ(rate.repeats, 4);
    EXPECT_DOUBLE_EQ(rate.best, 2400);
    EXPECT_DOUBLE_EQ(rate.median, 800);
    EXPECT_DOUBLE_EQ(rate.least, 300);
    EXPECT_DOUBLE_EQ(rateOf("", "", 600, {0.5, 0.25, 1.0}).median, 1200);
}

TEST(Ceilings, theFastestWayIsTheCeiling) {
    const std::vector<CeilingRate> rates{{.what = "fp32", .how = "a", .best = 1},
                                         {.what = "fp32", .how = "b", .best = 3},
                                         {.what = "bf16", .how = "a", .best = 2}};
    EXPECT_EQ(fastest(rates), &rates[1]);
    EXPECT_EQ(fastest(rates, "bf16"), &rates[2]);
    EXPECT_EQ(fastest(rates, "fp16"), nullptr);
    EXPECT_EQ(fastest({}), nullptr);
}

TEST(Ceilings, ofThisCpuArePlausible) {
    std::vector<std::string> heard;
    const MeasuredCeilings measured =
        measureCeilings(DeviceKind::Cpu, kSmall, {},
                        [&heard](const std::string& what, std::int64_t done, std::int64_t total) {
                            EXPECT_EQ(done, std::ssize(heard));
                            EXPECT_EQ(total, 9);
                            heard.push_back(what);
                        });
    EXPECT_EQ(measured.device, "cpu");
    EXPECT_EQ(heard, (std::vector<std::string>{"read", "copy", "triad", "fp32", "fp32", "fp32", "fp32",
                                               "bf16", "bf16"}));
    ASSERT_EQ(measured.bytes.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i)
        EXPECT_EQ(measured.bytes[i].amount, static_cast<std::int64_t>(i + 1) * kSmall.arrayBytes);
    ASSERT_EQ(measured.flops.size(), 6U);
    for (const CeilingRate& rate : measured.flops)
        EXPECT_TRUE(rate.amount == 2LL * 64 * 64 * 64 || rate.amount == 2LL * 128 * 128 * 128) << rate.how;
    std::set<std::string> ways;
    for (const std::vector<CeilingRate>* rates : {&measured.bytes, &measured.flops})
        for (const CeilingRate& rate : *rates) {
            EXPECT_GE(rate.repeats, 3) << rate.how;
            EXPECT_GT(rate.least, 1e5) << rate.how << ": slower than any machine, loaded as it may be";
            EXPECT_LE(rate.least, rate.median) << rate.how;
            EXPECT_LE(rate.median, rate.best) << rate.how;
            EXPECT_LT(rate.best, 1e14) << rate.how << ": faster than any CPU";
            EXPECT_TRUE(ways.insert(rate.what + rate.how).second) << rate.how << " twice";
        }
}

TEST(Ceilings, canBeCancelled) {
    CancelToken cancel;
    cancel.cancel();
    EXPECT_THROW(measureCeilings(DeviceKind::Cpu, kSmall, cancel), CancelledError);
}

TEST(Ceilings, sayWhatMemoryTheyLack) {
    CeilingPlan huge = kSmall;
    huge.arrayBytes = std::int64_t{1} << 50;
    try {
        measureCeilings(DeviceKind::Cpu, huge, {});
        FAIL() << "three PiB";
    } catch (const MachineError& error) {
        EXPECT_NE(std::string(error.what()).find("MiB of memory"), std::string::npos) << error.what();
    }
}

TEST(Ceilings, planForThisCpuFitsIntoItsMemory) {
    const CeilingPlan plan = ceilingPlan(DeviceKind::Cpu);
    EXPECT_GE(plan.arrayBytes, std::int64_t{16} << 20);
    EXPECT_LE(plan.arrayBytes, std::int64_t{2} << 30);
    EXPECT_GT(plan.secondsEach, 0);
    EXPECT_FALSE(plan.matrixSides.empty());
}

}  // namespace
}  // namespace fluxscope
