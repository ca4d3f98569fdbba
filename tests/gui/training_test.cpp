// Training in a real window: a training that goes on, the pointer, keys, warnings, the choice among several.
#include "tests/analysis/training_builder.h"
#include "tests/gui/hover.h"
#include "tests/gui/wait.h"
#include "views/training/training_pane.h"

#include <gtest/gtest.h>

#include <QCheckBox>
#include <QComboBox>
#include <QLabel>
#include <QListWidget>
#include <QRegularExpression>
#include <QToolTip>

namespace fluxscope {
namespace {

using testing::TrainingBuilder;

SnapshotPtr some(std::int64_t upTo, const char* warning = nullptr) {
    TrainingBuilder builder;
    builder.training({.kind = TrainingKind::Backbone, .steps = 30}, 30).ends("finished");
    builder.training({.steps = 400}, upTo);
    if (warning != nullptr) builder.warns(upTo - 1, warning);
    return std::make_shared<const Snapshot>(builder.build());
}

class TrainingWindow : public ::testing::Test {
protected:
    TrainingWindow() : pane_(store_, jobs_, lightTheme()) {
        pane_.resize(900, 760);
        pane_.show();
        EXPECT_TRUE(QTest::qWaitForWindowExposed(&pane_));
    }

    void show(const SnapshotPtr& snapshot, std::size_t steps) {
        pane_.setSnapshot(snapshot);
        ASSERT_TRUE(eventually([&] { return shows(steps); }));
        settle();
    }
    bool shows(std::size_t steps) {
        return pane_.curves() && pane_.curves()->steps.size() == steps && pane_.figure() != nullptr;
    }
    void settle() { QTest::qWait(200); }
    QPoint over(TrainingPanel panel, double step) {
        const auto found = std::ranges::find(pane_.figure()->panels, panel, &TrainingFigure::Panel::panel);
        if (found == pane_.figure()->panels.end()) return {};
        return {static_cast<int>(pane_.figure()->x(found->plot, step + 0.5)),
                static_cast<int>(found->plot.y + found->plot.height / 2)};
    }
    QListWidget& warnings() { return *pane_.findChild<QListWidget*>(QStringLiteral("training-warnings")); }
    QComboBox& choice() { return *pane_.findChild<QComboBox*>(); }

