// What a recorder leaves in the file, as golden rows.
#include "profiler/record/recorder.h"

#include "engine/contract/error.h"
#include "profiler/capture/capture_feed.h"
#include "profiler/capture/check.h"
#include "profiler/capture/layer_details.h"
#include "tests/record/scratch.h"
#include "tests/record/scripted_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <thread>

namespace fluxscope {
namespace {

using testing::FakeClock;
using testing::rowsOf;
using testing::Scratch;
using testing::Script;
using testing::ScriptedRun;

void record(const std::filesystem::path& file, const Script& script = {}, RecorderOptions options = {}) {
    const FakeClock clock;
    options.clock = clock.reader();
    Recorder recorder(file, options);
    ScriptedRun(recorder, clock, script).run();
    recorder.finish();
    EXPECT_EQ(recorder.status().problem.value_or("none"), "none");
    EXPECT_EQ(recorder.status().dropped, 0);
}

TEST(Recorder, writesTheRunAndItsPrompt) {
    const Scratch scratch;
    record(scratch.file());
    EXPECT_EQ(rowsOf(scratch.file(),
                     "SELECT run, role, policy, policy_name, sparse, seed, max_new, device, dtype, begin_ns, "
                     "end_ns, outcome, "
                     "reason, dropped FROM run"),
              "\n1 timed {\"kind\":\"routed\",\"threshold\":0.5} routed:0.5 "
              "streaming:sink=4,window=8,granularity=token 7 3 cpu "
              "fp32 1000000000 1000258000 finished  0\n");
    EXPECT_EQ(rowsOf(scratch.file(),
                     "SELECT sequence, batch, prompt_tokens, p.id, kind, split, text, answer FROM sequence "
                     "JOIN prompt AS p "
                     "USING (prompt)"),
              "\n0 0 3 prompt-0 prose test a prompt0 42\n");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT hash, layers, router_parameters, untrained FROM model"),
              "\nc0ffee 2 10 1\n");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT collector FROM process"), "\nauto: host-timer\n");
}

TEST(Recorder, writesTokensDecisionsAndKv) {
    const Scratch scratch;
    record(scratch.file());
    EXPECT_EQ(rowsOf(scratch.file(),
                     "SELECT sequence, position, step, token, byte_begin, byte_end, text, logprob, "
                     "emitted_ns FROM token"),
              R"(
0 0 -1 10 0 1 - - -
0 1 -1 11 1 2 - - -
0 2 -1 12 2 3 - - -
0 3 0 20 0 2 t0 -0.5 1000126000
0 4 1 21 2 4 t1 -0.5 1000192000
0 5 2 22 4 6 t2 -0.5 1000258000
)");
    EXPECT_EQ(rowsOf(scratch.file(),
                     "SELECT step, layer, kv_head, attention, decided_by, logit_full, round(p_full, 4), "
                     "threshold, margin "
                     "FROM decision"),
              R"(
0 0 -1 full router 1.25 0.7311 0.5 1.0
0 1 -1 sparse router -0.75 0.2689 0.5 -1.0
)");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT step, layer, bytes_kept, bytes_freed FROM kv"), R"(
0 0 384 0
0 1 128 256
)");
}

// Prefill of layer 0: router 3, two chunks of 40 + 2 us; of layer 1: 3 + 2 * (10 + 2). Outside: embedding 5, head 7.
TEST(Recorder, sumsUpWhatALayerCostInAStep) {
    const Scratch scratch;
    record(scratch.file());
    EXPECT_EQ(rowsOf(scratch.file(),
                     "SELECT phase, step, layer, begin_ns, time_ns, router_ns, attention_ns, time_source, "
                     "flops, bytes_source "
                     "FROM layer_step ORDER BY step, layer"),
              R"(
prefill 0 -1 1000000000 12000 0 0 host-timer 4096 analytic
prefill 0 0 1000005000 87000 3000 80000 host-timer 5722 analytic
prefill 0 1 1000092000 27000 3000 20000 host-timer 5722 analytic
decode 1 -1 1000126000 12000 0 0 host-timer 4096 analytic
decode 1 0 1000131000 42000 0 40000 host-timer 384 analytic
decode 1 1 1000173000 12000 0 10000 host-timer 384 analytic
decode 2 -1 1000192000 12000 0 0 host-timer 4096 analytic
decode 2 0 1000197000 42000 0 40000 host-timer 384 analytic
decode 2 1 1000239000 12000 0 10000 host-timer 384 analytic
)");
}

