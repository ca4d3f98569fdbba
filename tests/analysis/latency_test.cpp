#include "profiler/analysis/latency.h"

#include "profiler/figure/number.h"
#include "tests/analysis/snapshot_builder.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

using testing::rows;
using testing::SnapshotBuilder;

std::string line(const std::string& name, const LatencyFigure& figure) {
    const auto ms = [](double seconds) { return withDecimals(seconds * 1000, 2) + " "; };
    const Percentiles& p = figure.seconds;
    return name + " " + std::to_string(p.count) + " " + ms(p.least) + ms(p.median) + ms(p.p90) + ms(p.most) +
           "\n";
}

std::string table(const Latency& l) {
    return rows("what count least median p90 most\n" + line("prefill", l.prefill) +
                line("ttft", l.timeToFirstToken) + line("tpot", l.timePerToken));
}

// Three repeats; the first is slower throughout.
SnapshotBuilder repeats() {
    return SnapshotBuilder()
        .layers(1)
        .runs(
            "run role policy outcome repeat\n 1 timed routed finished 0\n 2 timed routed finished 1\n"
            "3 timed routed finished 2")
        .sequences("run sequence prompt\n 1 0 a\n 2 0 a\n 3 0 a")
        .costs(R"(
            run  step  layer  begin_us  time_us
            1    0     0      1000      9000
            2    0     0      1000      1000
            2    0     -      2000      100
            3    0     0      1000      1200
        )")
        .tokens(R"(
            run  sequence  step  emitted_us
            1    0         0     11000
            2    0         0     2500
            2    0         1     3500
            2    0         2     4000
            3    0         0     2700
            3    0         1     3700
            3    0         3     9000
        )");
}

TEST(Latency, hasPercentilesOfRepeatsAfterTheFirst) {
    const Snapshot s = repeats().build();
    const std::vector<RunIndex> runs = repeatsOf(s, RunIndex{2});
    ASSERT_EQ(runs.size(), 3u);
    const auto result = latencyOf(s, runs);
    const Latency& l = std::get<Latency>(result);
    EXPECT_EQ(l.warmUp, "run 1, the first of 3 repeats, is left out as warm-up");
    // The token of step 3 follows one that is missing: no time per token.
    EXPECT_EQ(table(l), rows(R"(
        what     count  least  median  p90   most
        prefill  2      1.50   1.60    1.68  1.70
        ttft     2      1.50   1.60    1.68  1.70
        tpot     3      0.50   1.00    1.00  1.00
    )"));
    EXPECT_EQ(l.load.seconds.count, 0);
    EXPECT_EQ(l.load.origin, "the time to load the model is not recorded in this capture");
}

TEST(Latency, leavesOutARecordedWarmUpAndKeepsEveryRepeat) {
    SnapshotBuilder builder = repeats();
    builder.edit().runs.front().role = "warm-up";
    const Snapshot s = builder.build();
    const std::vector<RunIndex> runs = repeatsOf(s, RunIndex{2});
    const auto result = latencyOf(s, runs);
    const Latency& l = std::get<Latency>(result);
    EXPECT_EQ(l.warmUp, "run 1 was the warm-up and is left out");
    EXPECT_EQ(l.runs, (std::vector<RunIndex>{RunIndex{2}, RunIndex{3}}));
    EXPECT_EQ(l.prefill.seconds.count, 2);
}

TEST(Latency, saysThatASingleRunIsCold) {
    const RunIndex one{2};
    const auto result = latencyOf(repeats().build(), std::span(&one, 1));
    EXPECT_EQ(std::get<Latency>(result).warmUp,
              "a single run: nothing could be left out as warm-up, so first-time costs are in it");
}

TEST(Latency, aBatchIsPrefilledWhenItsLastFirstTokenIsThere) {
    const RunIndex one{1};
    const Snapshot s = SnapshotBuilder()
                           .layers(1)
                           .sequences("run sequence prompt batch\n 1 0 a 0\n 1 1 b 0")
                           .costs("run batch step layer begin_us time_us\n 1 0 0 0 1000 10")
                           .tokens("run sequence step emitted_us\n 1 0 0 3000\n 1 1 0 3500")
                           .build();
    const auto result = latencyOf(s, std::span(&one, 1));
    EXPECT_EQ(table(std::get<Latency>(result)), rows(R"(
        what     count  least  median  p90   most
        prefill  1      2.50   2.50    2.50  2.50
        ttft     2      2.00   2.25    2.45  2.50
        tpot     0      0.00   0.00    0.00  0.00
    )"));
}

TEST(Latency, takesLoadAndWarmUpFromWhatTheProcessSays) {
    const RunIndex one{2};
    Snapshot s = repeats().build();
    const ProcessIndex process = s.runs.front().process;
    s.environment = {{process, "load_s", "1.25", "host clock"},
                     {process, "warm_up", "one discarded pass", "engine host"}};
    const auto result = latencyOf(s, std::span(&one, 1));
    const Latency& l = std::get<Latency>(result);
    EXPECT_EQ(l.load.seconds.count, 1);
    EXPECT_EQ(l.load.seconds.median, 1.25);
    EXPECT_EQ(l.warmUp, "unrecorded: one discarded pass");
    EXPECT_EQ(l.runs, std::vector<RunIndex>{one});
    s.environment.front().value = "soon";
    const auto strange = latencyOf(s, std::span(&one, 1));
    EXPECT_EQ(std::get<Latency>(strange).load.seconds.count, 0);
}

TEST(Latency, refusesWhatIsNoLatencyWithASentence) {
    const auto refused = [](auto change, RunIndex run = RunIndex{2}) {
        SnapshotBuilder builder = repeats();
        for (RunRow& row : builder.edit().runs)
            if (row.run == run) change(row);
        const std::vector<RunIndex> runs{RunIndex{1}, RunIndex{2}};
        return std::get<LatencyRefused>(latencyOf(builder.build(), runs));
    };
    using Why = LatencyRefused::Why;
    const LatencyRefused role = refused([](RunRow& r) { r.role = "timeline"; });
    EXPECT_EQ(role.why, Why::Role);
    EXPECT_EQ(
        role.sentence,
        "run 2 has the role 'timeline', which is never quoted as latency; record it with --collect auto");
    EXPECT_EQ(refused([](RunRow& r) { r.role = "counters"; }).why, Why::Role);
    const LatencyRefused locked = refused([](RunRow& r) { r.clockLocked = true; });
    EXPECT_EQ(locked.why, Why::ClockLocked);
    EXPECT_EQ(
        locked.sentence,
        "run 2 ran at a locked clock, because counters were read while it ran: its times are no latencies; "
        "record it with --collect auto");
    EXPECT_EQ(refused([](RunRow& r) { r.outcome = "cancelled"; }).sentence,
              "run 2 did not finish, so what it took is not known");
    EXPECT_EQ(refused([](RunRow& r) { r.device = "cuda:0"; }).why, Why::NotAlike);
    EXPECT_EQ(std::get<LatencyRefused>(latencyOf(repeats().build(), {})).why, Why::NoSuchRun);
    const RunIndex missing{77};
    EXPECT_EQ(std::get<LatencyRefused>(latencyOf(repeats().build(), std::span(&missing, 1))).sentence,
              "run 77 is not in this capture");
}

}  // namespace
}  // namespace fluxscope
