// Trainings as a snapshot has them, and what becomes of captures that hold nothing else.
#include "engine/contract/error.h"
#include "profiler/capture/capture_feed.h"
#include "profiler/capture/check.h"
#include "profiler/capture/detail/snapshot_reader.h"
#include "profiler/capture/info.h"
#include "profiler/capture/merge.h"
#include "profiler/capture/pack.h"
#include "profiler/capture/slice.h"
#include "profiler/record/recorder.h"
#include "tests/record/scratch.h"
#include "tests/record/scripted_training.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

namespace fluxscope {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::rowsOf;
using testing::Scratch;
using testing::TrainingScript;

void recordTraining(const std::filesystem::path& file, const TrainingScript& script) {
    Recorder recorder(file, {.collect = Collect::Off});
    recorder.trainingBegan(testing::trainingFactsOf(script));
    for (std::int64_t step = script.firstStep; step < script.steps; ++step)
        recorder.trainingStepped(testing::trainingStepOf(script, step));
    recorder.trainingWarned(script.firstStep, "prose goes one way only");
    recorder.trainingEnded(RunOutcome::Finished, "");
}

std::vector<std::string> sentences(const std::filesystem::path& file) {
    std::vector<std::string> said;
    for (const Violation& violation : checkCapture(file)) said.push_back(sentenceOf(violation));
    return said;
}

std::string stepsIn(const Snapshot& snapshot) {
    std::string text;
    snapshot.trainingSteps.each([&](const TrainingStepRow& s) {
        text += std::to_string(s.training.value()) + ":" + std::to_string(s.step) + " ";
    });
    return text;
}

TEST(TrainingsOfASnapshot, areWhatTheRecorderWasTold) {
    const Scratch scratch;
    const TrainingScript script{.steps = 5, .layers = 3};
    recordTraining(scratch.file(), script);
    const SnapshotPtr snapshot = readCapture(scratch.file());
    EXPECT_THAT(snapshot->problems, IsEmpty());
    EXPECT_THAT(snapshot->runs, IsEmpty());
    ASSERT_EQ(snapshot->trainings.size(), 1U);
    const TrainingRow& training = snapshot->trainings[0];
    EXPECT_EQ(training.facts.kind, TrainingKind::Routers);
    EXPECT_EQ(training.facts.model, "/models/sample");
    EXPECT_EQ(training.outcome, "finished");
    ASSERT_EQ(training.facts.tasks.size(), 5U);
    EXPECT_EQ(training.facts.tasks[4].name, "prose");
    EXPECT_EQ(training.facts.tasks[4].target, 0.9);
    ASSERT_EQ(training.warnings.size(), 1U);
    EXPECT_EQ(training.warnings[0].text, "prose goes one way only");
    EXPECT_EQ(stepsIn(*snapshot), "1:0 1:1 1:2 1:3 1:4 ");
    snapshot->trainingSteps.each([&](const TrainingStepRow& row) {
        const TrainingStep told = testing::trainingStepOf(script, row.step);
        EXPECT_EQ(row.loss, told.loss);
        EXPECT_EQ(row.temperature, told.temperature);
        ASSERT_EQ(row.layers.size(), 3U);
        for (const TrainingLayerStepRow& layer : row.layers)
            EXPECT_EQ(layer.full,
                      static_cast<float>(told.fullByLayer[static_cast<std::size_t>(layer.layer.value())]));
        std::size_t having = 0;
        for (const TrainingTaskStep& task : told.tasks) having += std::isnan(task.loss) ? 0 : 1;
        ASSERT_EQ(row.tasks.size(), having) << "step " << row.step;
        for (const TrainingTaskStepRow& task : row.tasks) {
            EXPECT_EQ(task.loss, told.tasks[static_cast<std::size_t>(task.task)].loss);
            EXPECT_EQ(task.right, told.tasks[static_cast<std::size_t>(task.task)].right);
            EXPECT_EQ(task.sparsity, told.tasks[static_cast<std::size_t>(task.task)].sparsity);
        }
    });
}

TEST(TrainingsOfASnapshot, growStepByStepAndAreNotReadAgain) {
    const Scratch scratch;
    Recorder recorder(scratch.file(), {.collect = Collect::Off});
    const TrainingScript script{.steps = 60'000, .layers = 1};
    testing::train(recorder, script, 20'000);
    SnapshotReader reader(scratch.file());
    auto before = reader.snapshot();
    for (int look = 0; look < 200 && before->trainingSteps.size() < 20'000; ++look) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        reader.poll();
        before = reader.snapshot();
    }
    ASSERT_EQ(before->trainingSteps.size(), 20'000U);
    EXPECT_FALSE(reader.poll()) << "nothing has changed";
    recorder.trainingStepped(testing::trainingStepOf(script, 20'000));
    recorder.trainingEnded(RunOutcome::Cancelled, "enough");
    recorder.finish();
    EXPECT_TRUE(reader.poll());
    const auto after = reader.snapshot();
    EXPECT_THAT(after->problems, IsEmpty());
    EXPECT_EQ(after->trainingSteps.size(), 20'001U);
    EXPECT_EQ(after->trainingSteps.chunks()[0], before->trainingSteps.chunks()[0]);
    EXPECT_EQ(after->trainings[0].reason, "enough");
    EXPECT_EQ(after->trainingSteps.chunks().back()->back().layers.size(), 1U);
}

TEST(TrainingsOfASnapshot, leaveOutAndTellWhatDoesNotFit) {
    struct Case {
        const char* harm;
        const char* says;
    };
    for (const Case& c : {
             Case{"INSERT INTO training_step VALUES (99, 1, 77, 1, 1, 1, 1, 1, 1, NULL, 1)",
                  "table training_step: 1 rows do not fit"},
             Case{"INSERT INTO training_step VALUES (99, 7, 0, 1, 1, 1, 1, 1, 1, NULL, 1)",
                  "table training_step: 1 rows do not fit"},
             Case{"UPDATE training_step SET row = 99 WHERE step = 1",
                  "table training_step: 1 rows do not fit"},
             Case{"INSERT INTO training_task_step VALUES (1, 3, 9, 1, NULL, NULL, NULL, NULL)",
                  "table training_task_step: 1 rows do not fit"},
             Case{"INSERT INTO training_task_step VALUES (1, 77, 0, 1, NULL, NULL, NULL, NULL)",
                  "table training_task_step: 1 rows do not fit"},
             Case{"INSERT INTO training_layer_step VALUES (1, 3, 3, 0.5)",
                  "table training_layer_step: 1 rows do not fit"},
             Case{"UPDATE training_layer_step SET p_full = 1.5 WHERE layer = 1 AND step = 2",
                  "table training_layer_step: 1 rows do not fit"},
             Case{"INSERT INTO training_task VALUES (1, 9, 'x', 0.5, NULL)",
                  "table training_task: 1 rows do not fit"},
             Case{"INSERT INTO training_warning VALUES (99, 7, 0, 'of nobody')",
                  "table training_warning: 1 rows do not fit"},
             Case{"UPDATE training SET layers = 1000000", "table training: 1 rows do not fit"},
             Case{"DROP TABLE training_layer_step",
                  "table training_layer_step cannot be read to its end: it is missing"},
         }) {
        const Scratch scratch;
        recordTraining(scratch.file(), {.steps = 5, .layers = 3});
        ASSERT_EQ(rowsOf(scratch.file(), c.harm), "\n");
        EXPECT_THAT(readCapture(scratch.file())->problems, ::testing::Contains(HasSubstr(c.says))) << c.harm;
    }
}

TEST(CheckCapture, namesEachRuleOfTrainingsThatIsBroken) {
    struct Case {
        const char* harm;
        const char* says;
    };
    for (
        const Case& c : {
            Case{"UPDATE training SET outcome = NULL",
                 "training: 'ends after it begins, with an outcome, and"},
            Case{
                "UPDATE training_task SET target = 1.5 WHERE task = 2",
                "training_task: 'is numbered from 0 on, with shares from 0 to 1 and targets of routers only' "
                "does not hold for 1 row: training 1 task 2"},
            Case{"UPDATE training_step SET row = 99 WHERE step = 1",
                 "training_step: 'comes by training and step' does not hold for 1 row: row 99"},
            Case{"UPDATE training SET steps = 4",
                 "training_step: 'is a step of its training's plan' does not hold for 1 row: row 5: step 4"},
            Case{"INSERT INTO training_task_step VALUES (1, 77, 0, 1, NULL, NULL, NULL, NULL)",
                 "training_task_step: 'is of a known step' does not hold for 1 row: training 1 step 77"},
            Case{"INSERT INTO training_task_step VALUES (1, 3, 9, 1, NULL, NULL, NULL, NULL)",
                 "training_task_step: 'is of a known task' does not hold for 1 row: training 1 task 9"},
            Case{"UPDATE training_task_step SET sparsity = 2 WHERE step = 0 AND task = 0",
                 "training_task_step: 'has a share of sparse layers from 0 to 1, of routers only' does not "
                 "hold "
                 "for 1 row: training 1 step 0 task 0"},
            Case{
                "UPDATE training SET layers = 2",
                "training_layer_step: 'is of a layer that the model has, with a weight from 0 to 1' does not "
                "hold for 5 rows, the first: training 1 step 0 layer 2"},
            Case{"UPDATE training_warning SET step = 6",
                 "training_warning: 'is of a step of its training's plan' does not hold for 1 row"},
            Case{"UPDATE training_step SET training = 7 WHERE step = 4",
                 "training_step: 'training refers to a row of training' does not hold for 1 row: training 7"},
        }) {
        const Scratch scratch;
        recordTraining(scratch.file(), {.steps = 5, .layers = 3});
        EXPECT_THAT(sentences(scratch.file()), IsEmpty());
        ASSERT_EQ(rowsOf(scratch.file(), c.harm), "\n");
        EXPECT_THAT(sentences(scratch.file()), ::testing::Contains(HasSubstr(c.says))) << c.harm;
    }
}

TEST(CaptureOfATraining, isPackedSlicedAndMergedWhole) {
    const Scratch scratch;
    const auto file = [&](const char* name) { return scratch.file(name); };
    recordTraining(file("a.fluxdb"), {.steps = 5, .layers = 3});
    recordTraining(file("a.fluxdb"), {.firstStep = 3, .steps = 5, .layers = 3});
    recordTraining(file("b.fluxdb"), {.kind = TrainingKind::Backbone, .steps = 2, .layers = 3});
    packCapture(file("a.fluxdb"), file("packed.fluxdb"));
    sliceCapture(file("a.fluxdb"), file("slice.fluxdb"), {});
    EXPECT_THAT(mergeCaptures(file("ba.fluxdb"), {file("b.fluxdb"), file("a.fluxdb"), file("slice.fluxdb")}),
                IsEmpty());
    const std::string steps =
        "SELECT * FROM training_step; SELECT * FROM training_task_step; SELECT * FROM training_layer_step; "
        "SELECT * "
        "FROM training_warning; SELECT * FROM training_task; SELECT * FROM training; SELECT * FROM process";
    for (const char* copy : {"packed.fluxdb", "slice.fluxdb"})
        EXPECT_EQ(rowsOf(file(copy), steps), rowsOf(file("a.fluxdb"), steps)) << copy;
    EXPECT_EQ(
        rowsOf(file("ba.fluxdb"),
               "SELECT training, process, kind, first_step, count(*), min(row) FROM training JOIN "
               "training_step USING (training) GROUP BY training; SELECT training, step FROM "
               "training_warning; SELECT training, count(*) FROM training_layer_step GROUP BY training"),
        "\n1 1 backbone 0 2 1\n2 2 routers 0 5 3\n3 3 routers 3 2 8\n1 0\n2 0\n3 3\n2 15\n3 6\n");
    for (const char* made : {"packed.fluxdb", "slice.fluxdb", "ba.fluxdb"})
        EXPECT_THAT(sentences(file(made)), IsEmpty()) << made;
    EXPECT_THAT(captureInfo(file("ba.fluxdb")).problems, IsEmpty());
}

TEST(CaptureOfATraining, isNotMergedWithAShorterOneOfTheSame) {
    const Scratch scratch;
    recordTraining(scratch.file("whole.fluxdb"), {.steps = 5, .layers = 3});
    std::filesystem::copy_file(scratch.file("whole.fluxdb"), scratch.file("shorter.fluxdb"));
    rowsOf(scratch.file("shorter.fluxdb"), "UPDATE training SET end_ns = NULL, outcome = NULL");
    try {
        mergeCaptures(scratch.file(), {scratch.file("whole.fluxdb"), scratch.file("shorter.fluxdb")});
        FAIL();
    } catch (const InputError& e) {
        EXPECT_THAT(e.what(),
                    HasSubstr("training 1 is in one of the files before it, but not as long; give the "
                              "file that has all of it, and not the other"));
    }
}

}  // namespace
}  // namespace fluxscope
