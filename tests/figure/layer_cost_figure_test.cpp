#include "profiler/figure/layer_cost_figure.h"

#include "tests/figure/golden.h"
#include "tests/figure/legibility.h"
#include "tests/figure/worlds.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

using testing::expectGolden;
using testing::expectLegible;
using testing::largeCapture;
using testing::smallCapture;

LayerCosts costsOf(const Snapshot& s) { return layerCosts(s, RunIndex{1}, SequenceIndex{0}); }

TEST(LayerCostFigure, looksAsItDid) {
    const LayerCosts costs = costsOf(smallCapture());
    LayerCostView view;
    view.selected = LayerCostHit{LayerIndex{1}, StepIndex{0}};
    view.hovered = LayerCostHit{LayerIndex{2}, StepIndex{1}};
    expectGolden("figure/layer_cost_time_light.txt",
                 toGoldenText(layerCostFigure(costs, view, {700, 320}, lightTheme()).list));
    view.measure = CostMeasure::KvBytes;
    expectGolden("figure/layer_cost_kv_dark.txt",
                 toGoldenText(layerCostFigure(costs, view, {700, 320}, darkTheme()).list));
}

TEST(LayerCostFigure, everyCellsCentreHitsThatCell) {
    const LayerCosts costs = costsOf(largeCapture(24, 1, 65));
    for (const Size size : {Size{320, 300}, Size{960, 700}, Size{4000, 2000}}) {
        const LayerCostFigure figure = layerCostFigure(costs, {}, size, lightTheme());
        std::size_t cells = 0;
        for (std::size_t g = 0; g < figure.list.hitGrids.size(); ++g) {
            const HitGrid& grid = figure.list.hitGrids[g];
            for (std::int32_t r = 0; r < grid.rows; ++r)
                for (std::int32_t c = 0; c < grid.columns; ++c, ++cells) {
                    const Point centre{grid.rect.x + grid.rect.width * (c + 0.5) / grid.columns,
                                       grid.rect.y + grid.rect.height * (r + 0.5) / grid.rows};
                    LayerCostHit expected;
                    if (!figure.blocks[g].outside) expected.layer = LayerIndex{r};
                    if (!figure.blocks[g].routing) expected.step = StepIndex{figure.blocks[g].firstStep + c};
                    EXPECT_EQ(figure.hitAt(centre), expected) << g << " " << r << " " << c;
                }
        }
        EXPECT_EQ(cells, 24u * (1 + 65) + 65u);  // routing column, steps, and the row of what lies outside
    }
}

TEST(LayerCostFigure, keepsThePrefillOnAScaleOfItsOwn) {
    const std::string text =
        toGoldenText(layerCostFigure(costsOf(smallCapture()), {}, {700, 320}, lightTheme()).list);
    EXPECT_NE(text.find("\"prefill, ms\""), std::string::npos) << text;
    EXPECT_NE(text.find("\"decode, µs\""), std::string::npos) << text;
    EXPECT_NE(text.find("\"measured, host timer · the whole batch of 3 · 512 prompt tokens · routed\""),
              std::string::npos)
        << text;
}

TEST(LayerCostFigure, showsThePartThatIsPannedToAndHitsNothingBesideIt) {
    const LayerCosts costs = costsOf(largeCapture(24, 1, 65));
    LayerCostView view;
    view.layers = AxisRange{3.4, 9.6};
    view.steps = AxisRange{20.5, 31.25};
    const LayerCostFigure figure = layerCostFigure(costs, view, {900, 500}, lightTheme());
    const Rect& plot = figure.plot;
    EXPECT_EQ(figure.hitAt({plot.x + 1, plot.y + 1}), (LayerCostHit{LayerIndex{3}, StepIndex{20}}));
    EXPECT_EQ(figure.hitAt({plot.right() - 1, plot.bottom() - 1}),
              (LayerCostHit{LayerIndex{9}, StepIndex{31}}));
    EXPECT_EQ(figure.hitAt({plot.right() + 1, plot.y + 20}), std::nullopt);
    EXPECT_EQ(figure.hitAt({plot.x - 2, plot.y + 20}), std::nullopt);
    EXPECT_EQ(figure.hitAt({plot.x + 20, plot.bottom() + 1}), std::nullopt);
    expectLegible(figure.list, "panned");
}