    Jobs jobs_;
    ViewStore store_;
    TrainingPane pane_;
};

TEST_F(TrainingWindow, saysHowToMakeATrainingWhereThereIsNone) {
    pane_.setSnapshot(std::make_shared<const Snapshot>());
    settle();
    EXPECT_FALSE(pane_.canvas().isVisible());
    bool isSaid = false;
    for (const QLabel* label : pane_.findChildren<QLabel*>())
        isSaid |= label->isVisible() && label->text().contains(QStringLiteral("fluxscope-cli train"));
    EXPECT_TRUE(isSaid);
}

TEST_F(TrainingWindow, showsTheLastTrainingAndGrowsWithItsSteps) {
    show(some(20), 20);
    EXPECT_EQ(pane_.curves()->kind, TrainingKind::Routers);
    for (std::int64_t steps = 21; steps <= 60; ++steps) {
        pane_.setSnapshot(some(steps));
        EXPECT_TRUE(pane_.canvas().figure());  // never blank in between
        QTest::qWait(5);
    }
    EXPECT_TRUE(eventually([&] { return shows(60) && pane_.figure()->steps.last == 60; }));
}

TEST_F(TrainingWindow, hoveringAStepShowsItsValues) {
    show(some(200), 200);
    hoverOver(pane_.canvas(), over(TrainingPanel::Loss, 120));
    ASSERT_TRUE(eventually([] { return QToolTip::isVisible(); }));
    const QString said = QToolTip::text();
    EXPECT_TRUE(said.contains(QRegularExpression(QStringLiteral("step 1(19|20|21)")))) << said.toStdString();
    EXPECT_TRUE(said.contains(QStringLiteral("needle"))) << said.toStdString();
    EXPECT_TRUE(said.contains(QStringLiteral("nats per token")));
}

TEST_F(TrainingWindow, keysMoveFromStepToStepAndSaySo) {
    show(some(200), 200);
    pane_.canvas().setFocus();
    QTest::keyClick(&pane_.canvas(), Qt::Key_End);
    EXPECT_TRUE(pane_.canvas().accessibleDescription().startsWith(QStringLiteral("step 199")))
        << pane_.canvas().accessibleDescription().toStdString();
    for (int i = 0; i < 3; ++i) QTest::keyClick(&pane_.canvas(), Qt::Key_Left);
    EXPECT_TRUE(pane_.canvas().accessibleDescription().startsWith(QStringLiteral("step 196")));
}

TEST_F(TrainingWindow, zoomsAroundThePointerAndADoubleClickShowsEverythingAgain) {
    show(some(200), 200);
    hoverOver(pane_.canvas(), over(TrainingPanel::Loss, 50));
    settle();
    for (int i = 0; i < 6; ++i) QTest::keyClick(&pane_.canvas(), Qt::Key_W);
    settle();
    const AxisRange closer = pane_.figure()->steps;
    EXPECT_LT(closer.last - closer.first, 100);
    EXPECT_TRUE(closer.first <= 50 && 50 < closer.last) << closer.first << " .. " << closer.last;
    // What is looked at closely stays in view while the training goes on.
    pane_.setSnapshot(some(210));
    ASSERT_TRUE(eventually([&] { return shows(210); }));
    settle();
    EXPECT_EQ(pane_.figure()->steps, closer);
    QTest::mouseDClick(&pane_.canvas(), Qt::LeftButton, {}, over(TrainingPanel::Loss, 50));
    settle();
    EXPECT_EQ(pane_.figure()->steps, (AxisRange{0, 210}));
}

TEST_F(TrainingWindow, listsWarningsAsText) {
    show(some(100), 100);
    EXPECT_FALSE(warnings().isVisible());
    show(some(101, "task '<b>prose</b>' goes one way only"), 101);
    ASSERT_EQ(warnings().count(), 1);
    EXPECT_TRUE(warnings().isVisible());
    EXPECT_EQ(warnings().item(0)->text(), QStringLiteral("Step 100: task '<b>prose</b>' goes one way only"));
    ASSERT_EQ(pane_.figure()->marks.size(), 1u);
    QTest::mouseClick(warnings().viewport(), Qt::LeftButton, {},
                      warnings().visualItemRect(warnings().item(0)).center());
    EXPECT_TRUE(pane_.canvas().accessibleDescription().startsWith(QStringLiteral("step 100")));
}

TEST_F(TrainingWindow, anotherTrainingIsChosenInTheStoreAndComesBackWithIt) {
    show(some(40), 40);
    ASSERT_EQ(choice().count(), 2);
    EXPECT_EQ(choice().currentText(), QStringLiteral("2: routers"));
    Selection selection;
    selection.training = TrainingIndex(1);
    store_.select(selection);
    ASSERT_TRUE(eventually([&] { return shows(30); }));
    EXPECT_EQ(pane_.curves()->kind, TrainingKind::Backbone);
    EXPECT_EQ(choice().currentIndex(), 0);
    store_.back();
    EXPECT_TRUE(eventually([&] { return shows(40); }));
    EXPECT_EQ(choice().currentIndex(), 1);
}

TEST_F(TrainingWindow, averagesAreSwitchedInTheStore) {
    show(some(200), 200);
    auto* average = pane_.findChild<QCheckBox*>();
    ASSERT_TRUE(average->isChecked());
    const auto before = pane_.figure();
    QTest::mouseClick(average, Qt::LeftButton, {}, {8, average->height() / 2});
    EXPECT_FALSE(store_.state().smoothTraining);
    EXPECT_TRUE(eventually([&] { return pane_.figure() != before; }));
    store_.smoothTraining(true);
    EXPECT_TRUE(average->isChecked());
}

TEST_F(TrainingWindow, anIdleWindowPaintsNothing) {
    show(some(200), 200);
    QTest::qWait(500);
    const std::int64_t before = pane_.canvas().framesPainted();
    QTest::qWait(1500);
    EXPECT_EQ(pane_.canvas().framesPainted(), before);
}

TEST_F(TrainingWindow, goesBackToSayingThatThereIsNothing) {
    show(some(40), 40);
    pane_.setSnapshot(nullptr);
    settle();
    EXPECT_FALSE(pane_.canvas().isVisible());
    EXPECT_FALSE(pane_.figure());
    EXPECT_EQ(choice().count(), 0);
}

}  // namespace
}  // namespace fluxscope
