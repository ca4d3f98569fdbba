#include "profiler/analysis/decision_cost.h"

#include "profiler/figure/number.h"
#include "tests/analysis/snapshot_builder.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

using testing::rows;
using testing::SnapshotBuilder;

std::string us(const std::optional<TwinTimes>& t) {
    return t ? withDecimals(t->median / 1000, 1) + " " + withDecimals((t->most - t->least) / 1000, 1) : "- -";
}

std::string table(const DecisionCosts& costs) {
    std::string text = "phase layer full_us spread sparse_us spread cost_us cost_bytes\n";
    for (const DecisionCost& row : costs.rows) {
        const auto ns = row.costNs();
        text += std::string(nameOf(row.phase)) + " " + std::to_string(row.layer.value()) + " " +
                us(row.fullNs) + " " + us(row.sparseNs) + " " + (ns ? withDecimals(*ns / 1000, 1) : "-") +
                " " + withDecimals(row.costBytes(), 0) + "\n";
    }
    return rows(text);
}

// Three full runs and two sparse ones of prompt a, each beside prompt b in a batch of its own.
SnapshotBuilder twins() {
    SnapshotBuilder builder;
    builder.layers(2).runs(R"(
        run  role     policy  outcome   repeat
        1    timed    full    finished  0
        2    timed    full    finished  1
        3    timed    full    finished  2
        4    timed    sparse  finished  0
        5    timed    sparse  finished  1
        6    warm-up  full    finished  0
        7    timed    routed  finished  0
    )");
    for (int run = 1; run <= 7; ++run)
        builder.sequences("run sequence batch prompt\n" + std::to_string(run) + " 0 0 a\n" +
                          std::to_string(run) + " 1 1 b");
    return builder.costs(R"(
        run  batch  step  layer  time_us  read
        1    0      0     0      900      1000
        2    0      0     0      910      1000
        3    0      0     0      950      1000
        4    0      0     0      40       100
        5    0      0     0      50       100
        6    0      0     0      9999     1000
        1    0      1     0      30       10
        1    0      2     0      34       12
        2    0      1     0      30       10
        2    0      2     0      30       12
        3    0      1     0      30       10
        3    0      2     0      30       12
        4    0      1     0      10       4
        4    0      2     0      10       4
        5    0      1     0      12       4
        5    0      2     0      12       4
        5    0      3     0      80       4
        1    0      0     1      7        1
    )");
}

