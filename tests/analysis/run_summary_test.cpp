#include "profiler/analysis/run_summary.h"

#include "profiler/figure/number.h"
#include "tests/analysis/snapshot_builder.h"

#include <gtest/gtest.h>

#include <limits>

namespace fluxscope {
namespace {

using testing::SnapshotBuilder;

std::string shown(const Quantity& q) {
    return (q.value ? withDecimals(*q.value, 4) : "none") + " | " + q.origin;
}

SnapshotBuilder twoPrompts() {
    return SnapshotBuilder()
        .layers(1)
        .sequences("sequence batch prompt kind tokens\n 0 0 a k 100\n 1 1 b k 200")
        .decisions("sequence layer decision p threshold\n 0 0 full 0.9 0.5\n 1 0 sparse 0.1 0.5")
        .costs(R"(
            batch  step  layer  begin_us  time_us  router_us  read  written
            0      0     0      1000      600      60         10    0
            0      0     -      1600      200      0          1     0
            0      1     0      1900      100      0          2     3
            1      0     0      5000      1000     40         20    4
        )")
        .tokens(R"(
            sequence  step  emitted_us
            0         0     1900
            0         1     2900
            0         2     3900
            1         0     8000
            1         1     10000
        )")
        .kv("sequence step layer kept freed\n 0 0 0 100 0\n 1 0 0 30 70\n 1 4 0 20 80");
}

TEST(RunSummary, doesNotQuoteWhatTheHostTookToEnqueue) {
    LayerStepRow row;
    row.run = RunIndex{1};
    row.time = Nanoseconds{1000};
    row.timeSource = "host-enqueue";
    const RunSummary s =
        runSummaries(SnapshotBuilder().layers(1).sequences("sequence prompt\n 0 a").cost(row).build())
            .front();
    EXPECT_EQ(shown(s.prefillSeconds), "none | no first token recorded");
    EXPECT_EQ(shown(s.routerShare), "none | the GPU was not timed");
    EXPECT_EQ(shown(s.unattributedShare), "none | the GPU was not timed");
}

TEST(RunSummary, takesNoTimeFromAStepThatNobodyTimed) {
    const RunSummary s = runSummaries(SnapshotBuilder()
                                          .layers(1)
                                          .sequences("sequence prompt\n 0 a")
                                          .costs(R"(
                                              step  layer  time_us  router_us  read  written  clock
                                              0     0      500      50         7     1        cupti
                                              1     0      0        0          2     0        none
                                          )")
                                          .build())
                             .front();
    EXPECT_EQ(shown(s.routerShare), "none | replayed steps were not timed");
    EXPECT_EQ(shown(s.unattributedShare), "none | replayed steps were not timed");
    EXPECT_EQ(shown(s.bytesMoved), "10.0000 | modelled, kernels/cost v1: read and written, all steps");
}

TEST(RunSummary, quotesEveryNumberWithItsOrigin) {
    const RunSummary s = runSummaries(twoPrompts().build()).front();
    EXPECT_EQ(s.prompts, 2);
    EXPECT_EQ(s.promptTokens, 300);
    EXPECT_EQ(s.generatedTokens, 5);
    EXPECT_EQ(shown(s.prefillSeconds),
              "0.0039 | measured, host clock: from the first launch of a batch until all its first tokens "
              "are on the "
              "host");  // 0.9 ms and 3 ms
    EXPECT_EQ(
        shown(s.timeToFirstTokenSeconds),
        "0.0020 | measured, host clock: since the batch's first launch; median of 2 prompts");  // 0.9 ms and 3 ms
    EXPECT_EQ(
        shown(s.decodeTokensPerSecond),
        "750.0000 | measured, host clock: tokens after the first over the time since the first");  // 3 in 4 ms
    EXPECT_EQ(shown(s.fullShare), "0.5000 | recorded decisions of 2 (layer, prompt) pairs");
    EXPECT_EQ(shown(s.kvKeptBytes), "120.0000 | reserved by the engine, recorded; summed over prompts");
    EXPECT_EQ(shown(s.kvFreedBytes),
              "80.0000 | against full caches of the same lengths; summed over prompts");
    EXPECT_EQ(shown(s.bytesMoved), "40.0000 | modelled, kernels/cost v1: read and written, all steps");
    EXPECT_EQ(shown(s.routerShare), "0.0526 | measured, host timer");
    EXPECT_EQ(shown(s.unattributedShare), "0.1053 | measured, host timer: embedding, head, sampling, host");
}

TEST(RunSummary, neverQuotesTheLatencyOfARunThatWasNotTimed) {
    const RunSummary s =
        runSummaries(twoPrompts().runs("run role policy outcome\n 1 counters routed finished").build())
            .front();
    const std::string why = "none | a run with the role 'counters' is never quoted as latency";
    EXPECT_EQ(shown(s.prefillSeconds), why);
    EXPECT_EQ(shown(s.timeToFirstTokenSeconds), why);
    EXPECT_EQ(shown(s.decodeTokensPerSecond), why);
    EXPECT_TRUE(s.fullShare.value);
}

TEST(RunSummary, neverAddsUpNumbersOfDifferentOrigin) {
    const RunSummary s = runSummaries(SnapshotBuilder()
                                          .layers(1)
                                          .sequences("sequence prompt\n 0 a")
                                          .costs(R"(
                                              step  layer  time_us  clock       bytes
                                              0     0      10       host-timer  analytic
                                              0     1      10       cupti       hw_range
                                          )")
                                          .build())
                             .front();
    EXPECT_FALSE(s.prefillSeconds.value);
    EXPECT_FALSE(s.routerShare.value);
    EXPECT_EQ(shown(s.bytesMoved),
              "none | bytes of several sources are not added up: measured, range counters; modelled, "
              "kernels/cost v1");
}

TEST(RunSummary, saysWhatIsMissingAndHowARunEnded) {
    SnapshotBuilder lost;
    lost.sequences("sequence prompt\n 0 a").runs("run outcome\n 1 -");
    Snapshot s = lost.build();
    EXPECT_EQ(runSummaries(s).front().outcome, "lost");
    EXPECT_EQ(shown(runSummaries(s).front().prefillSeconds), "none | no first token recorded");
    EXPECT_EQ(shown(runSummaries(s).front().decodeTokensPerSecond), "none | no decode step recorded");
    EXPECT_EQ(shown(runSummaries(s).front().kvKeptBytes), "none | no KV recorded");
    s.live = true;
    EXPECT_EQ(runSummaries(s).front().outcome, "running");
}

TEST(RunSummary, survivesTimesThatOverflow) {
    LayerStepRow row;
    row.run = RunIndex{1};
    row.time = row.router = Nanoseconds::max();
    row.begin = Nanoseconds::min();
    row.timeSource = "host-timer";
    SnapshotBuilder b;
    b.sequences("sequence prompt\n 0 a")
        .cost(row)
        .cost(row)
        .tokens("step emitted_us\n 0 9000000000000000\n 1 -9000000000000000");
    const RunSummary s = runSummaries(b.build()).front();
    EXPECT_TRUE(s.prefillSeconds.value);  // saturated, not wrapped around
    EXPECT_GT(*s.prefillSeconds.value, 0);
}

}  // namespace
}  // namespace fluxscope
