#include "profiler/analysis/step_modes.h"

#include "tests/analysis/snapshot_builder.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

using testing::SnapshotBuilder;

TEST(StepModes, holdsADecisionFromItsStepOnAndAProbesFromTheNext) {
    const Snapshot s = SnapshotBuilder()
                           .sequences("sequence prompt\n 0 a")
                           .decisions(R"(
                               turn  step  layer  decision  p    threshold  by
                               0     0     0      full      0.9  0.5        router
                               0     4     0      full      0.3  0.5        probe
                               0     8     0      sparse    0.2  0.5        probe
                               1     0     0      full      0.7  0.5        router
                           )")
                           .build();
    const StepModes modes(s, RunIndex{1});
    const auto at = [&](int turn, int step) {
        return modes.of(BatchIndex{0}, TurnIndex{turn}, StepIndex{step}, LayerIndex{0});
    };
    EXPECT_EQ(at(0, 0), StepMode::Full);
    EXPECT_EQ(at(0, 5), StepMode::Full);  // the probe of step 4 would have it sparse, but did not act
    EXPECT_EQ(at(0, 8), StepMode::Full);  // it asks after its step
    EXPECT_EQ(at(0, 9), StepMode::Sparse);
    EXPECT_EQ(at(1, 0), StepMode::Full);
    EXPECT_EQ(modes.of(BatchIndex{0}, {}, {}, LayerIndex{1}), StepMode::Unknown);
    EXPECT_EQ(modes.of(BatchIndex{7}, {}, {}, LayerIndex{0}), StepMode::Unknown);
}

TEST(StepModes, isMixedWhereHeadsDiffer) {
    const Snapshot s = SnapshotBuilder()
                           .sequences("sequence prompt\n 0 a")
                           .decisions("layer head decision\n 0 0 full\n 0 1 sparse\n 1 0 full\n 1 1 full")
                           .build();
    const StepModes modes(s, RunIndex{1});
    EXPECT_EQ(modes.of({}, {}, {}, LayerIndex{0}), StepMode::Mixed);
    EXPECT_EQ(modes.of({}, {}, {}, LayerIndex{1}), StepMode::Full);
}

}  // namespace
}  // namespace fluxscope
