// Trainings in a capture: while they go on, when they end, and when they are killed.
#include "profiler/capture/capture_feed.h"
#include "profiler/record/recorder.h"
#include "tests/record/full_disk.h"
#include "tests/record/scratch.h"
#include "tests/record/scripted_run.h"
#include "tests/record/scripted_training.h"
#include "tests/record/sound.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <limits>
#include <thread>

namespace fluxscope {
namespace {

using ::testing::HasSubstr;
using testing::rowsOf;
using testing::Scratch;
using testing::TrainingScript;
using namespace std::chrono_literals;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(TrainingRecord, hasTheFactsTheTasksAndTheEnd) {
    const Scratch scratch;
    testing::FakeClock clock;
    {
        Recorder recorder(scratch.file(), {.clock = clock.reader()});
        TrainingFacts facts = testing::trainingFactsOf(TrainingScript{.steps = 2, .layers = 2});
        facts.tasks = {{"needle", 0.75, 0.5}, {"prose", 0.25, std::nullopt}};
        recorder.trainingBegan(facts);
        clock.advance(5us);
        recorder.trainingEnded(RunOutcome::Cancelled, "it was asked to stop");
    }
    EXPECT_EQ(
        rowsOf(scratch.file(),
               "SELECT training, process, kind, model, device, dtype, first_step, steps, layers, end_ns "
               "- begin_ns, outcome, reason FROM training"),
        "\n1 1 routers /models/sample cuda:0 bf16 0 2 2 5000 cancelled it was asked to stop\n");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT * FROM training_task"),
              "\n1 0 needle 0.75 0.5\n1 1 prose 0.25 -\n");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT plan, data FROM training"),
              "\n{\"seed\": 1} {\"mixture\": \"tasks\"}\n");
    testing::expectSound(scratch.file());
}

TEST(TrainingRecord, hasOfAStepOnlyTheTasksThatHadAPrompt) {
    const Scratch scratch;
    {
        Recorder recorder(scratch.file());
        TrainingFacts facts = testing::trainingFactsOf(TrainingScript{.steps = 9, .layers = 2});
        facts.tasks = {{"a", 0.5, 0.5}, {"b", 0.25, 0.5}, {"c", 0.25, 0.5}};
        recorder.trainingBegan(facts);
        recorder.trainingStepped({.step = 0,
                                  .length = 64,
                                  .loss = 2.5,
                                  .penalty = 0.125,
                                  .learningRate = 0.5,
                                  .gradientNorm = 4,
                                  .tokensPerSecond = 1000,
                                  .temperature = 0.75,
                                  .tasks = {{1.5, 0.875, 0.25, {0.5, 0.75}},
                                            {kNan, kNan, kNan, {1, 1}},
                                            {kNan, kNan, 0.5, {0.25, 0.5}}},
                                  .fullByLayer = {0.25, 1}});
        recorder.trainingEnded(RunOutcome::Finished, "");
    }
    EXPECT_EQ(
        rowsOf(scratch.file(),
               "SELECT step, length, loss, penalty, learning_rate, gradient_norm, tokens_per_s, temperature "
               "FROM training_step"),
        "\n0 64 2.5 0.125 0.5 4.0 1000.0 0.75\n");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT * FROM training_task_step"),
              "\n1 0 0 1.5 0.875 0.25 0.5 0.75\n1 0 2 - - 0.5 0.25 0.5\n");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT * FROM training_layer_step"), "\n1 0 0 0.25\n1 0 1 1.0\n");
    testing::expectSound(scratch.file());
}

TEST(TrainingRecord, ofABackboneHasNothingThatOnlyRoutersHave) {
    const Scratch scratch;
    {
        Recorder recorder(scratch.file());
        testing::train(recorder, {.kind = TrainingKind::Backbone, .steps = 3});
    }
    EXPECT_EQ(
        rowsOf(scratch.file(),
               "SELECT kind, count(temperature), count(*) FROM training JOIN training_step USING (training)"),
        "\nbackbone 0 3\n");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT count(target) FROM training_task"), "\n0\n");
    EXPECT_EQ(rowsOf(scratch.file(),
                     "SELECT count(loss) > 9, count(sparsity), count(lambda1), count(lambda2) FROM "
                     "training_task_step"),
              "\n1 0 0 0\n");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT count(*) FROM training_layer_step"), "\n0\n");
    testing::expectSound(scratch.file());
}

TEST(TrainingRecord, tellsAStepWhoseLossIsNoNumberInsteadOfEnding) {
    const Scratch scratch;
    {
        Recorder recorder(scratch.file());
        const TrainingScript script{.steps = 9};
        testing::train(recorder, script, 3);
        TrainingStep broken = testing::trainingStepOf(script, 3);
        broken.loss = kNan;
        recorder.trainingStepped(broken);
        recorder.trainingEnded(RunOutcome::Failed, "the loss of step 3 is no number");
        EXPECT_EQ(recorder.status().problem, std::nullopt);
    }
    EXPECT_EQ(
        rowsOf(scratch.file(), "SELECT max(step), outcome FROM training_step JOIN training USING (training)"),
        "\n2 failed\n");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT step, text FROM training_warning"),
              "\n3 the step's loss or gradient is no number; it has no row\n");
    testing::expectSound(scratch.file());
}