TEST(DecisionCosts, areTheDifferenceOfTwinRunsByLayerAndPhase) {
    const Snapshot s = twins().build();
    const std::vector<TwinBatch> batches = twinBatches(s);
    ASSERT_EQ(batches.size(), 2u);  // prompt a, prompt b
    EXPECT_EQ(batches[0].full.size(), 3u);
    EXPECT_EQ(batches[0].sparse.size(), 2u);
    const DecisionCosts costs = decisionCosts(s, batches[0]);
    EXPECT_EQ(costs.prompts, (std::vector<std::string>{"a"}));
    EXPECT_EQ(costs.timeOrigin, "measured, host timer");
    // Layer 1 has no sparse twin and so no row; step 3 is missing in the full one and counts nowhere.
    EXPECT_EQ(table(costs), rows(R"(
        phase    layer  full_us  spread  sparse_us  spread  cost_us  cost_bytes
        prefill  0      910.0    50.0    45.0       10.0    865.0    900
        decode   0      30.0     2.0     11.0       2.0     19.0     7
    )"));
}

TEST(DecisionCosts, needTwinsThatDifferInNothingButThePolicy) {
    const auto found = [](auto change) {
        SnapshotBuilder builder = twins();
        for (RunRow& run : builder.edit().runs)
            if (run.policyName == "sparse") change(run);
        return twinBatches(builder.build()).size();
    };
    EXPECT_EQ(found([](RunRow&) {}), 2u);
    EXPECT_EQ(found([](RunRow& r) { r.device = "cuda:0"; }), 0u);
    EXPECT_EQ(found([](RunRow& r) { r.dtype = "bf16"; }), 0u);
    EXPECT_EQ(found([](RunRow& r) { r.chunkTokens = 1; }), 0u);
    EXPECT_EQ(found([](RunRow& r) { r.model = 2; }), 0u);
    EXPECT_EQ(found([](RunRow& r) { r.role = "counters"; }), 0u);
    EXPECT_EQ(found([](RunRow& r) { r.outcome = "cancelled"; }), 0u);
    // Two sparse forms are two comparisons.
    EXPECT_EQ(found([](RunRow& r) {
                  if (r.run == RunIndex{5}) r.sparse = "streaming:sink=1,window=2";
              }),
              4u);
}

TEST(DecisionCosts, haveNoTimesWhereTheDeviceWasNotTimed) {
    SnapshotBuilder builder = twins();
    LayerStepRow row;
    row.run = RunIndex{4};
    row.step = StepIndex{9};
    row.timeSource = "host-enqueue";
    builder.cost(row);
    const Snapshot s = builder.build();
    const DecisionCosts costs = decisionCosts(s, twinBatches(s).front());
    EXPECT_EQ(costs.timeOrigin, "the GPU was not timed");
    EXPECT_FALSE(costs.rows.front().costNs());
    EXPECT_EQ(costs.rows.front().costBytes(), 900);
}

TEST(DecisionCosts, areModelledWithoutTimesWhereThereIsNoTwin) {
    SnapshotBuilder builder;
    builder.layers(1).sequences("sequence prompt tokens\n 0 a 1000");
    ModelFacts& m = builder.edit().models.front().facts;
    m.heads = 4;
    m.kvHeads = 2;
    m.headDim = 8;
    const Snapshot s = builder.build();
    const DecisionCosts costs = modelledDecisionCosts(s, RunIndex{1}, SequenceIndex{0});
    EXPECT_TRUE(costs.modelled);
    EXPECT_EQ(costs.bytesOrigin, "modelled, kernels/cost v1: attention alone");
    ASSERT_EQ(costs.rows.size(), 2u);
    EXPECT_FALSE(costs.rows[0].costNs());
    // 4 FLOPs a pair, head and dim. Dense: 500,500 pairs. Window 128, sink 16: 8,256 + 872*128, and 120 + 857*16... in all.
    EXPECT_EQ(costs.rows[0].fullFlops, 4.0 * 500'500 * 4 * 8);
    const double pairs = 128 * 129 / 2.0 + 872 * 128 + 16 * 17 / 2.0 + (872 - 16) * 16;
    EXPECT_EQ(costs.rows[0].sparseFlops, 4 * pairs * 4 * 8);
    // Decode: one query of 4 x 8 in and out, and K and V of 1,001 or 144 slots for 2 KV heads.
    EXPECT_EQ(costs.rows[1].fullBytes, (2 * 4 * 8 + 2.0 * 1001 * 2 * 8) * 4);
    EXPECT_EQ(costs.rows[1].sparseBytes, (2 * 4 * 8 + 2.0 * 144 * 2 * 8) * 4);
}

TEST(DecisionCosts, refuseToModelWhatTheDataDecides) {
    SnapshotBuilder builder;
    builder.layers(1).runs("run policy\n 1 routed").sequences("sequence prompt tokens\n 0 a 1000");
    ModelFacts& m = builder.edit().models.front().facts;
    m.heads = m.kvHeads = 2;
    m.headDim = 8;
    const auto origin = [&](const std::string& sparse) {
        builder.edit().runs.front().sparse = sparse;
        const DecisionCosts costs = modelledDecisionCosts(builder.build(), RunIndex{1}, SequenceIndex{0});
        EXPECT_TRUE(costs.rows.empty()) << sparse;
        return costs.bytesOrigin;
    };
    EXPECT_EQ(origin("xattention:stride=16"),
              "what 'xattention:stride=16' visits is not a formula of the length");
    EXPECT_EQ(origin("nonsense"), "the sparse form 'nonsense' is not known");
    m.kvHeads = 0;
    EXPECT_EQ(origin("streaming"), "the capture does not say enough about the model");
}

}  // namespace
}  // namespace fluxscope
