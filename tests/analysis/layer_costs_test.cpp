#include "profiler/analysis/layer_costs.h"

#include "tests/analysis/snapshot_builder.h"

#include <gtest/gtest.h>

#include <limits>

namespace fluxscope {
namespace {

using testing::rows;
using testing::SnapshotBuilder;

std::string table(const CostGrid& grid, std::int32_t layers) {
    std::string out;
    for (std::int32_t layer = 0; layer < layers; ++layer) {
        out += "L" + std::to_string(layer);
        for (std::int32_t step = 0; step < grid.steps(); ++step)
            out += " " + (grid.at(layer, step) < 0 ? std::string("-") : std::to_string(grid.at(layer, step)));
        out += "\n";
    }
    return out;
}

SnapshotBuilder twoBatches() {
    return SnapshotBuilder()
        .layers(2)
        .sequences("sequence batch prompt kind tokens\n 0 0 a k 10\n 1 1 b k 20")
        .decisions("sequence layer decision p threshold\n 1 0 full 0.9 0.5\n 1 1 sparse 0.2 0.5")
        .costs(R"(
            batch  step  layer  time_us  read  written  flops
            0      0     0      999      1     1        1
            1      0     0      500      70    30       9
            1      0     1      400      60    20       8
            1      0     -      90       5     5        1
            1      1     0      12       7     3        2
            1      2     0      13       7     4        2
            1      2     1      11       6     2        1
        )")
        .kv(R"(
            sequence  step  layer  kept  freed
            0         0     0      1     1
            1         0     0      640   0
            1         0     1      128   512
            1         2     0      256   384
        )");
}

TEST(LayerCosts, showsTheBatchOfTheSequenceByLayerAndStep) {
    const LayerCosts c = layerCosts(twoBatches().build(), RunIndex{1}, SequenceIndex{1});
    EXPECT_EQ(rows(table(c.time, c.layers)), rows(R"(
        L0  500000  12000  13000
        L1  400000  -      11000
    )"));
    EXPECT_EQ(rows(table(c.bytes, c.layers)), rows(R"(
        L0  100  10  11
        L1  80   -   8
    )"));
    EXPECT_EQ(rows(table(c.outsideTime, 1)), rows("L0 90000 - -"));
    EXPECT_EQ(c.timeOrigin, "measured, host timer");
    EXPECT_EQ(c.bytesOrigin, "modelled, kernels/cost v1");
    EXPECT_EQ(c.promptTokens, 20);
    EXPECT_TRUE(c.routing[0].full());
    EXPECT_FALSE(c.routing[1].full());
}

TEST(LayerCosts, holdsKvFromWhenItIsRecordedUntilItIsRecordedAgain) {
    const LayerCosts c = layerCosts(twoBatches().build(), RunIndex{1}, SequenceIndex{1});
    EXPECT_EQ(rows(table(c.kvBytes, c.layers)), rows(R"(
        L0  640  640  256
        L1  128  128  128
    )"));
}

TEST(LayerCosts, namesEverySourceWhenThereAreSeveral) {
    const Snapshot s = SnapshotBuilder()
                           .layers(1)
                           .sequences("sequence prompt\n 0 a")
                           .costs("step layer clock bytes\n 0 0 cupti hw_pm\n 1 0 host-timer hw_range")
                           .build();
    const LayerCosts c = layerCosts(s, RunIndex{1}, SequenceIndex{0});
    EXPECT_EQ(c.timeOrigin, "measured, CUPTI: union of kernel intervals; measured, host timer");
    EXPECT_EQ(c.bytesOrigin, "measured, range counters; sampled, PM counters joined by time");
}

TEST(LayerCosts, leavesOutWhatADamagedFileCannotMean) {
    LayerStepRow absurd;
    absurd.run = RunIndex{1};
    absurd.step = StepIndex{2'000'000'000};
    absurd.bytesRead = absurd.bytesWritten = std::numeric_limits<std::int64_t>::max();
    LayerStepRow overflowing = absurd;
    overflowing.step = StepIndex{1};
    const Snapshot s =
        SnapshotBuilder().layers(3).sequences("sequence prompt\n 0 a").cost(absurd).cost(overflowing).build();
    const LayerCosts c = layerCosts(s, RunIndex{1}, SequenceIndex{0});
    EXPECT_LE(std::int64_t{c.layers} * c.steps, kMostCostCells);
    EXPECT_GT(c.omittedSteps, 0);
    EXPECT_EQ(c.bytes.at(0, 1), CostGrid::kMissing);
}

TEST(LayerCosts, isEmptyForASequenceThatIsNotThere) {
    EXPECT_TRUE(layerCosts(twoBatches().build(), RunIndex{1}, SequenceIndex{7}).empty());
    EXPECT_TRUE(layerCosts(Snapshot{}, RunIndex{1}, SequenceIndex{0}).empty());
}

TEST(LayerCosts, aStepThatNobodyTimedHasBytesAndNoTime) {
    const LayerCosts c = layerCosts(SnapshotBuilder()
                                        .layers(1)
                                        .sequences("sequence prompt\n 0 a")
                                        .costs(R"(
                                            step  layer  time_us  read  written  flops  clock
                                            0      0     500      70    30       9      host-enqueue
                                            1      0     0        7     3        2      none
                                            1      -     0        5     1        2      none
                                        )")
                                        .build(),
                                    RunIndex{1}, SequenceIndex{0});
    EXPECT_EQ(rows(table(c.time, c.layers)), rows("L0 500000 -"));
    EXPECT_EQ(rows(table(c.bytes, c.layers)), rows("L0 100 10"));
    EXPECT_EQ(rows(table(c.outsideTime, 1)), rows("L0 - -"));
    EXPECT_EQ(rows(table(c.outsideBytes, 1)), rows("L0 - 6"));
    EXPECT_EQ(c.timeOrigin,
              "host timer: time to enqueue, what the GPU took is not measured; replayed steps: the GPU was "
              "not timed layer by layer");
}

}  // namespace
}  // namespace fluxscope
