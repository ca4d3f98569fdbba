#include "views/run/run_panel.h"

#include "tests/gui/wait.h"
#include "views/banner.h"

#include <gtest/gtest.h>

#include <QComboBox>
#include <QDoubleSpinBox>
#include <QImageReader>
#include <QLabel>
#include <QPlainTextEdit>
#include <QProgressBar>
#include <QPushButton>

namespace fluxscope {
namespace {

using Kind = WorkerState::Kind;

class RunPanelTest : public ::testing::Test {
protected:
    RunPanelTest() {
        panel_.show();
        EXPECT_TRUE(QTest::qWaitForWindowExposed(&panel_));
    }
    template <class Widget>
    Widget& named(const char* name) {
        auto* found = panel_.findChild<Widget*>(QLatin1String(name));
        EXPECT_TRUE(found) << name;
        return *found;
    }
    QPushButton& button(const char* name) { return named<QPushButton>(name); }
    std::string status() { return named<QLabel>("status").text().toStdString(); }

    RunPanel panel_;
};

// The arrows of its combo boxes are SVG: without Qt's plugin they are not there, and nothing else says so.
TEST(RunPanelIcons, canBeReadHere) {
    EXPECT_TRUE(QImageReader::supportedImageFormats().contains("svg")) << "install qt6-svg-plugins";
}

TEST_F(RunPanelTest, runsWhatIsTickedAndWhatIsTypedUnderUniqueIds) {
    PromptSet set;
    for (const char* id : {"a", "typed"}) {
        Prompt prompt;
        prompt.id = id;
        prompt.content = std::string("text");
        set.prompts.push_back(prompt);
    }
    panel_.setPromptSet(QStringLiteral("set.jsonl"), set);
    panel_.setWorkerState({.kind = Kind::Ready});
    std::optional<RunPanelRequest> asked;
    QObject::connect(&panel_, &RunPanel::runRequested,
                     [&](const RunPanelRequest& request) { asked = request; });
    QTest::keyClicks(&named<QPlainTextEdit>("prompt"), QStringLiteral("Hello"));
    named<QDoubleSpinBox>("threshold").setValue(0.35);
    QTest::mouseClick(&button("run"), Qt::LeftButton);
    ASSERT_TRUE(asked);
    ASSERT_EQ(asked->prompts.size(), 3U);
    EXPECT_EQ(asked->prompts[2].id, "typed-2");
    EXPECT_EQ(std::get<std::string>(asked->prompts[2].content), "Hello");
    EXPECT_EQ(shortForm(asked->policy), "routed:0.35");
    EXPECT_EQ(asked->maxNew, 64);
}

TEST_F(RunPanelTest, offersInEachStateJustWhatCanBeDone) {
    panel_.setPromptText(QStringLiteral("x"));
    struct Row {
        WorkerState state;
        bool run, cancel, restart, progress;
        const char* says;
    };
    const Row rows[] = {
        {{Kind::Starting, {}, {}, {}}, false, false, false, true, "Starting the worker"},
        {{Kind::Loading, QStringLiteral("sample"), 0.4, {}},
         false,
         false,
         false,
         true,
         "Loading sample, 40 %"},
        {{Kind::Ready, {}, {}, {}}, true, false, false, false, "Ready"},
        {{Kind::Running, QStringLiteral("decode"), 0.25, {}},
         false,
         true,
         false,
         true,
         "Running: decode, 25 %"},
        {{Kind::Cancelling, {}, {}, {}}, false, false, false, true, "Cancelling"},
        {{Kind::Lost, {}, {}, QStringLiteral("It was killed.")}, false, false, true, false, "It was killed."},
        {{Kind::Failed, {}, {}, QStringLiteral("No memory.")}, true, false, false, false, "No memory."},
    };
    for (const Row& row : rows) {
        panel_.setWorkerState(row.state);
        EXPECT_EQ(button("run").isEnabled(), row.run) << row.says;
        EXPECT_EQ(button("cancel").isEnabled() && button("cancel").isVisible(), row.cancel) << row.says;
        EXPECT_EQ(button("restart").isVisible(), row.restart) << row.says;
        EXPECT_EQ(named<QProgressBar>("progress").isVisible(), row.progress) << row.says;
        EXPECT_EQ(status(), row.says);
    }
}

TEST_F(RunPanelTest, cannotRunNothingNorABadPolicy) {
    panel_.setWorkerState({.kind = Kind::Ready});
    EXPECT_FALSE(button("run").isEnabled());
    panel_.setPromptText(QStringLiteral("x"));
    EXPECT_TRUE(button("run").isEnabled());
    panel_.setPolicy(QStringLiteral("routed:1.7"));
    EXPECT_FALSE(button("run").isEnabled());
    panel_.setPolicy(QStringLiteral("interleaved:1/4"));
    EXPECT_TRUE(button("run").isEnabled());
    EXPECT_FALSE(named<QDoubleSpinBox>("threshold").isEnabled());
}

TEST_F(RunPanelTest, passesOnCancelAndRestart) {
    int cancels = 0;
    int restarts = 0;
    QObject::connect(&panel_, &RunPanel::cancelRequested, [&] { ++cancels; });
    QObject::connect(&panel_, &RunPanel::restartRequested, [&] { ++restarts; });
    panel_.setWorkerState({Kind::Running, QStringLiteral("prefill"), {}, {}});
    QTest::mouseClick(&button("cancel"), Qt::LeftButton);
    panel_.setWorkerState({Kind::Lost, {}, {}, QStringLiteral("gone")});
    QTest::mouseClick(&button("restart"), Qt::LeftButton);
    EXPECT_EQ(cancels, 1);
    EXPECT_EQ(restarts, 1);
}

TEST(BannerTest, isThereOnlyWhileItHasSomethingToSay) {
    Banner banner;
    EXPECT_TRUE(banner.isHidden());
    banner.say(QStringLiteral("The worker was lost."), QStringLiteral("Restart"));
    EXPECT_FALSE(banner.isHidden());
    int acted = 0;
    QObject::connect(&banner, &Banner::acted, [&] { ++acted; });
    banner.findChild<QPushButton*>()->click();
    EXPECT_EQ(acted, 1);
    banner.clear();
    EXPECT_TRUE(banner.isHidden());
}

}  // namespace
}  // namespace fluxscope