// Nobody wakes the writer between runs but what is told then: it must not wait for the next run.
TEST(Recorder, writesWhatAnAnswerWasWorthAtOnceThoughNoRunGoesOn) {
    const Scratch scratch;
    const FakeClock clock;
    Recorder recorder(scratch.file(), {.clock = clock.reader()});
    ScriptedRun(recorder, clock, {.sequences = 2}).run();
    for (std::int32_t s = 0; s < 2; ++s)
        recorder.sampleEvaluated({.sequence = SequenceIndex(s),
                                  .task = "needle:facts=8",
                                  .length = 512,
                                  .number = 40 + s,
                                  .seed = 7,
                                  .scorer = "contains",
                                  .score = 0.5 * s});
    const std::string all = "SELECT run, sequence, task, length, number, seed, scorer, score FROM evaluation";
    const std::string wanted =
        "\n1 0 needle:facts=8 512 40 7 contains 0.0\n1 1 needle:facts=8 512 41 7 contains 0.5\n";
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (rowsOf(scratch.file(), all) != wanted && std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(rowsOf(scratch.file(), all), wanted);

    ScriptedRun(recorder, clock, {}).run();
    recorder.sampleEvaluated({.sequence = {}, .task = "prose", .scorer = "likelihood", .score = 0.25});
    recorder.finish();
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT run, task, score FROM evaluation WHERE run = 2"),
              "\n2 prose 0.25\n");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT count(*) FROM run WHERE end_ns IS NULL"), "\n0\n");
}

TEST(Recorder, keepsTheScopesOfALayerWhereItsCostsSay) {
    const Scratch scratch;
    record(scratch.file());
    EXPECT_EQ(
        rowsOf(scratch.file(),
               "SELECT scope, s.layer, chunk, op, end_ns - s.begin_ns, s.bytes_read FROM layer_step AS l "
               "JOIN scope AS s "
               "ON scope BETWEEN first_scope AND last_scope WHERE l.step = 0 AND l.layer = 1 ORDER BY scope"),
        R"(
6 1 -1 router 3000 11048
7 1 0 attention 10000 512
8 1 1 attention 10000 512
9 1 -1  27000 -
)");
}

TEST(Recorder, saysThatItOnlySawTheEnqueueingOnADevice) {
    const Scratch scratch;
    record(scratch.file(), {.device = "cuda:0"});
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT DISTINCT time_source FROM layer_step"), "\nhost-enqueue\n");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT collector FROM process"), "\nauto: host-enqueue\n");
}

TEST(Recorder, collectsDecisionsAndTokensOnlyWhenOff) {
    const Scratch scratch;
    EXPECT_FALSE(Recorder(scratch.file("needs.fluxdb"), {.collect = Collect::Off}).needs().opScopes);
    record(scratch.file(), {}, {.collect = Collect::Off});
    EXPECT_EQ(
        rowsOf(
            scratch.file(),
            "SELECT (SELECT count(*) FROM scope), (SELECT count(*) FROM layer_step), (SELECT count(*) FROM "
            "decision), (SELECT count(*) FROM token), collector FROM process"),
        "\n0 0 2 6 off\n");
}

TEST(Recorder, leavesNoTraceOfThePromptWhenAskedTo) {
    const Scratch scratch;
    record(scratch.file(), {.text = "a secret"}, {.promptText = false});
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT id, text, answer, length(hash) FROM prompt"),
              "\nprompt-0 -  32\n");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT count(*) FROM token WHERE step = -1"), "\n0\n");
    std::ifstream in(scratch.file(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    EXPECT_THAT(bytes, ::testing::Not(::testing::HasSubstr("secret")));
}

TEST(Recorder, appendsRunsToAnExperiment) {
    const Scratch scratch;
    record(scratch.file());
    record(scratch.file());
    EXPECT_EQ(rowsOf(scratch.file(),
                     "SELECT run, process, model, (SELECT count(*) FROM token AS t WHERE t.run = run.run), "
                     "(SELECT count(*) "
                     "FROM prompt) FROM run"),
              "\n1 1 1 6 1\n2 2 1 6 1\n");
}

TEST(Recorder, numbersTheRunsOfOneRecorder) {
    const Scratch scratch;
    const FakeClock clock;
    Recorder recorder(scratch.file(), {.clock = clock.reader()});
    EXPECT_EQ(recorder.currentRun(), RunIndex(0));
    ScriptedRun(recorder, clock, {}).run();
    EXPECT_EQ(recorder.currentRun(), RunIndex(1));
    ScriptedRun(recorder, clock, {}).run(RunOutcome::Cancelled, "the user cancelled it");
    EXPECT_EQ(recorder.currentRun(), RunIndex(2));
    recorder.finish();
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT run, outcome, reason FROM run"),
              "\n1 finished \n2 cancelled the user cancelled it\n");
}

TEST(Recorder, leavesOneFileThatTravels) {
    const Scratch scratch;
    record(scratch.file());
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(scratch.folder()),
                            std::filesystem::directory_iterator()),
              1);
    EXPECT_EQ(rowsOf(scratch.file(), "PRAGMA journal_mode"), "\ndelete\n");
    EXPECT_EQ(rowsOf(scratch.file(), "PRAGMA integrity_check"), "\nok\n");
}

TEST(Recorder, tellsTheMachineAndWhatTheCallerKnows) {
    const Scratch scratch;
    record(scratch.file(), {}, {.environment = {{"torch.threads", "4", "at::get_num_threads"}}});
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT value, source FROM environment WHERE name = 'torch.threads'"),
              "\n4 at::get_num_threads\n");
    EXPECT_EQ(
        rowsOf(
            scratch.file(),
            "SELECT count(*) FROM environment WHERE name IN ('cpu.model', 'cpu.cores', 'kernel', 'build')"),
        "\n4\n");
}

