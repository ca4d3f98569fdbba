#include "profiler/figure/time_line_figure.h"

#include "tests/figure/device_worlds.h"
#include "tests/figure/golden.h"
#include "tests/figure/legibility.h"

#include <gtest/gtest.h>

#include <chrono>

namespace fluxscope {
namespace {

using testing::expectGolden;
using testing::expectLegible;
using testing::longTimeLine;
using testing::someTimeLine;

TEST(TimeLineFigure, looksAsItDid) {
    const TimeLine line = someTimeLine();
    expectGolden("figure/time_line_light.txt",
                 toGoldenText(timeLineFigure(line, {}, {800, 260}, lightTheme()).list));
    TimeLineView zoomed;
    zoomed.time = AxisRange{1.9e6, 2.15e6};
    expectGolden("figure/time_line_zoomed_dark.txt",
                 toGoldenText(timeLineFigure(line, zoomed, {800, 260}, darkTheme()).list));
}

TEST(TimeLineFigure, hasNoMoreItemsThanPixelsHoweverManyBars) {
    const TimeLine line = longTimeLine(1'000'000);
    for (const double zoom : {1.0, 10.0, 1e3, 1e5})
        for (const Size size : {Size{320, 240}, Size{1280, 400}, Size{4000, 400}}) {
            TimeLineView view;
            view.time = AxisRange{1e6, 1e6 + static_cast<double>(line.length) / zoom};
            const auto start = std::chrono::steady_clock::now();
            const TimeLineFigure f = timeLineFigure(line, view, size, lightTheme());
            const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
            EXPECT_LT(static_cast<double>(f.list.items.size()), 4 * size.width * 3 + 100) << zoom;
            RecordProperty("ms_at_" + std::to_string(zoom) + "_" + std::to_string(size.width),
                           std::to_string(took.count()));
            EXPECT_LT(took.count(), 250) << "far beyond the budget of 8 ms: something walks all bars";
        }
}

// Every bar is in exactly one item or out of sight, and items cover them in order.
TEST(TimeLineFigure, accountsForEveryBar) {
    const TimeLine line = longTimeLine(20'000, 1);
    const TimeLineFigure f = timeLineFigure(line, {}, {900, 200}, lightTheme());
    std::size_t next = 0;
    std::int64_t folded = 0;
    for (const TimeLineHit& item : f.items) {
        EXPECT_EQ(item.first, next);
        next += item.count;
        folded += item.count > 1 ? static_cast<std::int64_t>(item.count) : 0;
    }
    EXPECT_EQ(next, 20'000u);
    EXPECT_EQ(folded, f.folded);
    EXPECT_GT(folded, 15'000);
}

TEST(TimeLineFigure, unfoldsAsItIsZoomedInto) {
    const TimeLine line = longTimeLine(20'000, 1);
    TimeLineView view;
    view.time = AxisRange{0, 100'000};
    const TimeLineFigure f = timeLineFigure(line, view, {900, 200}, lightTheme());
    EXPECT_EQ(f.folded, 0);
    EXPECT_GT(f.items.size(), 10u);
    for (const TimeLineHit& item : f.items) EXPECT_EQ(item.count, 1u);
    const auto at = f.hitAt({f.plot.x + 10, f.plot.y + 12});
    ASSERT_TRUE(at);
    EXPECT_EQ(at->first, 0u);
}

TEST(TimeLineFigure, drawsBucketsAsFoldedWhereNoBarIsReadYet) {
    TimeLine line = longTimeLine(20'000, 1);
    line.lanes[0].buckets = bucketsOf(line.lanes[0].bars, line.length, 512);
    std::size_t counted = 0;
    for (const std::uint32_t count : line.lanes[0].buckets->count) counted += count;
    EXPECT_EQ(counted, 20'000u);
    line.lanes[0].bars = {};
    const TimeLineFigure f = timeLineFigure(line, {}, {900, 200}, lightTheme());
    EXPECT_EQ(f.folded, 20'000);
    EXPECT_LT(f.list.items.size(), 4u * 900);
    EXPECT_TRUE(f.hitAt({f.plot.x + 100, f.plot.y + 10})->bucket);
    EXPECT_NE(toGoldenText(f.list).find("20,000 bars are folded"), std::string::npos);
}

TEST(TimeLineFigure, staysLegibleAtAnySize) {
    for (const TimeLine& line : {someTimeLine(), longTimeLine(5000, 1), longTimeLine(5000, 12)})
        for (const double width : {220.0, 320.0, 480.0, 900.0, 2000.0})
            for (const double height : {160.0, 260.0, 500.0})
                for (const Theme* theme : {&lightTheme(), &darkTheme()})
                    expectLegible(timeLineFigure(line, {}, {width, height}, *theme).list,
                                  std::to_string(line.lanes.size()) + " lanes at " + std::to_string(width) +
                                      "x" + std::to_string(height));
}

TEST(TimeLineFigure, saysWhatIsMissing) {
    EXPECT_NE(toGoldenText(timeLineFigure({}, {}, {700, 200}, lightTheme()).list).find("No step of this run"),
              std::string::npos);
    for (const Size size : {Size{0, 0}, Size{60, 40}, Size{-5, 10}})
        expectLegible(timeLineFigure(someTimeLine(), {}, size, lightTheme()).list, "tiny");
}

TEST(TimeLine, putsWhatOverlapsIntoARowOfItsOwnAndCountsTheRest) {
    const testing::KernelTable kernels(R"(
        stream  start_us  end_us
        7       0         10
        7       1         9
        7       2         8
        7       3         7
        7       4         6
        7       20        30
        7       40        30
    )");
    const KernelColumnsView view = kernels.view();
    const TimeLine line = timeLine(testing::SnapshotBuilder().build(), RunIndex{1}, &view);
    ASSERT_EQ(line.lanes.size(), kMostRows);
    EXPECT_EQ(line.lanes[0].bars.size(), 2u);
    EXPECT_EQ(line.lanes[1].name, "stream 7 +1");
    EXPECT_EQ(line.lanes[0].omitted + line.lanes[3].omitted, 2);  // the fifth at once, and a bad stamp
}

TEST(TimeLineTooltip, saysWhatItIsHowLongAndWhen) {
    const TimeLine line = someTimeLine();
    EXPECT_EQ(line.lanes[0].name, "steps");
    EXPECT_EQ(toText(timeLineTooltip(line, {0, 0, 1, false})), R"(prefill
time 1.90 ms (measured, CUPTI: union of kernel intervals)
from 0 ns (since the run's first work))");
    EXPECT_EQ(toText(timeLineTooltip(line, {0, 1, 2, false})), R"(steps
folded 2 bars in 144 µs (measured, CUPTI: union of kernel intervals)
from 2.00 ms (since the run's first work))");
    EXPECT_EQ(toText(timeLineTooltip(line, {99, 0, 1, false})), "");
}

}  // namespace
}  // namespace fluxscope
