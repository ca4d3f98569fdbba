// The window on a training that goes on: it opens on the view Training, grows, and says when it has ended.
#include "app/desktop/main_window.h"
#include "profiler/record/recorder.h"
#include "tests/desktop/world.h"
#include "tests/gui/hover.h"
#include "tests/record/scripted_run.h"
#include "tests/record/scripted_training.h"
#include "views/training/training_pane.h"

#include <gtest/gtest.h>

#include <QApplication>
#include <QTabWidget>
#include <QToolTip>

namespace fluxscope {
namespace {

using testing::eventually;
using testing::world;

class WindowOnATraining : public ::testing::Test {
protected:
    WindowOnATraining() : recorder((world() + "/training.fluxdb").toStdString(), {.collect = Collect::Off}) {
        Arguments arguments;
        arguments.screenshot = "none";  // neither reads nor writes settings
        arguments.worker = "/bin/false";
        static auto* appearance =
            new Appearance(*qobject_cast<QApplication*>(QCoreApplication::instance()), ThemeChoice::Light);
        window = std::make_unique<MainWindow>(*appearance, arguments);
        window->show();
        EXPECT_TRUE(QTest::qWaitForWindowExposed(window.get()));
    }
    ~WindowOnATraining() override {
        recorder.finish();
        QFile::remove(world() + "/training.fluxdb");
    }
    void open() { window->openCapture(world() + "/training.fluxdb"); }
    int view() { return window->findChild<QTabWidget*>(QStringLiteral("views"))->currentIndex(); }
    bool shows(std::size_t steps) {
        const auto& curves = window->training().curves();
        return curves && curves->steps.size() == steps && window->training().figure();
    }

    Recorder recorder;
    std::unique_ptr<MainWindow> window;
};

TEST_F(WindowOnATraining, opensOnItsCurvesAndDrawsThemAsTheyGrow) {
    const testing::TrainingScript script{.steps = 400};
    testing::train(recorder, script, 120);
    open();
    ASSERT_TRUE(eventually([&] { return shows(120); }));
    EXPECT_EQ(view(), 1);
    for (std::int64_t step = 120; step < 213; ++step)
        recorder.trainingStepped(testing::trainingStepOf(script, step));
    recorder.trainingWarned(212, "task 'prose' goes one way only: every layer of its prompts is sparse");
    ASSERT_TRUE(eventually([&] { return shows(213); }));
    EXPECT_TRUE(window->snapshot()->live);
    EXPECT_EQ(window->training().curves()->outcome, std::nullopt);

    QTest::qWait(300);
    const TrainingFigure& figure = *window->training().figure();
    const Rect plot = figure.panels.front().plot;
    hoverOver(window->training().canvas(),
              {static_cast<int>(figure.x(plot, 60.5)), static_cast<int>(plot.y + plot.height / 2)});
    ASSERT_TRUE(eventually([] { return QToolTip::isVisible(); }));
    window->grab().save(QStringLiteral("training-live.png"));
    for (QWidget* top : QApplication::topLevelWidgets())
        if (top->isVisible() && top != window.get()) top->grab().save(QStringLiteral("training-tip.png"));

    recorder.trainingEnded(RunOutcome::Cancelled, "it was asked to stop");
    recorder.finish();
    EXPECT_TRUE(eventually([&] { return window->training().curves()->outcome == "cancelled"; }));
    EXPECT_TRUE(eventually([&] { return window->resting(); }));
}

TEST_F(WindowOnATraining, ofACaptureWithRunsStaysWhereItWas) {
    const testing::FakeClock clock;
    testing::ScriptedRun(recorder, clock, {}).run();
    testing::train(recorder, {.steps = 20});
    recorder.finish();
    open();
    ASSERT_TRUE(eventually([&] { return shows(20); }));
    EXPECT_EQ(view(), 0) << "both are there: what was in view stays in view";
    window->findChild<QTabWidget*>(QStringLiteral("views"))->setCurrentIndex(1);
    EXPECT_TRUE(window->training().canvas().isVisible());
}

}  // namespace
}  // namespace fluxscope
