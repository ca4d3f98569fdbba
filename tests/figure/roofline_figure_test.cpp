#include "profiler/figure/roofline_figure.h"

#include "tests/figure/device_worlds.h"
#include "tests/figure/golden.h"
#include "tests/figure/legibility.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace fluxscope {
namespace {

using testing::expectGolden;
using testing::expectLegible;
using testing::someRoofline;

TEST(RooflineFigure, looksAsItDid) {
    const RooflineView view{.selected = 0, .hovered = 3};
    expectGolden("figure/roofline_light.txt",
                 toGoldenText(rooflineFigure(someRoofline(), view, {800, 460}, lightTheme()).list));
    expectGolden("figure/roofline_no_ceilings_dark.txt",
                 toGoldenText(rooflineFigure(someRoofline(false), {}, {800, 460}, darkTheme()).list));
}

TEST(RooflineFigure, hitsEachPointAndCountsWhatHasNoPlace) {
    const Roofline roof = someRoofline();
    const RooflineFigure f = rooflineFigure(roof, {}, {800, 460}, lightTheme());
    EXPECT_EQ(f.omitted, 1);  // rope: no bytes, no FLOPs
    std::size_t found = 0;
    for (const HitArea& area : f.list.hitAreas) {
        const auto hit = f.hitAt({area.rect.x + area.rect.width / 2, area.rect.y + area.rect.height / 2});
        ASSERT_TRUE(hit);
        EXPECT_TRUE(f.plot.contains({area.rect.x + 6, area.rect.y + 6})) << roof.points[*hit].work.label;
        ++found;
    }
    EXPECT_EQ(found, 5u);
}

TEST(RooflineFigure, staysLegibleAtAnySize) {
    for (const bool ceilings : {true, false})
        for (const double width : {280.0, 320.0, 480.0, 900.0, 2000.0})
            for (const double height : {200.0, 300.0, 700.0, 1600.0})
                for (const Theme* theme : {&lightTheme(), &darkTheme()})
                    expectLegible(rooflineFigure(someRoofline(ceilings), {}, {width, height}, *theme).list,
                                  std::to_string(width) + "x" + std::to_string(height));
}

// At the width of a panel: what the numbers come from is said in full, and no label lies on a ceiling.
TEST(RooflineFigure, cutsNoHeadingAndLabelsNoCeilingAtTheWidthOfAPanel) {
    Roofline roof = someRoofline();
    roof.ceilings.source = "fluxscope-cli ceilings, NVIDIA H200 at 1980 MHz";
    // Work just under the roof, left and right of the ridge, and some that lies close together.
    for (const double share : {0.97, 0.9, 0.6, 0.58}) {
        Work w = roof.points.front().work;
        w.label = "prefill attention " + std::to_string(static_cast<int>(share * 100));
        w.bytes = 1e9;
        w.flops = 100e9;
        w.seconds = 1e9 / 4.23e12 / share;
        roof.points.push_back(roofline(std::vector<Work>{w}, roof.ceilings, "bf16").points.front());
    }
    for (const double width : {800.0, 992.0}) {
        const RooflineFigure f = rooflineFigure(roof, {}, {width, 460}, lightTheme());
        expectLegible(f.list, "panel");
        std::vector<Polyline> ceilings;
        for (const DisplayItem& item : f.list.items)
            if (const auto* line = std::get_if<Polyline>(&item); line != nullptr && line->width == 1.5)
                ceilings.push_back(*line);
        ASSERT_EQ(ceilings.size(), 2U);
        int labels = 0;
        for (const DisplayItem& item : f.list.items) {
            const auto* text = std::get_if<Text>(&item);
            if (text == nullptr) continue;
            EXPECT_EQ(text->utf8.find("…"), std::string::npos) << text->utf8;
            const Rect box = testing::boxOf(*text);
            if (!f.plot.contains({box.x, box.y})) continue;
            ++labels;
            for (const Polyline& line : ceilings)
                for (int i = 0; i <= 2000; ++i) {
                    const double t = i / 2000.0;
                    const Point p{line.points[0].x + t * (line.points[1].x - line.points[0].x),
                                  line.points[0].y + t * (line.points[1].y - line.points[0].y)};
                    ASSERT_FALSE(box.contains(p)) << text->utf8 << " lies on a ceiling at " << width;
                }
        }
        EXPECT_GE(labels, 7) << width;  // two ceilings and five points or more
    }
}

TEST(RooflineFigure, drawsNothingThatIsNotFiniteWhateverItIsGiven) {
    const double inf = std::numeric_limits<double>::infinity();
    const std::vector<double> odd{0, -1, 1e-300, 1, 1e300, inf, std::nan("")};
    for (const double peakBytes : odd)
        for (const double peakFlops : odd)
            for (const double bytes : odd)
                for (const double flops : odd) {
                    Work w;
                    w.label = "w";
                    w.bytes = bytes;
                    w.flops = flops;
                    w.seconds = 1;
                    const Ceilings ceilings{.bytesPerSecond = peakBytes,
                                            .peaks = {{"bf16", peakFlops}},
                                            .measured = false,
                                            .source = {}};
                    const Roofline roof = roofline(std::vector<Work>{w}, ceilings, "bf16");
                    const std::string text =
                        toGoldenText(rooflineFigure(roof, {}, {600, 400}, lightTheme()).list);
                    ASSERT_EQ(text.find("nan"), std::string::npos)
                        << peakBytes << " " << peakFlops << " " << bytes << " " << flops << text;
                    ASSERT_EQ(text.find("inf"), std::string::npos)
                        << peakBytes << " " << peakFlops << " " << bytes << " " << flops << text;
                }
}

TEST(RooflineFigure, saysWhatIsMissing) {
    EXPECT_NE(toGoldenText(rooflineFigure({}, {}, {700, 200}, lightTheme()).list).find("No work of this run"),
              std::string::npos);
    for (const Size size : {Size{0, 0}, Size{60, 40}, Size{-5, 10}})
        expectLegible(rooflineFigure(someRoofline(), {}, size, lightTheme()).list, "tiny");
}

TEST(RooflineTooltip, givesEveryNumberItsOrigin) {
    const Roofline roof = someRoofline();
    EXPECT_EQ(toText(rooflineTooltip(roof.points[3], roof.ceilings)), R"(decode attention full
time 37.5 µs (measured, CUPTI: union of kernel intervals)
bytes 128 MiB (modelled, kernels/cost v1)
FLOPs 540 MFLOP (modelled, kernels/cost)
intensity, FLOPs a byte 4.030
bandwidth 3.57 TB/s
of peak bandwidth 84.5 % (measured: fluxscope-cli ceilings)
rate 14.4 TFLOP/s
of peak rate 1.8 % (measured: fluxscope-cli ceilings)
of the roof 84.5 % (bound by memory))");
}

}  // namespace
}  // namespace fluxscope
