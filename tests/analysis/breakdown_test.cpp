#include "profiler/analysis/breakdown.h"

#include "tests/analysis/kernel_builder.h"

#include <gtest/gtest.h>

#include <limits>

namespace fluxscope {
namespace {

using testing::KernelTable;
using testing::rows;
using testing::SnapshotBuilder;

std::string us(Nanoseconds time) { return std::to_string(time.count() / 1000); }
std::string whole(double value) { return std::to_string(static_cast<long long>(value)); }

std::string table(const std::vector<BreakdownRow>& all) {
    std::string text = "phase layer op mode part steps kernels us overlap_us bytes flops\n";
    for (const BreakdownRow& r : all) {
        const auto word = [&text](const std::string& w) { text += w + " "; };
        word(r.phase ? std::string(nameOf(*r.phase)) : "-");
        word(r.layer ? std::to_string(r.layer->value()) : "-");
        word(r.op ? std::string(nameOf(*r.op)) : "-");
        word(r.mode ? std::string(nameOf(*r.mode)) : "-");
        std::string part(nameOf(r.part));
        word(part.substr(0, part.find(' ')));
        word(std::to_string(r.steps));
        word(std::to_string(r.kernels));
        word(us(r.time));
        word(us(r.overlap));
        word(whole(r.bytesRead + r.bytesWritten));
        word(whole(r.flops));
        text += "\n";
    }
    return rows(text);
}

// Two sequences in one batch; layer 1 is full for one of them, and a probe turns layer 0 of sequence 0 sparse after step 1.
SnapshotBuilder oneBatch() {
    return SnapshotBuilder()
        .layers(2)
        .sequences("sequence prompt\n 0 a\n 1 b")
        .decisions(R"(
            sequence  step  layer  decision  p    threshold  by
            0         0     0      full      0.9  0.5        router
            0         0     1      full      0.8  0.5        router
            1         0     0      full      0.9  0.5        router
            1         0     1      sparse    0.1  0.5        router
            0         1     0      sparse    0.2  0.5        probe
        )")
        .costs(R"(
            step  layer  time_us  router_us  read  written  flops
            0     0      100      10         50    5        7
            0     1      60       10         40    4        6
            0     -      9        0          3     1        1
            1     0      12       0          5     1        2
            1     1      10       0          5     1        2
            2     0      7        0          2     1        1
            2     1      10       0          5     1        2
        )");
}

TEST(Breakdown, sumsUpByPhaseAndKeepsWhatLiesOutsideApart) {
    EXPECT_EQ(table(breakdown(oneBatch().build(), RunIndex{1}, {})), rows(R"(
        phase    layer  op  mode  part     steps  kernels  us   overlap_us  bytes  flops
        prefill  -      -   -     all      2      0        160  0           99     13
        prefill  -      -   -     outside  1      0        9    0           4      1
        decode   -      -   -     all      4      0        39   0           21     7
    )"));
}

TEST(Breakdown, tellsFullSparseAndMixedStepsApartAndFollowsAProbe) {
    EXPECT_EQ(table(breakdown(oneBatch().build(), RunIndex{1}, {.layer = true, .mode = true})), rows(R"(
        phase    layer  op  mode   part     steps  kernels  us   overlap_us  bytes  flops
        prefill  0      -   full   all      1      0        100  0           55     7
        prefill  1      -   mixed  all      1      0        60   0           44     6
        prefill  -      -   -      outside  1      0        9    0           4      1
        decode   0      -   full   all      1      0        12   0           6      2
        decode   0      -   mixed  all      1      0        7    0           3      1
        decode   1      -   mixed  all      2      0        20   0           12     4
    )"));
}

TEST(Breakdown, splitsALayersTimeIntoRouterAttentionAndRest) {
    LayerStepRow row;
    row.run = RunIndex{1};
    row.time = Nanoseconds{100'000};
    row.router = Nanoseconds{10'000};
    row.attention = Nanoseconds{70'000};
    row.bytesRead = 999;
    row.timeSource = "host-timer";
    const Snapshot s = SnapshotBuilder().layers(1).sequences("sequence prompt\n 0 a").cost(row).build();
    EXPECT_EQ(table(breakdown(s, RunIndex{1}, {.op = true})), rows(R"(
        phase    layer  op  mode  part       steps  kernels  us  overlap_us  bytes  flops
        prefill  -      -   -     router     1      0        10  0           0      0
        prefill  -      -   -     attention  1      0        70  0           0      0
        prefill  -      -   -     rest       1      0        20  0           0      0
    )"));
}

TEST(Breakdown, neverAddsUpTimesOrBytesOfDifferentSources) {
    const Snapshot s = SnapshotBuilder()
                           .layers(1)
                           .sequences("sequence prompt\n 0 a")
                           .costs(R"(
                               step  layer  time_us  read  clock       bytes
                               0     0      10       1     cupti       analytic
                               1     0      10       2     cupti       analytic
                               2     0      30       4     host-timer  analytic
                               3     0      10       8     cupti       hw_range
                           )")
                           .build();
    const auto all = breakdown(s, RunIndex{1}, {.phase = false});
    ASSERT_EQ(all.size(), 3u);
    for (const BreakdownRow& row : all) {
        const double expected = row.timeOrigin.starts_with("measured, host") ? 4
                                : row.bytesOrigin.starts_with("measured")    ? 8
                                                                             : 3;
        EXPECT_EQ(row.bytesRead, expected) << row.timeOrigin << " | " << row.bytesOrigin;
    }
}

TEST(Breakdown, saturatesWhereAFileSaysTheImpossible) {
    LayerStepRow row;
    row.run = RunIndex{1};
    row.time = Nanoseconds::max();
    row.router = Nanoseconds::min();
    row.bytesRead = std::numeric_limits<std::int64_t>::max();
    const Snapshot s =
        SnapshotBuilder().layers(1).sequences("sequence prompt\n 0 a").cost(row).cost(row).build();
    EXPECT_EQ(breakdown(s, RunIndex{1}, {}).front().time, Nanoseconds::max());
    EXPECT_EQ(breakdown(s, RunIndex{1}, {.op = true}).size(), 3u);
}

TEST(KernelBreakdown, countsOverlappingKernelsOnceAndShowsTheOverlap) {
    const KernelTable kernels(R"(
        step  layer  op         start_us  end_us
        0     3      attention  0         900
        0     3      output     880       910
        0     3      norm       100       200
    )");
    const StepModes none(SnapshotBuilder().build(), RunIndex{1});
    EXPECT_EQ(table(kernelBreakdown(kernels.view(), none, {.layer = true})), rows(R"(
        phase    layer  op  mode  part  steps  kernels  us   overlap_us  bytes  flops
        prefill  3      -   -     all   1      3        910  120         0      0
    )"));
    EXPECT_EQ(table(kernelBreakdown(kernels.view(), none, {.op = true})), rows(R"(
        phase    layer  op         mode  part  steps  kernels  us   overlap_us  bytes  flops
        prefill  -      norm       -     all   1      1        100  0           0      0
        prefill  -      attention  -     all   1      1        900  0           0      0
        prefill  -      output     -     all   1      1        30   0           0      0
    )"));
}

TEST(KernelBreakdown, showsWhatIsNobodysAndLeavesOutBadStamps) {
    const Snapshot s = oneBatch().build();
    const KernelTable kernels(R"(
        phase    step  layer  name  start_us  end_us
        decode   2     0      a     300       320
        decode   1     0      a     100       120
        decode   1     0      b     110       130
        decode   1     -      head  140       150
        -        -     -      fill  145       155
        decode   1     1      a     90        80
    )");
    EXPECT_EQ(
        table(kernelBreakdown(kernels.view(), StepModes(s, RunIndex{1}), {.layer = true, .mode = true})),
        rows(R"(
        phase   layer  op  mode   part          steps  kernels  us  overlap_us  bytes  flops
        -       -      -   -      unattributed  1      1        10  0           0      0
        decode  0      -   full   all           1      2        30  10          0      0
        decode  0      -   mixed  all           1      1        20  0           0      0
        decode  -      -   -      outside       1      1        10  0           0      0
    )"));
}

TEST(KernelBreakdown, readsColumnsOfUnequalLengthAndEndsThatOverflow) {
    KernelTable kernels("layer start_us end_us\n 0 1 2\n 0 3 4");
    kernels.begin()[1] = std::numeric_limits<std::int64_t>::max() - 1;
    kernels.duration()[1] = std::numeric_limits<std::int64_t>::max();
    KernelColumnsView view = kernels.view();
    const StepModes none(SnapshotBuilder().build(), RunIndex{1});
    EXPECT_EQ(kernelBreakdown(view, none, {}).front().kernels, 2);
    view.step = view.step.first(1);
    EXPECT_EQ(kernelBreakdown(view, none, {}).front().kernels, 1);
    view.places = {};
    EXPECT_EQ(kernelBreakdown(view, none, {}).front().part, Part::Unattributed);
}

}  // namespace
}  // namespace fluxscope
