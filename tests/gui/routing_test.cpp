// Routing in a real window: hover, click, keys, a run that goes on, a hostile capture.
#include "tests/gui/hover.h"
#include "tests/gui/sample_snapshot.h"
#include "tests/gui/wait.h"
#include "views/routing/routing_panel.h"

#include <gtest/gtest.h>

#include <QComboBox>
#include <QToolTip>

namespace fluxscope {
namespace {

class Routing : public ::testing::Test {
protected:
    Routing() : panel_(store_, jobs_, lightTheme()) {
        panel_.resize(900, 700);
        panel_.show();
        EXPECT_TRUE(QTest::qWaitForWindowExposed(&panel_));
    }

    void show(const SnapshotPtr& snapshot) {
        panel_.setSnapshot(snapshot);
        ASSERT_TRUE(eventually([&] {
            return overview().figure() && panel_.prompt().figure() &&
                   overview().table()->columns.size() == snapshot->sequences.size();
        }));
        settle();
    }
    void settle() { QTest::qWait(200); }

    void hover(QPoint at) { hoverOver(overview().canvas(), at); }

    OverviewPane& overview() { return panel_.overview(); }

    // Looked for as a user would: where the figure answers with this cell.
    std::optional<QPoint> cell(int layer, int column) {
        const RoutingFigure& figure = *overview().figure();
        for (int y = 0; y < static_cast<int>(figure.list.size.height); ++y)
            for (int x = 0; x < static_cast<int>(figure.list.size.width); ++x)
                if (figure.hitAt({x + 0.5, y + 0.5}) == RoutingHit{layer, column})
                    return QPoint(x + 1, y + 1);
        return std::nullopt;
    }