TEST(Recorder, keepsWhatLooksLikeSqlAsData) {
    const Scratch scratch;
    const std::string evil = "x'); DROP TABLE token; --";
    record(scratch.file(), {.promptId = evil, .text = "' OR 1=1; --\n\"`"});
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT id FROM prompt"), "\n" + evil + "0\n");
    const SnapshotPtr snapshot = readCapture(scratch.file());
    EXPECT_EQ(snapshot->prompts.at(0).text, "' OR 1=1; --\n\"`0");
    EXPECT_EQ(snapshot->tokens.size(), 3U);
}

TEST(Recorder, canBeReadWhileTheRunGoesOn) {
    const Scratch scratch;
    const FakeClock clock;
    Recorder recorder(scratch.file(), {.clock = clock.reader()});
    ScriptedRun run(recorder, clock, {});
    run.begin();
    run.pass(0);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    SnapshotPtr snapshot = readCapture(scratch.file());
    while (snapshot->tokens.size() < 1 && std::chrono::steady_clock::now() < deadline)
        snapshot = readCapture(scratch.file());
    EXPECT_EQ(snapshot->tokens.size(), 1U);
    EXPECT_EQ(snapshot->decisions.size(), 2U);
    EXPECT_TRUE(snapshot->live);
    EXPECT_FALSE(snapshot->runs.at(0).outcome);
    run.end();
    recorder.finish();
    EXPECT_FALSE(readCapture(scratch.file())->live);
}

TEST(Recorder, writesWhatALaterTurnSentThroughPrefill) {
    const Scratch scratch;
    const FakeClock clock;
    Recorder recorder(scratch.file(), {.clock = clock.reader()});
    ScriptedRun run(recorder, clock, {});
    run.begin();
    run.pass(0);
    recorder.turnBegan(SequenceIndex(0), TurnIndex(1),
                       {.firstPosition = 3, .promptIds = {TokenId(20), TokenId(7)}});
    recorder.tokenEmitted(SequenceIndex(0), TurnIndex(1), StepIndex(0), {.id = TokenId(9), .text = "nine"});
    run.end();
    recorder.finish();
    EXPECT_EQ(
        rowsOf(scratch.file(),
               "SELECT turn, position, step, token, byte_begin, byte_end, text FROM token WHERE turn = 1"),
        R"(
1 3 -1 20 0 0 -
1 4 -1 7 0 0 -
1 5 0 9 0 4 nine
)");
    EXPECT_EQ(readPromptTokens(scratch.file(), RunIndex(1), SequenceIndex(0)).size(), 3U)
        << "what a follow-up sent is not the prompt's";
    const auto later = readPromptTokens(scratch.file(), RunIndex(1), SequenceIndex(0), TurnIndex(1));
    ASSERT_EQ(later.size(), 2U);
    EXPECT_EQ(later[0].position, 3);
    EXPECT_EQ(later[1].token, TokenId(7));
}

TEST(Recorder, namesWhatItDoesNotKnow) {
    EXPECT_EQ(parseCollect("auto"), Collect::Auto);
    EXPECT_EQ(parseCollect("off"), Collect::Off);
    try {
        parseCollect("everything\n");
        FAIL();
    } catch (const UsageError& e) {
        EXPECT_STREQ(
            e.what(),
            "--collect: does not know 'everything\\x0A'; give auto, off, trace, timeline or counters");
    }
}

TEST(Recorder, keepsSumsDecisionsAndTokensOfARunBeyondItsRecordBudget) {
    const Scratch all, few;
    for (const auto& [scratch, budget] :
         {std::pair(&all, kRecordBudget), std::pair(&few, std::int64_t{20})}) {
        const FakeClock clock;
        Recorder recorder(scratch->file(), {.recordBudget = budget, .clock = clock.reader()});
        ScriptedRun(recorder, clock, {.decodeSteps = 10}).run();
        recorder.finish();
        EXPECT_EQ(recorder.status().problem.value_or("none"), "none");
        for (const Violation& violation : checkCapture(scratch->file()))
            ADD_FAILURE() << budget << ": " << sentenceOf(violation);
    }
    EXPECT_EQ(rowsOf(few.file(), "SELECT count(*) FROM scope"), "\n20\n");
    // Prefill has 11 scopes, a decode step 7.
    EXPECT_EQ(rowsOf(few.file(), "SELECT dropped, record_budget, over_budget FROM run"), "\n0 20 61\n");
    for (const char* whole : {"SELECT step, layer, time_ns, bytes_read, flops FROM layer_step ORDER BY 1, 2",
                              "SELECT level, kind, layer, bucket, busy_ns, events, op FROM overview JOIN "
                              "lane USING (lane) ORDER BY "
                              "1, 2, 3, 4",
                              "SELECT step, layer, attention FROM decision ORDER BY 1, 2",
                              "SELECT step, token FROM token ORDER BY row"})
        EXPECT_EQ(rowsOf(few.file(), whole), rowsOf(all.file(), whole)) << whole;
}

}  // namespace
}  // namespace fluxscope