TEST(LayerCostFigure, staysLegibleAtAnySize) {
    for (const Snapshot& s :
         {smallCapture(), largeCapture(12, 1, 1), largeCapture(36, 1, 130), largeCapture(128, 1, 600)}) {
        const LayerCosts costs = costsOf(s);
        for (const CostMeasure measure :
             {CostMeasure::Time, CostMeasure::Bytes, CostMeasure::Flops, CostMeasure::KvBytes})
            for (const double width : {320.0, 400.0, 480.0, 640.0, 900.0, 1280.0, 4000.0})
                for (const double height : {240.0, 300.0, 480.0, 900.0, 2000.0}) {
                    LayerCostView view;
                    view.measure = measure;
                    const std::string what = std::string(nameOf(measure)) + ", " +
                                             std::to_string(costs.layers) + " layers at " +
                                             std::to_string(width) + "x" + std::to_string(height);
                    expectLegible(layerCostFigure(costs, view, {width, height}, lightTheme()).list, what);
                }
    }
}

TEST(LayerCostFigure, drawsFewerThingsThanPixelsHoweverManySteps) {
    const LayerCosts costs = costsOf(largeCapture(128, 1, 4097));
    for (const Size size : {Size{1280, 800}, Size{320, 240}, Size{4000, 2000}}) {
        const LayerCostFigure figure = layerCostFigure(costs, {}, size, lightTheme());
        EXPECT_LT(static_cast<double>(figure.list.items.size()), 4 * size.width);
        for (const DisplayItem& item : figure.list.items)
            if (const Image* image = std::get_if<Image>(&item)) {
                EXPECT_LE(image->columns, size.width + 2);
                EXPECT_LE(image->rows, size.height + 2);
            }
    }
}

TEST(LayerCostFigure, endsItsScaleBelowOutliersAndSaysSo) {
    std::vector<double> values(1000, 10);
    EXPECT_EQ(scaleEnd(values).value, 10);
    EXPECT_FALSE(scaleEnd(values).exceeded);
    values[3] = 500;
    EXPECT_EQ(scaleEnd(values).value, 10);
    EXPECT_TRUE(scaleEnd(values).exceeded);
    values[3] = 15;  // not far beyond: everything fits
    EXPECT_EQ(scaleEnd(values).value, 15);
    EXPECT_EQ(scaleEnd({}).value, 0);
}

TEST(LayerCostFigure, saysWhatIsMissing) {
    EXPECT_NE(toGoldenText(layerCostFigure({}, {}, {700, 240}, lightTheme()).list).find("No prompt chosen"),
              std::string::npos);
    const LayerCosts begun = costsOf(largeCapture(4, 1, 0));
    EXPECT_NE(toGoldenText(layerCostFigure(begun, {}, {700, 240}, lightTheme()).list)
                  .find("No step of this prompt is recorded yet."),
              std::string::npos);
    for (const Size size : {Size{0, 0}, Size{1, 1}, Size{60, 40}, Size{-5, 10}})
        expectLegible(layerCostFigure(costsOf(smallCapture()), {}, size, lightTheme()).list, "tiny");
}

TEST(LayerCostTooltip, givesEveryNumberItsOrigin) {
    const LayerCosts costs = costsOf(smallCapture());
    EXPECT_EQ(toText(layerCostTooltip(costs, {LayerIndex{0}, StepIndex{0}})), R"(layer 0 · prefill · needle-1
time 1.23 ms (measured, host timer; the whole batch of 3)
bytes moved 977 KiB (modelled, kernels/cost v1; the whole batch of 3)
FLOPs 5.00 MFLOP (modelled, kernels/cost v1; the whole batch of 3)
KV kept 64.0 KiB (reserved by the engine, recorded)
p_full 0.970 (threshold 0.5, margin +3.48)
decided by router: full)");
    EXPECT_EQ(toText(layerCostTooltip(costs, {std::nullopt, StepIndex{1}})),
              R"(outside all layers · step 1 · needle-1
time 5.00 µs (measured, host timer; the whole batch of 3)
bytes moved 1.07 KiB (modelled, kernels/cost v1; the whole batch of 3)
FLOPs 10 FLOP (modelled, kernels/cost v1; the whole batch of 3))");
    EXPECT_EQ(toText(layerCostTooltip(costs, {LayerIndex{2}, std::nullopt})), R"(layer 2 · needle-1
p_full 0.040 (threshold 0.5, margin -3.18)
decided by router: sparse)");
    EXPECT_EQ(toText(layerCostTooltip(costs, {LayerIndex{99}, StepIndex{77}})),
              "layer 99 · step 77 · needle-1");
}

}  // namespace
}  // namespace fluxscope
