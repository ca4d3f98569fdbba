#include "profiler/figure/routing_figure.h"

#include "tests/figure/golden.h"
#include "tests/figure/legibility.h"
#include "tests/figure/worlds.h"

#include <gtest/gtest.h>

#include <set>

namespace fluxscope {
namespace {

using testing::expectGolden;
using testing::expectLegible;
using testing::largeCapture;
using testing::smallCapture;

TEST(RoutingFigure, looksAsItDid) {
    const RoutingTable table = routingTable(smallCapture());
    RoutingView view;
    view.selected = table.keyOf(0, 1);
    view.hovered = table.keyOf(2, 2);
    expectGolden("figure/routing_light.txt",
                 toGoldenText(routingFigure(table, view, {640, 320}, lightTheme()).list));
    view.colouring = RoutingColouring::Margin;
    expectGolden("figure/routing_margin_dark.txt",
                 toGoldenText(routingFigure(table, view, {640, 320}, darkTheme()).list));
}

TEST(RoutingFigure, everyCellsCentreHitsThatCell) {
    const RoutingTable table = routingTable(largeCapture(36, 24, 0));
    for (const Size size : {Size{320, 240}, Size{960, 700}, Size{4000, 2000}}) {
        const RoutingFigure figure = routingFigure(table, {}, size, lightTheme());
        std::set<std::pair<int, int>> seen;
        ASSERT_EQ(figure.list.hitGrids.size(), table.groups.size());
        for (std::size_t g = 0; g < table.groups.size(); ++g) {
            const HitGrid& grid = figure.list.hitGrids[g];
            for (std::int32_t r = 0; r < grid.rows; ++r)
                for (std::int32_t c = 0; c < grid.columns; ++c) {
                    const Point centre{grid.rect.x + grid.rect.width * (c + 0.5) / grid.columns,
                                       grid.rect.y + grid.rect.height * (r + 0.5) / grid.rows};
                    const auto hit = figure.hitAt(centre);
                    ASSERT_TRUE(hit && hit->layer && hit->column);
                    EXPECT_EQ(*hit->layer, r);
                    EXPECT_EQ(*hit->column, table.groups[g].firstColumn + c);
                    seen.insert({*hit->layer, *hit->column});
                }
        }
        EXPECT_EQ(seen.size(), table.cells.size());
        EXPECT_EQ(figure.hitAt({size.width - 1, size.height - 1}), std::nullopt);
    }
}

TEST(RoutingFigure, labelsHitTheirWholeLayerOrColumn) {
    const RoutingTable table = routingTable(smallCapture());
    const RoutingFigure figure = routingFigure(table, {}, {640, 320}, lightTheme());
    const double row = figure.plot.height / 3;
    EXPECT_EQ(figure.hitAt({figure.plot.x - 10, figure.plot.y + 1.5 * row}), (RoutingHit{1, std::nullopt}));
    EXPECT_EQ(figure.hitAt({figure.plot.x + 5, figure.plot.y - 5}), (RoutingHit{std::nullopt, 0}));
}

TEST(RoutingFigure, showsThePartThatIsPannedToAndHitsNothingBesideIt) {
    const RoutingTable table = routingTable(largeCapture(36, 24, 0));
    RoutingView view;
    view.layers = AxisRange{3.4, 9.6};
    view.columns = AxisRange{4.3, 15.5};
    const RoutingFigure figure = routingFigure(table, view, {900, 500}, lightTheme());
    const Rect& plot = figure.plot;
    EXPECT_EQ(figure.hitAt({plot.x + 1, plot.y + 1}), (RoutingHit{3, 4}));
    EXPECT_EQ(figure.hitAt({plot.right() - 1, plot.bottom() - 1}), (RoutingHit{9, 15}));
    EXPECT_EQ(figure.hitAt({plot.right() + 1, plot.y + 20}), std::nullopt);
    EXPECT_EQ(figure.hitAt({plot.x + 20, plot.bottom() + 1}), std::nullopt);
    const auto left = figure.hitAt({plot.x - 2, plot.y + 20});
    EXPECT_TRUE(!left || !left->column);
    expectLegible(figure.list, "panned");

    view.columns = AxisRange{std::nan(""), 1e300};  // no range at all: everything
    EXPECT_EQ(routingFigure(table, view, {900, 500}, lightTheme()).columns, (AxisRange{0, 24}));
}

TEST(RoutingFigure, staysLegibleAtAnySize) {
    for (const Snapshot& s :
         {smallCapture(), largeCapture(12, 9, 0), largeCapture(36, 60, 0), largeCapture(128, 400, 0)}) {
        const RoutingTable table = routingTable(s);
        for (const double width : {320.0, 400.0, 480.0, 560.0, 640.0, 800.0, 1280.0, 4000.0})
            for (const double height : {240.0, 300.0, 480.0, 900.0, 2000.0}) {
                RoutingView view;
                view.selected = table.keyOf(1, 1);
                const std::string what = std::to_string(table.layers) + " layers at " +
                                         std::to_string(width) + "x" + std::to_string(height);
                expectLegible(routingFigure(table, view, {width, height}, lightTheme()).list, what);
            }
    }
}

TEST(RoutingFigure, drawsFewerThingsThanPixelsHoweverManyPrompts) {
    const RoutingTable table = routingTable(largeCapture(128, 4000, 0));
    const RoutingFigure figure = routingFigure(table, {}, {1280, 800}, lightTheme());
    EXPECT_TRUE(figure.pooled);
    EXPECT_LT(figure.list.items.size(), 4u * 1280u);
    EXPECT_NE(toGoldenText(figure.list).find("a pixel shows its largest p_full"), std::string::npos);
}

TEST(RoutingFigure, keepsALoneFullCellWhenPixelsStandForManyPrompts) {
    testing::SnapshotBuilder b;
    b.layers(1);
    std::string sequences = "sequence prompt kind\n";
    std::string decisions = "sequence layer decision p threshold\n";
    for (int s = 0; s < 3000; ++s) {
        sequences += std::to_string(s) + " p" + std::to_string(s) + " k\n";
        decisions += std::to_string(s) + (s == 1234 ? " 0 full 0.99 0.5\n" : " 0 sparse 0.01 0.5\n");
    }
    const RoutingTable table = routingTable(b.sequences(sequences).decisions(decisions).build());
    const RoutingFigure figure = routingFigure(table, {}, {640, 300}, lightTheme());
    const Color full = routingColor(0.5 + 0.5 * (0.99 - 0.5) / 0.5, lightTheme());
    int found = 0;
    for (const DisplayItem& item : figure.list.items)
        if (const Image* image = std::get_if<Image>(&item); image != nullptr && image->rect.height > 10)
            for (std::size_t i = 0; i < image->pixels->size(); i += 4)
                found += std::abs((*image->pixels)[i] - full.r) <= 1 ? 1 : 0;
    EXPECT_EQ(found, 1);
}

TEST(RoutingFigure, tellsFullFromSparseWithoutColour) {
    const RoutingTable table = routingTable(smallCapture());
    const RoutingFigure figure = routingFigure(table, {}, {640, 320}, lightTheme());
    // Marks are small squares in the ink that reads on the cell under them.
    int marks = 0;
    for (const DisplayItem& item : figure.list.items)
        if (const FilledRect* r = std::get_if<FilledRect>(&item))
            marks += r->rect.width == r->rect.height && r->rect.width <= 6 &&
                             figure.plot.contains({r->rect.x, r->rect.y})
                         ? 1
                         : 0;
    EXPECT_EQ(marks, 4);  // needle-1: 2, needle-2: 1, prose-1: 1
}

TEST(RoutingFigure, saysWhatIsMissing) {
    const std::string none = toGoldenText(routingFigure({}, {}, {600, 240}, lightTheme()).list);
    EXPECT_NE(none.find("No run yet: choose a model and prompts, then press Run."), std::string::npos);
    Snapshot begun = testing::SnapshotBuilder()
                         .layers(0)
                         .sequences("sequence prompt\n 0 a")
                         .runs("run outcome\n 1 -")
                         .build();
    begun.live = true;
    EXPECT_NE(toGoldenText(routingFigure(routingTable(begun), {}, {600, 240}, lightTheme()).list)
                  .find("Waiting for the first decision"),
              std::string::npos);
    for (const Size size : {Size{0, 0}, Size{1, 1}, Size{60, 40}, Size{-5, 10}})
        expectLegible(routingFigure(routingTable(smallCapture()), {}, size, lightTheme()).list, "tiny");
}

TEST(RoutingFigure, survivesNumbersThatAreNone) {
    RoutingTable table = routingTable(smallCapture());
    for (RoutingCell& cell : table.cells) {
        cell.recorded = true;
        cell.fullProbability = std::nan("");
        cell.threshold = INFINITY;
        cell.margin = -INFINITY;
    }
    for (const RoutingColouring colouring :
         {RoutingColouring::Probability, RoutingColouring::Margin, RoutingColouring::Decision}) {
        RoutingView view;
        view.colouring = colouring;
        const std::string text = toGoldenText(routingFigure(table, view, {640, 320}, darkTheme()).list);
        EXPECT_EQ(text.find("nan"), std::string::npos);
        EXPECT_EQ(text.find("inf"), std::string::npos);
    }
}

TEST(RoutingTooltip, saysWhoDecidedWhatAndWhereTheTimeComesFrom) {
    const RoutingTable table =
        routingTable(testing::SnapshotBuilder()
                         .layers(4)
                         .sequences("sequence prompt kind tokens\n 0 needle-1 needle 512")
                         .decisions("layer decision p threshold\n 3 full 0.7310585 0.5")
                         .costs("step layer time_us\n 0 3 1230")
                         .build());
    EXPECT_EQ(toText(routingTooltip(table, 3, 0)), R"(layer 3 · needle-1
p_full 0.731 (threshold 0.5, margin +1.00)
decided by router: full
prefill 1.23 ms (measured, host timer)
prompt 512 tokens
policy routed)");
    EXPECT_EQ(toText(routingTooltip(table, 0, 0)), R"(layer 0 · needle-1
decision not recorded
prompt 512 tokens
policy routed)");
}

}  // namespace
}  // namespace fluxscope
