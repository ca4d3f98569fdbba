#include "profiler/figure/training_figure.h"

#include "profiler/figure/detail/series_color.h"
#include "tests/analysis/training_builder.h"
#include "tests/figure/golden.h"
#include "tests/figure/legibility.h"

#include <gtest/gtest.h>

#include <set>

namespace fluxscope {
namespace {

using testing::expectGolden;
using testing::expectLegible;
using testing::trainingOf;

std::string panelsOf(const TrainingFigure& figure) {
    static constexpr const char* kNames[] = {"loss",        "foretold", "sparsity", "full", "temperature",
                                             "multipliers", "rate",     "norm",     "speed"};
    std::string names;
    for (const auto& [panel, plot] : figure.panels)
        names += (names.empty() ? "" : " ") + std::string(kNames[static_cast<int>(panel)]);
    return names;
}

TEST(TrainingFigure, looksAsItDid) {
    expectGolden(
        "figure/training_light.txt",
        toGoldenText(
            trainingFigure(trainingOf({.steps = 24, .layers = 3}, 20), {}, {640, 760}, lightTheme()).list));
    expectGolden("figure/training_dark.txt",
                 toGoldenText(trainingFigure(trainingOf({.steps = 24, .layers = 3}, 20), {.smooth = false},
                                             {1100, 420}, darkTheme())
                                  .list));
    expectGolden("figure/training_backbone.txt",
                 toGoldenText(trainingFigure(trainingOf({.kind = TrainingKind::Backbone, .steps = 12}, 12),
                                             {}, {640, 420}, lightTheme())
                                  .list));
}

TEST(TrainingFigure, staysLegibleAndBoundedAtAnySize) {
    for (const auto& [steps, layers] : {std::pair{1, 1}, {20, 8}, {400, 36}, {5000, 128}}) {
        const TrainingCurves curves = trainingOf({.steps = steps, .layers = layers}, steps);
        for (const double width : {220.0, 320.0, 480.0, 900.0, 1100.0, 2000.0})
            for (const double height : {160.0, 300.0, 700.0, 1600.0})
                for (const Theme* theme : {&lightTheme(), &darkTheme()}) {
                    const TrainingFigure f = trainingFigure(curves, {}, {width, height}, *theme);
                    expectLegible(f.list, std::to_string(steps) + " steps at " + std::to_string(width) + "x" +
                                              std::to_string(height));
                    // Five tasks in four panels, two of them dashed: not by steps.
                    EXPECT_LT(static_cast<double>(f.list.items.size()), 6 * width + 4 * height + 300)
                        << steps;
                }
    }
}

TEST(TrainingFigure, showsThePanelsThatATrainingHas) {
    const auto at = [](const TrainingCurves& curves, Size size) {
        return panelsOf(trainingFigure(curves, {}, size, lightTheme()));
    };
    const TrainingCurves routers = trainingOf({.steps = 40}, 40);
    EXPECT_EQ(at(routers, {700, 900}), "loss foretold sparsity full temperature multipliers rate norm speed");
    EXPECT_EQ(at(routers, {600, 900}), "loss foretold sparsity full temperature multipliers rate norm speed");
    EXPECT_EQ(at(routers, {1200, 500}),
              "loss foretold sparsity full temperature multipliers rate norm speed");
    EXPECT_EQ(at(trainingOf({.kind = TrainingKind::Backbone, .steps = 40}, 40), {700, 900}),
              "loss foretold rate norm speed");
}

TEST(TrainingFigure, saysWhichPanelsDidNotFit) {
    const TrainingFigure f = trainingFigure(trainingOf({.steps = 40}, 40), {}, {600, 420}, lightTheme());
    EXPECT_EQ(panelsOf(f), "loss foretold sparsity");
    EXPECT_EQ(f.omitted, 6U);
    EXPECT_NE(toGoldenText(f.list).find("6 panels need a taller window"), std::string::npos);
}

TEST(TrainingFigure, drawsASpikeOfOneStepAmongManyThousands) {
    TrainingCurves curves = trainingOf({.kind = TrainingKind::Backbone, .steps = 20'000}, 20'000);
    std::ranges::fill(curves.gradientNorm, 1.0);
    curves.gradientNorm[12'345] = 50;
    const TrainingFigure f = trainingFigure(curves, {}, {700, 700}, lightTheme());
    const auto panel =
        std::ranges::find(f.panels, TrainingPanel::GradientNorm, &TrainingFigure::Panel::panel);
    ASSERT_NE(panel, f.panels.end());
    const Rect plot = panel->plot;
    double highest = plot.bottom();
    for (const DisplayItem& item : f.list.items)
        if (const auto* line = std::get_if<Polyline>(&item))
            for (const Point& p : line->points)
                if (plot.contains(p) && std::abs(p.x - f.x(plot, 12'345)) < 2)
                    highest = std::min(highest, p.y);
    EXPECT_LT(highest, plot.y + plot.height * 0.12);
}

TEST(TrainingFigure, zoomedShowsTheStepsAskedForOnly) {
    const TrainingCurves curves = trainingOf({.steps = 400}, 400);
    const TrainingFigure f = trainingFigure(curves, {.steps = AxisRange{100, 120}}, {700, 900}, lightTheme());
    const Rect plot = f.panels.front().plot;
    for (int step = 100; step < 120; ++step) {
        const auto hit = f.hitAt(curves, {f.x(plot, step + 0.5), plot.bottom() - 5});
        ASSERT_TRUE(hit) << step;
        EXPECT_EQ(hit->step, step);
        EXPECT_EQ(hit->panel, TrainingPanel::Loss);
    }
    EXPECT_TRUE(f.marks.empty()) << "its warnings are of other steps";
}

TEST(TrainingFigure, answersWithTheLayerUnderThePointer) {
    const TrainingCurves curves = trainingOf({.steps = 40, .layers = 8}, 40);
    const TrainingFigure f = trainingFigure(curves, {}, {700, 900}, lightTheme());
    const Rect plot = f.panels[3].plot;
    for (int layer = 0; layer < 8; ++layer) {
        const auto hit =
            f.hitAt(curves, {plot.x + plot.width / 2 + 1, plot.y + plot.height * (layer + 0.5) / 8});
        ASSERT_TRUE(hit);
        EXPECT_EQ(hit->layer, LayerIndex(layer));
        EXPECT_EQ(hit->step, 20);
    }
    EXPECT_FALSE(f.hitAt(curves, {1, 1}));
}

TEST(TrainingFigure, putsWarningsThatWouldTouchOnOneMark) {
    TrainingCurves curves = trainingOf({.steps = 400}, 400);
    curves.warnings = {{100, "a"}, {101, "b"}, {300, "c"}};
    const TrainingFigure f = trainingFigure(curves, {}, {700, 900}, lightTheme());
    ASSERT_EQ(f.marks.size(), 2U);
    const Rect mark = f.marks[0].rect;
    const auto hit = f.hitAt(curves, {mark.x + 4, mark.y + 4});
    ASSERT_TRUE(hit);
    EXPECT_EQ(toText(trainingTooltip(curves, *hit)), R"(step 100 · 1,024 tokens a prompt
warning a (step 100)
warning b (step 101))");
}

TEST(TrainingFigure, saysWhatIsMissing) {
    EXPECT_NE(
        toGoldenText(trainingFigure({}, {}, {700, 300}, lightTheme()).list).find("No step of this training"),
        std::string::npos);
    for (const Size size : {Size{0, 0}, Size{60, 40}, Size{-5, 10}})
        expectLegible(trainingFigure(trainingOf({.steps = 9}, 9), {}, size, lightTheme()).list, "tiny");
}

TEST(TrainingFigure, bearsWhatNoTrainerWouldTell) {
    TrainingCurves curves = trainingOf({.steps = 40}, 40);
    curves.loss[5] = std::numeric_limits<double>::infinity();
    curves.tasks[0].loss[6] = 1e300;
    curves.tasks[1].lambda2[7] = -1e300;
    curves.tasks[2].target = 1e9;
    curves.tasks.resize(200, curves.tasks[3]);
    curves.tasks[199].name = std::string(5000, 'x');
    curves.learningRate.assign(40, 0);
    for (const std::optional<AxisRange>& steps : {std::optional<AxisRange>{}, std::optional(AxisRange{8, 16}),
                                                  std::optional(AxisRange{1e9, 1e9 + 5})}) {
        const TrainingFigure f = trainingFigure(curves, {.steps = steps}, {700, 900}, lightTheme());
        expectLegible(f.list, "hostile");
        EXPECT_LT(f.list.items.size(), 60'000U);
    }
}

TEST(TrainingHover, isALineThroughEveryPanel) {
    const TrainingFigure f = trainingFigure(trainingOf({.steps = 40}, 40), {}, {700, 900}, lightTheme());
    EXPECT_EQ(trainingHover(f, 20, lightTheme()).items.size(), 9U);
    EXPECT_EQ(trainingHover(f, 99, lightTheme()).items.size(), 0U);
}

TEST(TrainingTooltip, givesEveryNumberItsMeaning) {
    TrainingCurves curves = trainingOf({.steps = 40, .layers = 4}, 40);
    curves.learningRate[7] = 0.000312;
    const auto tip = [&](TrainingPanel panel) {
        return toText(
            trainingTooltip(curves, {.panel = panel, .step = 7, .layer = LayerIndex(2), .warnings = {}}));
    };
    EXPECT_NE(tip(TrainingPanel::Sparsity).find("needle"), std::string::npos);
    EXPECT_NE(tip(TrainingPanel::Sparsity).find("(target 45.0 %)"), std::string::npos)
        << tip(TrainingPanel::Sparsity);
    EXPECT_NE(tip(TrainingPanel::Loss).find("(nats per token)"), std::string::npos);
    EXPECT_EQ(tip(TrainingPanel::LearningRate), "step 7 · 1,024 tokens a prompt\nlearning rate 0.000312");
    EXPECT_NE(tip(TrainingPanel::FullByLayer).find("layer 2 "), std::string::npos);
}

TEST(SeriesColor, canBeReadAndToldFromItsNeighbours) {
    for (const Theme* theme : {&lightTheme(), &darkTheme()}) {
        std::set<std::tuple<int, int, int>> seen;
        for (std::size_t i = 0; i < 16; ++i) {
            const Color c = seriesColor(i, *theme);
            EXPECT_GE(contrast(c, theme->background), 4.5) << theme->name << " " << i;
            EXPECT_TRUE(seen.insert({c.r, c.g, c.b}).second) << theme->name << " " << i;
        }
    }
}

}  // namespace
}  // namespace fluxscope