TEST(TrainingRecord, canBeReadWhileTheTrainingGoesOn) {
    const Scratch scratch;
    Recorder recorder(scratch.file());
    const TrainingScript script{.steps = 100};
    testing::train(recorder, script, 40);
    recorder.trainingWarned(39, "prose goes one way only");
    std::this_thread::sleep_for(250ms);
    const SnapshotPtr live = readCapture(scratch.file());
    EXPECT_TRUE(live->live);
    ASSERT_EQ(live->trainings.size(), 1U);
    EXPECT_EQ(live->trainings[0].end, std::nullopt);
    EXPECT_EQ(live->trainingSteps.size(), 40U);
    ASSERT_EQ(live->trainings[0].warnings.size(), 1U);
    EXPECT_EQ(live->trainings[0].warnings[0].text, "prose goes one way only");
    recorder.trainingEnded(RunOutcome::Finished, "");
    std::this_thread::sleep_for(250ms);
    EXPECT_EQ(readCapture(scratch.file())->trainings[0].outcome, "finished");
}

TEST(TrainingRecord, andRunsShareAFile) {
    const Scratch scratch;
    testing::FakeClock clock;
    {
        Recorder recorder(scratch.file(), {.clock = clock.reader()});
        testing::train(recorder, {.steps = 4});
        testing::ScriptedRun(recorder, clock, {}).run();
        testing::train(recorder, {.firstStep = 2, .steps = 4});
    }
    EXPECT_EQ(
        rowsOf(
            scratch.file(),
            "SELECT training, first_step, count(*) FROM training JOIN training_step USING (training) GROUP "
            "BY training"),
        "\n1 0 4\n2 2 2\n");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT run, outcome FROM run"), "\n1 finished\n");
    testing::expectSound(scratch.file());
}

TEST(TrainingRecord, ofAFullDiskIsToldAndTheTrainingGoesOn) {
    const Scratch scratch;
    constexpr std::int64_t kKept = 50;
    const TrainingScript script{.steps = 20'000, .layers = 32};
    {
        const testing::FullDisk disk(1'500'000);
        Recorder recorder(scratch.file());
        testing::train(recorder, script, kKept);
        std::this_thread::sleep_for(400ms);
        for (std::int64_t step = kKept; step < script.steps - 1; ++step)
            recorder.trainingStepped(testing::trainingStepOf(script, step));
        for (int look = 0; look < 1000 && !recorder.status().problem; ++look)
            std::this_thread::sleep_for(10ms);
        ASSERT_NE(recorder.status().problem, std::nullopt);
        EXPECT_THAT(*recorder.status().problem, HasSubstr("full"));
        recorder.trainingStepped(testing::trainingStepOf(script, script.steps - 1));
        recorder.trainingEnded(RunOutcome::Finished, "");
        recorder.finish();
        EXPECT_GT(recorder.status().dropped, 0);
    }
    const SnapshotPtr kept = readCapture(scratch.file());
    ASSERT_EQ(kept->trainings.size(), 1U);
    EXPECT_EQ(kept->trainings[0].outcome, std::nullopt);
    EXPECT_GE(kept->trainingSteps.size(), static_cast<std::size_t>(kKept));
    EXPECT_LT(kept->trainingSteps.size(), static_cast<std::size_t>(script.steps));
    testing::expectSound(scratch.file());
}

TEST(TrainingRecord, ofAKilledProcessIsWholeUpToAMomentBefore) {
    const Scratch scratch;
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        Recorder recorder(scratch.file());
        const TrainingScript script{.steps = 1'000'000};
        recorder.trainingBegan(testing::trainingFactsOf(script));
        for (std::int64_t step = 0;; ++step) {
            recorder.trainingStepped(testing::trainingStepOf(script, step));
            std::this_thread::sleep_for(1ms);
        }
    }
    std::this_thread::sleep_for(900ms);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const SnapshotPtr kept = readCapture(scratch.file());
    ASSERT_EQ(kept->trainings.size(), 1U);
    EXPECT_EQ(kept->trainings[0].end, std::nullopt);
    EXPECT_GT(kept->trainingSteps.size(), 100U);
    std::int64_t next = 0;
    kept->trainingSteps.each([&](const TrainingStepRow& step) {
        EXPECT_EQ(step.step, next++);
        EXPECT_EQ(step.layers.size(), 8U) << "step " << step.step;
    });
    testing::expectSound(scratch.file());
}

}  // namespace
}  // namespace fluxscope
