// The window as a person uses it: click Run on the tiny model, look at a cell, lose the worker in mid-run.
#include "app/desktop/main_window.h"
#include "app/desktop/run_session.h"
#include "tests/desktop/world.h"
#include "tests/gui/hover.h"
#include "views/banner.h"
#include "views/routing/routing_panel.h"

#include <gmock/gmock.h>
#include <signal.h>

#include <QDockWidget>
#include <QDoubleSpinBox>
#include <QFile>
#include <QLabel>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSpinBox>
#include <QToolTip>

namespace fluxscope {
namespace {

using testing::eventually;
using testing::tinyModel;
using testing::world;

// The window on the tiny model, with two prompts of its own and no memory of other windows.
class Window : public ::testing::Test {
protected:
    Window() {
        QFile set(world() + "/two.jsonl");
        EXPECT_TRUE(set.open(QIODevice::WriteOnly));
        set.write(
            "{\"id\":\"key\",\"kind\":\"needle\",\"text\":\"The key is 7313. Where is it?\"}\n"
            "{\"id\":\"<b>tale</b>\",\"kind\":\"prose\",\"text\":\"Once upon a time\"}\n");
        set.close();
        Arguments arguments;
        arguments.model = tinyModel().toStdString();
        arguments.prompts = set.fileName().toStdString();
        arguments.screenshot = "none";  // neither reads nor writes settings
        arguments.worker = FLUXSCOPE_PROGRAM;
        window = std::make_unique<MainWindow>(appearance(), arguments);
        window->show();
        EXPECT_TRUE(QTest::qWaitForWindowExposed(window.get()));
        EXPECT_TRUE(eventually([this] { return button("run").isEnabled(); }));
    }

    static Appearance& appearance() {
        static auto* one =
            new Appearance(*qobject_cast<QApplication*>(QCoreApplication::instance()), ThemeChoice::Light);
        return *one;
    }
    QPushButton& button(const char* name) { return *window->findChild<QPushButton*>(name); }
    Banner& banner() { return *window->findChild<Banner*>(); }
    WorkerPhase phase() { return window->session()->worker().state(); }
    void click(const char* name) { QTest::mouseClick(&button(name), Qt::LeftButton); }
    void setMaxNew(int tokens) { window->findChild<QSpinBox*>("max-new")->setValue(tokens); }
    const RoutingFigure* figure() { return window->routing().overview().figure().get(); }
    bool showsColumns(std::size_t columns) {
        const auto& table = window->routing().overview().table();
        return table && table->columns.size() == columns && figure() != nullptr;
    }

