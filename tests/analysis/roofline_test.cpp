#include "profiler/analysis/roofline.h"

#include "profiler/figure/number.h"
#include "tests/analysis/snapshot_builder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace fluxscope {
namespace {

using testing::rows;
using testing::SnapshotBuilder;

std::string number(const std::optional<double>& value, int decimals = 2) {
    return value ? withDecimals(*value, decimals) : "-";
}

std::string table(const Roofline& roof) {
    std::string text = "label intensity bytes/s flop/s bandwidth flops roof bound\n";
    for (const RooflinePoint& p : roof.points)
        text += p.work.label + " " + number(p.intensity) + " " + number(p.bytesPerSecond, 0) + " " +
                number(p.flopsPerSecond, 0) + " " + number(p.bandwidthShare) + " " + number(p.flopsShare) +
                " " + number(p.roofShare) + " " + std::string(nameOf(p.bound)) + "\n";
    return rows(text);
}

Ceilings machine() {
    return {.bytesPerSecond = 100, .peaks = {{"bf16", 1000}}, .measured = true, .source = "test"};
}

Work work(const std::string& label, double bytes, double flops, double seconds) {
    Work w;
    w.label = label;
    w.bytes = bytes;
    w.flops = flops;
    w.seconds = seconds;
    return w;
}

TEST(Roofline, placesWorkUnderTheLowerCeiling) {
    const std::vector<Work> all{work("gemm", 10, 800, 1), work("decode", 80, 80, 1), work("copy", 50, 0, 1)};
    EXPECT_EQ(*machine().ridge("bf16"), 10);
    EXPECT_EQ(table(roofline(all, machine(), "bf16")), rows(R"(
        label   intensity  bytes/s  flop/s  bandwidth  flops  roof  bound
        gemm    80.00      10       800     0.10       0.80   0.80  compute
        decode  1.00       80       80      0.80       0.08   0.80  memory
        copy    -          50       -       0.50       -      -     unknown
    )"));
}

TEST(Roofline, leavesAPointWithoutAShareWhereACeilingIsMissing) {
    const std::vector<Work> all{work("gemm", 10, 800, 1)};
    EXPECT_EQ(table(roofline(all, machine(), "fp32")), rows(R"(
        label  intensity  bytes/s  flop/s  bandwidth  flops  roof  bound
        gemm   80.00      10       800     0.10       -      -     unknown
    )"));
    EXPECT_EQ(table(roofline(all, {}, "bf16")), rows(R"(
        label  intensity  bytes/s  flop/s  bandwidth  flops  roof  bound
        gemm   80.00      10       800     -          -      -     unknown
    )"));
    EXPECT_EQ(Ceilings{}.origin(), "no ceilings: measure them with fluxscope-cli ceilings");
    EXPECT_EQ(machine().origin(), "measured: test");
}

TEST(Roofline, isNeverInfiniteOrNotANumberWhateverItIsGiven) {
    const double inf = std::numeric_limits<double>::infinity();
    const std::vector<double> odd{
        0, -1, 1, 5e-324, 1e-300, 1e300, std::numeric_limits<double>::max(), inf, -inf, std::nan("")};
    std::int64_t points = 0;
    for (const double peakBytes : odd)
        for (const double peakFlops : odd)
            for (const double bytes : odd)
                for (const double flops : odd)
                    for (const double seconds : odd) {
                        const std::vector<Work> one{work("w", bytes, flops, seconds)};
                        const Ceilings ceilings{.bytesPerSecond = peakBytes, .peaks = {{"bf16", peakFlops}}};
                        const Roofline result = roofline(one, ceilings, "bf16");
                        const RooflinePoint& p = result.points.front();
                        for (const auto& value : {p.intensity, p.bytesPerSecond, p.flopsPerSecond,
                                                  p.bandwidthShare, p.flopsShare, p.roofShare})
                            ASSERT_TRUE(!value || (std::isfinite(*value) && *value > 0))
                                << peakBytes << " " << peakFlops << " " << bytes << " " << flops << " "
                                << seconds;
                        ++points;
                    }
    EXPECT_EQ(points, 100'000);
}

TEST(Roofline, takesWhatABreakdownMeasuredAndNothingElse) {
    const Snapshot s = SnapshotBuilder()
                           .layers(1)
                           .sequences("sequence prompt\n 0 a")
                           .costs(R"(
                               step  layer  time_us  read  written  flops  clock
                               0     0      1000     60    40       5      cupti
                               1     0      1000     60    40       5      host-enqueue
                           )")
                           .build();
    const auto rowsOf = breakdown(s, RunIndex{1}, {.layer = true});
    const std::vector<Work> all = workOf(rowsOf);
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].label, "prefill layer 0");
    EXPECT_EQ(all[0].bytes, 100);
    EXPECT_DOUBLE_EQ(all[0].seconds, 1e-3);
}

std::string text(const Ceilings& c) {
    return (c.bytesPerSecond ? std::to_string(*c.bytesPerSecond) : "-") + " " +
           (c.flopsPerSecond("fp32") ? std::to_string(*c.flopsPerSecond("fp32")) : "-") + " " + c.origin();
}

TEST(CeilingsOf, areTheMeasuredOnesElseTheDataSheets) {
    testing::SnapshotBuilder builder;
    builder.runs("run\n 1");
    builder.edit().runs.front().device = "cuda:1";
    const std::vector<DeviceInfo> devices{
        {ProcessIndex{1}, {.device = 0, .name = "other", .bytesPerSecond = 1}},
        {ProcessIndex{1}, {.device = 1, .name = "NVIDIA H200", .bytesPerSecond = 4000}},
        {ProcessIndex{2}, {.device = 1, .name = "other", .bytesPerSecond = 1}}};
    EXPECT_EQ(text(ceilingsOf(builder.build(), RunIndex{1}, devices)),
              "4000.000000 - nameplate: data sheet of NVIDIA H200");
    EXPECT_EQ(text(ceilingsOf(builder.build(), RunIndex{1}, {})),
              "- - no ceilings: measure them with fluxscope-cli ceilings");
    builder.edit().environment = {
        {ProcessIndex{1}, "ceiling_bytes_per_second", "3.5e3", "measured: fluxscope-cli ceilings"},
        {ProcessIndex{1}, "ceiling_flops", "7e3", "fluxscope-cli ceilings"},
        {ProcessIndex{2}, "ceiling_flops_fp32", "1", "another machine"}};
    EXPECT_EQ(text(ceilingsOf(builder.build(), RunIndex{1}, devices)),
              "3500.000000 7000.000000 measured: fluxscope-cli ceilings");
    builder.edit().environment.push_back({ProcessIndex{1}, "ceiling_flops_fp32", "6e3", "x"});
    EXPECT_EQ(text(ceilingsOf(builder.build(), RunIndex{1}, devices)),
              "3500.000000 6000.000000 measured: fluxscope-cli ceilings");
    for (const char* odd : {"", "fast", "-4", "nan", "inf", "0"}) {
        builder.edit().environment = {{ProcessIndex{1}, "ceiling_bytes_per_second", odd, "x"}};
        EXPECT_EQ(text(ceilingsOf(builder.build(), RunIndex{1}, devices)),
                  "4000.000000 - nameplate: data sheet of NVIDIA H200")
            << odd;
    }
    // A CPU has no data sheet here.
    builder.edit().environment.clear();
    builder.edit().runs.front().device = "cpu";
    EXPECT_FALSE(ceilingsOf(builder.build(), RunIndex{1}, devices).bytesPerSecond);
}

}  // namespace
}  // namespace fluxscope