    Jobs jobs_;
    ViewStore store_;
    RoutingPanel panel_;
};

TEST_F(Routing, hoveringACellShowsItsToolTip) {
    show(sampleSnapshot());
    const auto at = cell(7, 3);
    ASSERT_TRUE(at);
    hover(*at);
    ASSERT_TRUE(eventually([] { return QToolTip::isVisible(); }));
    const Tooltip expected = routingTooltip(*overview().table(), 7, 3);
    EXPECT_TRUE(QToolTip::text().contains(QString::fromStdString(expected.title).toHtmlEscaped()))
        << QToolTip::text().toStdString();
    for (const TooltipLine& line : expected.lines)
        EXPECT_TRUE(QToolTip::text().contains(QString::fromStdString(line.value).toHtmlEscaped()))
            << line.value;
    ASSERT_TRUE(store_.hover());
    EXPECT_EQ(store_.hover()->layer, LayerIndex(7));
}

TEST_F(Routing, clickingACellSelectsItAndItsPromptAppearsBelow) {
    show(sampleSnapshot());
    const auto at = cell(5, 10);
    ASSERT_TRUE(at);
    QTest::mouseClick(&overview().canvas(), Qt::LeftButton, {}, *at);
    const RoutingColumn& column = overview().table()->columns[10];
    EXPECT_EQ(store_.state().selection.run, column.run);
    EXPECT_EQ(store_.state().selection.sequence, column.sequence);
    EXPECT_EQ(store_.state().selection.onlyLayer(), LayerIndex(5));
    EXPECT_TRUE(eventually([&] { return panel_.prompt().costs()->promptId == column.promptId; }));
    EXPECT_TRUE(overview().canvas().accessibleDescription().contains(QStringLiteral("layer 5")));
}

TEST_F(Routing, arrowKeysMoveTheSelectionAndEscapeClearsIt) {
    show(sampleSnapshot());
    QTest::mouseClick(&overview().canvas(), Qt::LeftButton, {}, *cell(5, 10));
    for (const Qt::Key key : {Qt::Key_Down, Qt::Key_Down, Qt::Key_Right})
        QTest::keyClick(&overview().canvas(), key);
    EXPECT_EQ(store_.state().selection.onlyLayer(), LayerIndex(7));
    EXPECT_EQ(store_.state().selection.sequence, overview().table()->columns[11].sequence);
    QTest::keyClick(&overview().canvas(), Qt::Key_End);
    EXPECT_EQ(store_.state().selection.sequence, overview().table()->columns.back().sequence);
    store_.back();  // all the steps are one place
    EXPECT_EQ(store_.state().selection.onlyLayer(), LayerIndex(5));
    QTest::keyClick(&overview().canvas(), Qt::Key_Escape);
    EXPECT_TRUE(store_.state().selection.empty());
}

TEST_F(Routing, aRunThatGoesOnKeepsTheSelectionAndTheOldPictureUntilTheNewOneIsThere) {
    show(sampleSnapshot({.prompts = 6}));
    QTest::mouseClick(&overview().canvas(), Qt::LeftButton, {}, *cell(5, 2));
    const Selection chosen = store_.state().selection;
    settle();
    for (int prompts = 7; prompts <= 12; ++prompts) {
        panel_.setSnapshot(sampleSnapshot({.prompts = prompts}));
        EXPECT_TRUE(overview().canvas().figure());  // never blank in between
        QTest::qWait(20);
    }
    ASSERT_TRUE(eventually([&] { return overview().table()->columns.size() == 12; }));
    settle();
    EXPECT_EQ(store_.state().selection, chosen);
    const auto column = overview().table()->columnOf(*chosen.run, *chosen.sequence);
    ASSERT_TRUE(column);
    EXPECT_EQ(overview().table()->columns[static_cast<std::size_t>(*column)].promptId,
              panel_.prompt().costs()->promptId);
}

TEST_F(Routing, measureOfCostIsChosenInTheStoreAndComesBackWithIt) {
    show(sampleSnapshot());
    store_.colourCostBy(CostMeasure::KvBytes);
    auto* measure = panel_.findChild<QComboBox*>(QStringLiteral("cost-measure"));
    ASSERT_TRUE(measure);
    EXPECT_EQ(measure->currentIndex(), static_cast<int>(CostMeasure::KvBytes));
    store_.back();
    EXPECT_EQ(measure->currentIndex(), static_cast<int>(CostMeasure::Time));
}

TEST_F(Routing, zoomsAroundThePointerAndADoubleClickShowsEverythingAgain) {
    show(sampleSnapshot());
    const AxisRange all = overview().figure()->columns;
    hover(*cell(7, 3));
    ASSERT_TRUE(eventually([&] { return store_.hover().has_value(); }));
    for (int i = 0; i < 4; ++i) QTest::keyClick(&overview().canvas(), Qt::Key_W);
    settle();
    const AxisRange closer = overview().figure()->columns;
    EXPECT_LT(closer.last - closer.first, (all.last - all.first) * 0.6);
    EXPECT_TRUE(closer.first <= 3 && 3 < closer.last) << closer.first << " .. " << closer.last;
    QTest::mouseDClick(&overview().canvas(), Qt::LeftButton, {}, {200, 200});
    settle();
    EXPECT_EQ(overview().figure()->columns, all);
}

TEST_F(Routing, anIdleWindowPaintsNothing) {
    show(sampleSnapshot());
    QTest::qWait(500);
    const auto frames = [&] {
        return overview().canvas().framesPainted() + panel_.prompt().canvas().framesPainted();
    };
    const std::int64_t before = frames();
    QTest::qWait(2000);
    EXPECT_EQ(frames(), before);
}

TEST_F(Routing, showsAPromptIdThatIsMarkupAsText) {
    show(sampleSnapshot({.layers = 6, .prompts = 4, .steps = 3, .hostileId = "<img src=x>\xFF&amp;"}));
    const auto column = overview().table()->columnOf(RunIndex(1), SequenceIndex(0));
    ASSERT_TRUE(column);
    hover(*cell(2, *column));
    ASSERT_TRUE(eventually([] { return QToolTip::isVisible(); }));
    EXPECT_TRUE(QToolTip::text().contains(QStringLiteral("&lt;img")));
    EXPECT_FALSE(QToolTip::text().contains(QStringLiteral("<img")));
}

TEST_F(Routing, goesBackToSayingThatThereIsNothing) {
    show(sampleSnapshot());
    panel_.setSnapshot(nullptr);
    settle();
    EXPECT_FALSE(overview().canvas().isVisible());
    EXPECT_FALSE(overview().figure());
}

}  // namespace
}  // namespace fluxscope
