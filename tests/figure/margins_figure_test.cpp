#include "profiler/figure/margins_figure.h"

#include "tests/figure/device_worlds.h"
#include "tests/figure/golden.h"
#include "tests/figure/legibility.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

using testing::expectGolden;
using testing::expectLegible;
using testing::someHealth;

TEST(MarginsFigure, looksAsItDid) {
    const MarginsView view{.selected = LayerIndex{2}, .hovered = LayerIndex{4}, .rows = {}};
    expectGolden("figure/margins_light.txt",
                 toGoldenText(marginsFigure(someHealth(6), view, {760, 240}, lightTheme()).list));
    expectGolden("figure/margins_dark.txt",
                 toGoldenText(marginsFigure(someHealth(6), {}, {760, 240}, darkTheme()).list));
}

TEST(MarginsFigure, staysLegibleAndBoundedAtAnySize) {
    for (const std::int32_t layers : {1, 6, 36, 128})
        for (const double width : {220.0, 320.0, 480.0, 900.0, 2000.0})
            for (const double height : {160.0, 300.0, 700.0, 1600.0})
                for (const Theme* theme : {&lightTheme(), &darkTheme()}) {
                    const MarginsFigure f = marginsFigure(someHealth(layers), {}, {width, height}, *theme);
                    expectLegible(f.list, std::to_string(layers) + " layers at " + std::to_string(width) +
                                              "x" + std::to_string(height));
                    EXPECT_LT(static_cast<double>(f.list.items.size()), 4 * height + 100) << layers;
                }
}

TEST(MarginsFigure, drawsTheThresholdEvenWhereAllMarginsAreFarFromIt) {
    RouterHealth health = someHealth(1);
    health.layers[0].margins = {.count = 2,
                                .least = 5,
                                .p10 = 5,
                                .p25 = 5,
                                .median = 6,
                                .p75 = 7,
                                .p90 = 7,
                                .p99 = 7,
                                .most = 7,
                                .mean = 6};
    const std::string text = toGoldenText(marginsFigure(health, {}, {760, 200}, lightTheme()).list);
    EXPECT_NE(text.find("\"0\""), std::string::npos) << text;
}

TEST(MarginsFigure, everyRowsMiddleHitsItsLayer) {
    const MarginsFigure f = marginsFigure(someHealth(24), {}, {760, 700}, lightTheme());
    for (int l = 0; l < 24; ++l)
        EXPECT_EQ(f.hitAt({f.plot.x + 9, f.plot.y + f.plot.height * (l + 0.5) / 24}), LayerIndex{l});
}

TEST(MarginsFigure, saysWhatIsMissing) {
    EXPECT_NE(
        toGoldenText(marginsFigure({}, {}, {700, 200}, lightTheme()).list).find("No decision of a router"),
        std::string::npos);
    for (const Size size : {Size{0, 0}, Size{60, 40}, Size{-5, 10}})
        expectLegible(marginsFigure(someHealth(3), {}, size, lightTheme()).list, "tiny");
}

TEST(MarginsTooltip, givesEveryNumberItsMeaning) {
    EXPECT_EQ(toText(marginsTooltip(someHealth(1, 4), LayerIndex{0})), R"(layer 0
margin -1.60 median, -4.60 to -0.66 (logits, routers, recorded)
full attention 0.0 % (of 4 prompts)
undecided 0.0 % (p_full within 0.05 of the threshold)
entropy 0.58 bits a prompt, 0.00 bits of the route)");
}

}  // namespace
}  // namespace fluxscope
