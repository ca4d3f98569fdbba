#include "profiler/figure/kv_memory_figure.h"

#include "tests/figure/device_worlds.h"
#include "tests/figure/golden.h"
#include "tests/figure/legibility.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

using testing::expectGolden;
using testing::expectLegible;
using testing::someKv;

TEST(KvMemoryFigure, looksAsItDid) {
    const KvMemory memory = someKv(6);
    const KvMemoryView view{.selected = LayerIndex{1}, .hovered = LayerIndex{3}, .layers = {}};
    expectGolden("figure/kv_memory_light.txt",
                 toGoldenText(kvMemoryFigure(memory, view, {700, 260}, lightTheme()).list));
    expectGolden("figure/kv_memory_dark.txt",
                 toGoldenText(kvMemoryFigure(memory, {}, {700, 260}, darkTheme()).list));
}

TEST(KvMemoryFigure, staysLegibleAndBoundedAtAnySize) {
    for (const std::int32_t layers : {1, 6, 36, 128, 4096})
        for (const double width : {200.0, 320.0, 480.0, 900.0, 2000.0})
            for (const double height : {160.0, 300.0, 700.0, 1600.0})
                for (const Theme* theme : {&lightTheme(), &darkTheme()}) {
                    const KvMemoryFigure f = kvMemoryFigure(someKv(layers), {}, {width, height}, *theme);
                    expectLegible(f.list, std::to_string(layers) + " layers at " + std::to_string(width) +
                                              "x" + std::to_string(height));
                    EXPECT_LT(static_cast<double>(f.list.items.size()), 4 * height + 100) << layers;
                }
}

TEST(KvMemoryFigure, everyBarsMiddleHitsItsLayer) {
    const KvMemoryFigure f = kvMemoryFigure(someKv(36), {}, {600, 700}, lightTheme());
    for (int l = 0; l < 36; ++l) {
        const double y = f.plot.y + f.plot.height * (l + 0.5) / 36;
        EXPECT_EQ(f.hitAt({f.plot.x + 5, y}), LayerIndex{l});
        EXPECT_EQ(f.hitAt({f.plot.x - 5, y}), std::nullopt);
    }
}

TEST(KvMemoryFigure, showsThePartThatIsPannedTo) {
    KvMemoryView view;
    view.layers = AxisRange{10.5, 20.25};
    const KvMemoryFigure f = kvMemoryFigure(someKv(36), view, {600, 400}, lightTheme());
    EXPECT_EQ(f.hitAt({f.plot.x + 5, f.plot.y + 1}), LayerIndex{10});
    EXPECT_EQ(f.hitAt({f.plot.x + 5, f.plot.bottom() - 1}), LayerIndex{20});
    expectLegible(f.list, "panned");
}

TEST(KvMemoryFigure, saysWhatIsMissing) {
    EXPECT_NE(
        toGoldenText(kvMemoryFigure({}, {}, {700, 200}, lightTheme()).list).find("No KV cache is recorded"),
        std::string::npos);
    for (const Size size : {Size{0, 0}, Size{60, 40}, Size{-5, 10}})
        expectLegible(kvMemoryFigure(someKv(3), {}, size, lightTheme()).list, "tiny");
}

TEST(KvMemoryTooltip, givesEveryNumberItsOrigin) {
    EXPECT_EQ(toText(kvMemoryTooltip(someKv(2), LayerIndex{1})), R"(layer 1
KV kept 2.00 MiB (reserved by the engine, recorded)
freed 14.0 MiB, 87.5 % (against a full cache of the same length)
prompts 1)");
}

}  // namespace
}  // namespace fluxscope