    std::unique_ptr<MainWindow> window;
};

TEST_F(Window, runsAndTellsAboutTheCellUnderThePointer) {
    setMaxNew(4);
    click("run");
    EXPECT_EQ(phase(), WorkerPhase::Running);
    ASSERT_TRUE(
        eventually([this] { return phase() == WorkerPhase::Ready && window->resting() && showsColumns(2); }));
    EXPECT_THAT(window->windowTitle().toStdString(), ::testing::EndsWith(".fluxdb — FluxScope"));

    GestureCanvas& canvas = window->routing().overview().canvas();
    const auto& table = *window->routing().overview().table();
    // A point in the third layer of the prompt whose name has markup in it.
    std::optional<Point> over;
    const Size size = figure()->list.size;
    for (int x = 0; x < size.width && !over; x += 4)
        for (int y = 0; y < size.height && !over; y += 4) {
            const auto hit = figure()->hitAt({x + 2.0, y + 2.0});
            if (!hit || !hit->column || hit->layer != 2) continue;
            if (table.columns[static_cast<std::size_t>(*hit->column)].kind == "prose")
                over = Point{x + 2.0, y + 2.0};
        }
    ASSERT_TRUE(over);
    hoverOver(canvas, QPoint(static_cast<int>(over->x), static_cast<int>(over->y)));
    ASSERT_TRUE(eventually([] { return QToolTip::isVisible(); }, 5000));
    const std::string tip = QToolTip::text().toStdString();
    EXPECT_THAT(tip, ::testing::HasSubstr("&lt;b&gt;tale&lt;/b&gt;"));
    EXPECT_THAT(tip, ::testing::Not(::testing::HasSubstr("<b>tale")));
    QToolTip::hideText();
}

TEST_F(Window, staysAliveWhenItsWorkerIsKilledInMidRun) {
    setMaxNew(4000);
    click("run");
    ASSERT_TRUE(eventually([this] { return window->snapshot() && window->snapshot()->tokens.size() > 0; }));
    const QString file = QString::fromStdString(window->snapshot()->file.string());
    ::kill(static_cast<pid_t>(window->session()->worker().processId()), SIGKILL);
    ASSERT_TRUE(eventually([this] { return banner().isVisible(); }));
    EXPECT_THAT(banner().sentence().toStdString(), ::testing::HasSubstr("killed or crashed"));
    EXPECT_TRUE(window->isVisible());
    EXPECT_TRUE(eventually(
        [this] { return showsColumns(1) || showsColumns(2); }));  // what was recorded is still on show
    EXPECT_GT(readCapture(file.toStdString())->tokens.size(), 0U);

    QTest::mouseClick(banner().findChild<QPushButton*>(), Qt::LeftButton);
    ASSERT_TRUE(eventually([this] { return phase() == WorkerPhase::Ready; }));
    EXPECT_FALSE(banner().isVisible());
    EXPECT_TRUE(button("run").isEnabled());
}

TEST_F(Window, cancelsAtOnceAndKeepsWhatWasRecorded) {
    setMaxNew(4000);
    click("run");
    ASSERT_TRUE(eventually([this] { return window->snapshot() && window->snapshot()->tokens.size() > 0; }));
    click("cancel");
    EXPECT_EQ(phase(), WorkerPhase::Cancelling);
    ASSERT_TRUE(eventually([this] { return phase() == WorkerPhase::Ready && window->resting(); }));
    ASSERT_EQ(window->snapshot()->runs.size(), 1U);
    EXPECT_EQ(window->snapshot()->runs[0].outcome, "cancelled");
    EXPECT_FALSE(banner().isVisible());
}

TEST_F(Window, exportsTheFigureAndTheReport) {
    setMaxNew(2);
    click("run");
    ASSERT_TRUE(
        eventually([this] { return phase() == WorkerPhase::Ready && window->resting() && showsColumns(2); }));
    const auto contentOf = [](const QString& name) {
        QFile file(name);
        return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
    };
    exportSvg(figure()->list, world() + "/f.svg");
    EXPECT_TRUE(contentOf(world() + "/f.svg").contains("<svg"));
    exportPng(figure()->list, world() + "/f.png");
    EXPECT_TRUE(contentOf(world() + "/f.png").startsWith("\x89PNG"));
    exportReport(*window->snapshot(), ReportForm::Html, world() + "/r.html");
    EXPECT_TRUE(contentOf(world() + "/r.html").contains("&lt;b&gt;tale"));
    EXPECT_THROW(exportSvg(figure()->list, world() + "/no/such/folder/f.svg"), MachineError);
}

TEST_F(Window, saysOnceThatAModelCannotBeLoadedAndThatNoneIs) {
    const auto log = [this] { return window->findChild<QPlainTextEdit*>("log")->toPlainText(); };
    window->session()->loadModel(world() + "/no-such-model");
    ASSERT_TRUE(eventually([this] { return phase() == WorkerPhase::Empty; }));
    EXPECT_EQ(log().count("no-such-model"), 1) << log().toStdString();
    click("run");
    EXPECT_THAT(log().toStdString(), ::testing::HasSubstr("No model is loaded; choose one"));
    window->session()->loadModel(tinyModel());
    ASSERT_TRUE(eventually([this] { return phase() == WorkerPhase::Ready; }));
    EXPECT_TRUE(button("run").isEnabled());
}

TEST_F(Window, forecastsTheMemoryOfWhatIsChosen) {
    QLabel& memory = *window->findChild<QLabel*>("memory");
    ASSERT_TRUE(eventually([&] { return memory.isVisible(); }));
    EXPECT_THAT(memory.text().toStdString(), ::testing::HasSubstr("needed"));
    const QString before = memory.text();
    setMaxNew(3000);
    ASSERT_TRUE(eventually([&] { return memory.text() != before; }));
    window->findChild<QDoubleSpinBox*>("temperature")->setValue(0.5);
    setMaxNew(2);
    click("run");
    ASSERT_TRUE(eventually([this] { return phase() == WorkerPhase::Ready && window->resting(); }));
    EXPECT_THAT(window->findChild<QPlainTextEdit*>("log")->toPlainText().toStdString(),
                ::testing::HasSubstr("GB/s"));
}

TEST_F(Window, showsTheLogAndAllDocks) {
    for (const char* name : {"dock-run", "dock-inspector", "dock-log"})
        EXPECT_TRUE(window->findChild<QDockWidget*>(name)->isVisible()) << name;
    EXPECT_THAT(window->findChild<QPlainTextEdit*>("log")->toPlainText().toStdString(),
                ::testing::HasSubstr("Random and untrained"));
}

}  // namespace
}  // namespace fluxscope
