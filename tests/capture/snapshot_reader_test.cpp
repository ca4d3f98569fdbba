#include "profiler/capture/detail/snapshot_reader.h"

#include "engine/contract/error.h"
#include "profiler/capture/capture_feed.h"
#include "profiler/store/capture_writer.h"
#include "tests/capture/recorded.h"
#include "tests/record/scratch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fluxscope {
namespace {

using testing::Scratch;
using testing::textOf;

TEST(ReadCapture, givesBackWhatWasRecorded) {
    const Scratch scratch;
    testing::record(scratch.file(), {.layers = 1, .sequences = 2, .decodeSteps = 1});
    const SnapshotPtr snapshot = readCapture(scratch.file());
    EXPECT_EQ(textOf(*snapshot), R"(
run 1 routed:0.5 finished 0 
sequence 1 0 0 1 
sequence 1 1 0 2 
prompt prompt-0 prose test a prompt0 42 
prompt prompt-1 prose test a prompt1 42 
decision 1 0 0 0 full router 1.250000 0.500000 
decision 1 1 0 0 full router 1.250000 0.500000 
kv 0 0 384 0 
kv 1 0 384 0 
token 1 0 3 0 20 t0 -0.500000 1000099000 
token 1 1 3 0 20 t0 -0.500000 1000099000 
token 1 0 4 1 21 t1 -0.500000 1000153000 
token 1 1 4 1 21 t1 -0.500000 1000153000 
cost 1 prefill 0 -1 12000 0 0 host-timer 8720 4096 analytic 1 
cost 1 prefill 0 0 87000 3000 80000 host-timer 12072 5722 analytic 1 
cost 1 decode 1 -1 12000 0 0 host-timer 8720 4096 analytic 1 
cost 1 decode 1 0 42000 0 40000 host-timer 512 384 analytic 1 
)");
    EXPECT_EQ(snapshot->models.at(0).facts.hash, "c0ffee");
    EXPECT_TRUE(snapshot->models.at(0).facts.untrained);
    EXPECT_EQ(snapshot->processes.at(0).collector, "auto: host-timer");
    EXPECT_FALSE(snapshot->environment.empty());
    EXPECT_FALSE(snapshot->live);
}

TEST(ReadCapture, saysWhatIsNoCapture) {
    const Scratch scratch;
    try {
        readCapture(scratch.file("nothing.fluxdb"));
        FAIL();
    } catch (const InputError& e) {
        EXPECT_THAT(e.what(),
                    ::testing::EndsWith("nothing.fluxdb: does not exist; give the path of a *.fluxdb file"));
    }
}

TEST(SnapshotReader, sharesWhatItHasReadBefore) {
    const Scratch scratch;
    const testing::FakeClock clock;
    constexpr int kSteps = 20'000;  // more tokens than one chunk holds
    testing::record(scratch.file(), {.layers = 1, .decodeSteps = kSteps});
    SnapshotReader reader(scratch.file());
    EXPECT_TRUE(reader.poll());
    const auto before = reader.snapshot();
    EXPECT_FALSE(reader.poll()) << "nothing has changed";

    testing::record(scratch.file(), {.layers = 1});
    EXPECT_TRUE(reader.poll());
    const auto after = reader.snapshot();
    EXPECT_EQ(before->tokens.size(), kSteps + 1U);
    EXPECT_EQ(after->tokens.size(), kSteps + 4U);
    EXPECT_EQ(before->tokens.chunks().at(0), after->tokens.chunks().at(0));
    EXPECT_EQ(before->layerSteps.chunks().at(0), after->layerSteps.chunks().at(0));
    EXPECT_EQ(textOf(*after), textOf(*readCapture(scratch.file())));
}

TEST(SnapshotReader, readsWhatAnswersWereWorthAndLeavesOutWhatCannotBe) {
    const Scratch scratch;
    CaptureWriter writer(scratch.file(), {});
    writer.beginRun(writer.nextRun(), testing::factsOf({.sequences = 3}), {}, true);
    writer.write(FidelityRecord{.sequence = SequenceIndex(1),
                                .turn = {},
                                .step = StepIndex(2),
                                .fidelity = {.kl = 0.5, .sameTop = true, .logprobChange = -0.25}});
    const auto write = [&](std::int32_t sequence, double score) {
        writer.write(EvaluationSample{.sequence = SequenceIndex(sequence),
                                      .task = "needle",
                                      .length = 512,
                                      .number = 3,
                                      .seed = 0xFFFFFFFFFFFFFFFF,
                                      .scorer = "all",
                                      .score = score});
    };
    write(0, 0.75);
    write(1, 1.5);
    write(7, 1);
    ASSERT_TRUE(writer.finish());
    const SnapshotPtr snapshot = readCapture(scratch.file());
    std::string text = "\n";
    snapshot->evaluations.each([&text](const EvaluationRow& r) {
        text += std::to_string(r.run.value()) + ' ' + std::to_string(r.sequence.value()) + ' ' + r.task +
                ' ' + std::to_string(r.length) + ' ' + std::to_string(r.number) + ' ' +
                std::to_string(r.seed) + ' ' + r.scorer + ' ' + std::to_string(r.score) + '\n';
    });
    EXPECT_EQ(text, "\n1 0 needle 512 3 18446744073709551615 all 0.750000\n");
    EXPECT_THAT(
        snapshot->problems,
        ::testing::ElementsAre("table evaluation: 2 rows do not fit the rest of the file and are left out"));
    ASSERT_EQ(snapshot->fidelity.size(), 1U);
    snapshot->fidelity.each([](const FidelityRow& r) {
        EXPECT_EQ(r.sequence, SequenceIndex(1));
        EXPECT_EQ(r.step, StepIndex(2));
        EXPECT_EQ(r.fidelity.kl, 0.5);
        EXPECT_TRUE(r.fidelity.sameTop);
        EXPECT_EQ(r.fidelity.logprobChange, -0.25);
    });
}

TEST(SnapshotReader, readsTheStepInProgressAgain) {
    const Scratch scratch;
    CaptureWriter writer(scratch.file(), {});
    writer.beginRun(writer.nextRun(), testing::factsOf({}), {}, true);
    const auto write = [&](int step, int layer, int time) {
        writer.write(LayerStepRecord{.phase = step == 0 ? Phase::Prefill : Phase::Decode,
                                     .step = StepIndex(step),
                                     .layer = layer < 0 ? std::nullopt : std::optional(LayerIndex(layer)),
                                     .time = Nanoseconds(time),
                                     .timeSource = "host-timer"});
    };
    SnapshotReader reader(scratch.file());
    const auto costs = [&] {
        writer.commit();
        reader.poll();
        std::string text;
        reader.snapshot()->layerSteps.each([&](const LayerStepRow& r) {
            text += std::to_string(r.step.value()) + "/" + std::to_string(r.layer.value()) + "=" +
                    std::to_string(r.time.count()) + " ";
        });
        return text;
    };
    write(0, 0, 10);
    EXPECT_EQ(costs(), "0/0=10 ");
    write(0, 1, 5);
    write(0, 0, 17);  // visited again
    EXPECT_EQ(costs(), "0/0=17 0/1=5 ");
    write(0, -1, 3);
    write(1, 0, 1);
    EXPECT_EQ(costs(), "0/-1=3 0/0=17 0/1=5 1/0=1 ");
    write(1, -1, 2);
    EXPECT_EQ(costs(), "0/-1=3 0/0=17 0/1=5 1/-1=2 1/0=1 ");
}

TEST(SnapshotReader, startsOverWhenAnotherCaptureTakesThePlace) {
    const Scratch scratch;
    testing::record(scratch.file(), {.decodeSteps = 50});
    SnapshotReader reader(scratch.file());
    reader.poll();
    testing::record(scratch.file("other.fluxdb"), {.layers = 3, .decodeSteps = 1});
    std::filesystem::copy_file(scratch.file("other.fluxdb"), scratch.file(),
                               std::filesystem::copy_options::overwrite_existing);
    EXPECT_TRUE(reader.poll());
    EXPECT_EQ(textOf(*reader.snapshot()), textOf(*readCapture(scratch.file("other.fluxdb"))));
}

}  // namespace
}  // namespace fluxscope
