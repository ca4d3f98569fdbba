#include "profiler/figure/traffic_figure.h"

#include "tests/figure/device_worlds.h"
#include "tests/figure/golden.h"
#include "tests/figure/legibility.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

using testing::expectGolden;
using testing::expectLegible;
using testing::SnapshotBuilder;
using testing::someTraffic;

TEST(TrafficFigure, looksAsItDid) {
    TrafficView view;
    view.ceiling = 4.23e12;
    view.ceilingOrigin = "measured";
    expectGolden("figure/traffic_light.txt",
                 toGoldenText(trafficFigure(someTraffic(40), view, {800, 380}, lightTheme()).list));
    view.time = AxisRange{100'000, 200'000};
    expectGolden("figure/traffic_zoomed_dark.txt",
                 toGoldenText(trafficFigure(someTraffic(40), view, {800, 380}, darkTheme()).list));
}

TEST(TrafficFigure, hasNoMorePointsThanPixelsHoweverManySamples) {
    const TrafficFigure f = trafficFigure(someTraffic(1'000'000), {}, {900, 400}, lightTheme());
    std::size_t points = 0;
    for (const DisplayItem& item : f.list.items)
        if (const auto* line = std::get_if<Polyline>(&item)) points += line->points.size();
    EXPECT_LT(points, 4u * 900 * 5);
    EXPECT_LT(f.list.items.size(), 4u * 900);
}

TEST(TrafficFigure, losesNoPeakWhenZoomedOut) {
    Traffic traffic = someTraffic(100'000);
    traffic.series.resize(2);
    traffic.series[1].rate[50'000] = 4e12;
    const TrafficFigure f = trafficFigure(traffic, {}, {500, 300}, lightTheme());
    double highest = 1e9;
    for (const DisplayItem& item : f.list.items)
        if (const auto* line = std::get_if<Polyline>(&item))
            for (const Point& p : line->points) highest = std::min(highest, p.y);
    EXPECT_NEAR(highest, f.plot.bottom() - f.plot.height / 1.08, 1);
}

TEST(TrafficFigure, staysLegibleAtAnySize) {
    TrafficView view;
    view.ceiling = 4.23e12;
    for (const double width : {220.0, 320.0, 480.0, 900.0, 2000.0})
        for (const double height : {160.0, 260.0, 500.0, 1200.0})
            for (const Theme* theme : {&lightTheme(), &darkTheme()})
                expectLegible(trafficFigure(someTraffic(), view, {width, height}, *theme).list,
                              std::to_string(width) + "x" + std::to_string(height));
}

TEST(TrafficFigure, saysWhatIsMissing) {
    EXPECT_NE(
        toGoldenText(trafficFigure({}, {}, {700, 200}, lightTheme()).list).find("No traffic of this run"),
        std::string::npos);
    for (const Size size : {Size{0, 0}, Size{60, 40}, Size{-5, 10}})
        expectLegible(trafficFigure(someTraffic(), {}, size, lightTheme()).list, "tiny");
}

TEST(Traffic, turnsLayersAndSamplesIntoRatesAndKeepsSourcesApart) {
    const Snapshot s = SnapshotBuilder()
                           .layers(1)
                           .sequences("sequence prompt\n 0 a")
                           .costs(R"(
                               step  layer  begin_us  time_us  read  written  clock
                               0     0      1000      100      800   200      cupti
                               1     0      1200      50       400   100      cupti
                               2     0      1300      50       400   100      host-enqueue
                           )")
                           .build();
    const std::vector<std::int64_t> begin{1'000'000, 1'100'000, 1'150'000};
    const std::vector<std::int64_t> end{1'100'000, 1'200'000, 1'100'000};
    const std::vector<double> value{3000, 1000, 7};
    const std::vector<double> watts{400, 500, 600};
    const std::vector<SampleColumns> samples{{"dram_read_bytes", "hw_pm", begin, end, value},
                                             {"power_w", "nvml", begin, end, watts}};
    const Traffic t = trafficOver(s, RunIndex{1}, samples);
    ASSERT_EQ(t.series.size(), 2u);
    EXPECT_EQ(t.series[0].origin,
              "modelled, kernels/cost v1; time measured, CUPTI: union of kernel intervals");
    ASSERT_EQ(t.series[0].rate.size(), 2u);
    EXPECT_NEAR(t.series[0].rate[0], 1e7, 1);
    EXPECT_EQ(t.series[1].name, "DRAM read");
    ASSERT_EQ(t.series[1].rate.size(), 2u);  // the third ends before it begins
    EXPECT_NEAR(t.series[1].rate[0], 3e7, 1);
    ASSERT_EQ(t.others.size(), 1u);
    EXPECT_EQ(t.others[0].unit, "W");
    EXPECT_EQ(toText(trafficTooltip(t, 50'000)), R"(50.0 µs since the run's first work
layers, modelled 10.0 MB/s (modelled, kernels/cost v1; time measured, CUPTI: union of kernel intervals)
DRAM read 30.0 MB/s (sampled, PM counters joined by time)
power 400 W (sampled, NVML))");
}

}  // namespace
}  // namespace fluxscope
