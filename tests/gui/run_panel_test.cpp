#include "views/run/run_panel.h"

#include "tests/gui/wait.h"
#include "views/banner.h"

#include <gtest/gtest.h>

#include <QCheckBox>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QImageReader>
#include <QLabel>
#include <QPlainTextEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QSpinBox>
#include <QToolButton>

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
    std::optional<RunRequest> asked;
    QObject::connect(&panel_, &RunPanel::runRequested, [&](const RunRequest& request) { asked = request; });
    QTest::keyClicks(&named<QPlainTextEdit>("prompt"), QStringLiteral("Hello"));
    named<QDoubleSpinBox>("threshold").setValue(0.35);
    QTest::mouseClick(&button("run"), Qt::LeftButton);
    ASSERT_TRUE(asked);
    ASSERT_EQ(asked->prompts.size(), 3U);
    EXPECT_EQ(asked->prompts[2].id, "typed-2");
    EXPECT_EQ(std::get<std::string>(asked->prompts[2].content), "Hello");
    EXPECT_EQ(shortForm(asked->policy), "routed:0.35");
    EXPECT_EQ(asked->maxNew, 64);
    const RunRequest plain;
    EXPECT_EQ(asked->sampling, plain.sampling);
    EXPECT_EQ(asked->batch, 1);
    EXPECT_FALSE(asked->probe || asked->fidelity || asked->raw);
}

TEST_F(RunPanelTest, asksForWhatTheMoreOptionsSay) {
    panel_.setPromptText(QStringLiteral("x"));
    EXPECT_FALSE(named<QSpinBox>("batch").isVisible());
    QTest::mouseClick(&named<QToolButton>("more"), Qt::LeftButton);
    EXPECT_TRUE(named<QSpinBox>("batch").isVisible());
    EXPECT_FALSE(named<QSpinBox>("top-k").isEnabled()) << "greedy draws from one";
    named<QDoubleSpinBox>("temperature").setValue(0.7);
    EXPECT_TRUE(named<QSpinBox>("top-k").isEnabled());
    named<QSpinBox>("top-k").setValue(20);
    named<QDoubleSpinBox>("top-p").setValue(0.9);
    named<QDoubleSpinBox>("min-p").setValue(0.05);
    named<QDoubleSpinBox>("repetition-penalty").setValue(1.1);
    named<QSpinBox>("seed").setValue(7);
    named<QPlainTextEdit>("stop").setPlainText(QStringLiteral("###\n\\n\\nQ:"));
    named<QSpinBox>("batch").setValue(4);
    EXPECT_FALSE(named<QCheckBox>("probe-acts").isEnabled());
    named<QSpinBox>("probe").setValue(16);
    named<QCheckBox>("probe-acts").setChecked(true);
    named<QCheckBox>("fidelity").setChecked(true);
    named<QCheckBox>("raw").setChecked(true);
    const auto asked = panel_.request();
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->sampling, (SamplingOptions{.temperature = 0.7,
                                                .topK = 20,
                                                .topP = 0.9,
                                                .minP = 0.05,
                                                .repetitionPenalty = 1.1,
                                                .stop = {"###", "\n\nQ:"}}));
    EXPECT_EQ(asked->seed, 7U);
    EXPECT_EQ(asked->batch, 4);
    ASSERT_TRUE(asked->probe);
    EXPECT_EQ(asked->probe->every, 16);
    EXPECT_TRUE(asked->probe->act);
    EXPECT_TRUE(asked->fidelity);
    EXPECT_TRUE(asked->raw);
    EXPECT_EQ(named<QToolButton>("more").text().toStdString(), "More options (11 set)");

    panel_.setModel(false, std::nullopt);
    EXPECT_FALSE(panel_.request()->probe) << "there are no routers to ask";
    EXPECT_FALSE(named<QPushButton>("recommended").isVisible());
    panel_.setModel(true, SamplingOptions{.temperature = 0.6, .topK = 40});
    QTest::mouseClick(&named<QPushButton>("recommended"), Qt::LeftButton);
    EXPECT_EQ(panel_.request()->sampling, (SamplingOptions{.temperature = 0.6, .topK = 40}));
}

TEST_F(RunPanelTest, saysWhenItIsAnotherRequestAndWhatMemoryThatNeeds) {
    int edits = 0;
    QObject::connect(&panel_, &RunPanel::edited, [&] { ++edits; });
    EXPECT_FALSE(panel_.request());
    panel_.setPromptText(QStringLiteral("x"));
    EXPECT_EQ(edits, 1);
    panel_.setWorkerState({Kind::Running, QStringLiteral("decode"), 0.3, {}});
    EXPECT_EQ(edits, 1) << "that is the worker's doing";
    named<QSpinBox>("max-new").setValue(65);
    named<QSpinBox>("batch").setValue(2);
    EXPECT_EQ(edits, 3);

    QLabel& memory = named<QLabel>("memory");
    EXPECT_FALSE(memory.isVisible());
    constexpr std::int64_t kMiB = 1 << 20;
    Forecast forecast{.weights = 8 * kMiB,
                      .activations = 2 * kMiB,
                      .kvAllSparse = 1 * kMiB,
                      .kvAllFull = 4 * kMiB,
                      .available = 100 * kMiB};
    panel_.setForecast(forecast);
    EXPECT_TRUE(memory.isVisible());
    EXPECT_EQ(memory.text().toStdString(),
              "Memory: 3.00 MiB (all layers sparse) to 6.00 MiB (all full) needed, 100 MiB free");
    EXPECT_EQ(memory.property("role").toString(), QStringLiteral("muted"));
    forecast.available = 4 * kMiB;
    panel_.setForecast(forecast);
    EXPECT_TRUE(memory.text().endsWith(QStringLiteral(". It fits only with enough sparse layers")));
    EXPECT_EQ(memory.property("role").toString(), QStringLiteral("warning"));
    forecast.available = kMiB;
    panel_.setForecast(forecast);
    EXPECT_TRUE(memory.text().endsWith(QStringLiteral(". It does not fit")));
    panel_.setNoForecast({});
    EXPECT_FALSE(memory.isVisible());
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
