#include "profiler/analysis/quality.h"

#include "tests/analysis/kernel_builder.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fluxscope {
namespace {

using testing::KernelTable;
using testing::SnapshotBuilder;

std::string text(const std::vector<QualityRow>& all) {
    std::string out = "\n";
    for (const QualityRow& row : all)
        out += row.check + " | " + std::string(nameOf(row.verdict)) + " | " + row.sentence + "\n";
    return out;
}

TEST(Quality, warnsOfWhatAReaderMustKnow) {
    const Snapshot s = SnapshotBuilder().runs("run dropped\n 1 7").build();
    const KernelTable kernels(R"(
        phase    layer  start_us  end_us
        prefill  0      0         90
        -        -      90        100
        prefill  0      10        5
    )");
    const KernelColumnsView view = kernels.view();
    const std::vector<StepBytes> bytes{
        {Phase::Prefill, StepIndex{0}, "analytic", 100}, {Phase::Prefill, StepIndex{0}, "hw_range", 109},
        {Phase::Decode, StepIndex{1}, "analytic", 1024}, {Phase::Decode, StepIndex{1}, "hw_range", 1024},
        {Phase::Decode, StepIndex{1}, "hw_pm", 1536},    {Phase::Decode, StepIndex{2}, "hw_pm", 5}};
    EXPECT_EQ(text(quality(s, RunIndex{1}, kernelFigures(view), bytes)), R"(
unattributed | warning | 10.0 % of the kernels' time (1 kernels) belongs to no scope; more than 2.0 %: layers took longer than they show.
dropped | warning | 7 records were dropped: totals are too low by what they held.
bad stamps | warning | 1 of 3 kernels have a bad time stamp and count in no time.
sources | warning | 1 of 2 steps have sources that differ by more than 10.0 %; most in decode step 1: hw_pm 1.50 KiB, analytic 1.00 KiB (1.50 times as much).
)");
}

TEST(Quality, hasARowForEveryCheckThatPasses) {
    const Snapshot s = SnapshotBuilder().runs("run\n 1").build();
    const KernelTable kernels("layer start_us end_us\n 0 0 99\n 0 100 101");
    const KernelColumnsView view = kernels.view();
    const std::vector<StepBytes> bytes{{Phase::Prefill, StepIndex{0}, "analytic", 100},
                                       {Phase::Prefill, StepIndex{0}, "hw_range", 105}};
    EXPECT_EQ(text(quality(s, RunIndex{1}, kernelFigures(view), bytes)), R"(
unattributed | fine | 0.0 % of the kernels' time (0 kernels) belongs to no scope; up to 2.0 % is expected.
dropped | fine | 0 records were dropped.
bad stamps | fine | 0 of 2 kernels have a bad time stamp.
sources | fine | All sources of bytes agree within 10.0 % in each of 1 steps.
)");
}

// Beyond the record budget kernels have no rows; the writer has counted them all the same.
TEST(Quality, readsWhatWasCountedWhileRecording) {
    const Snapshot s = SnapshotBuilder().runs("run\n 1").build();
    const std::vector<FigureInfo> figures{{RunIndex{1}, "bad_timestamps", 2, ""},
                                          {RunIndex{1}, "dropped_api", 12, "lost to a full queue"},
                                          {RunIndex{1}, "kernel_ns", 1000, ""},
                                          {RunIndex{1}, "kernels", 7'000'000, ""},
                                          {RunIndex{1}, "late_kernels", 3, "learnt late"},
                                          {RunIndex{1}, "unattributed_kernels", 5, ""},
                                          {RunIndex{1}, "unattributed_ns", 30, ""},
                                          {RunIndex{2}, "kernels", 1, ""}};
    EXPECT_EQ(text(quality(s, RunIndex{1}, kernelFigures(figures, RunIndex{1}), {}, figures)), R"(
unattributed | warning | 3.0 % of the kernels' time (5 kernels) belongs to no scope; more than 2.0 %: layers took longer than they show.
dropped | fine | 0 records were dropped.
bad stamps | warning | 2 of 7,000,000 kernels have a bad time stamp and count in no time.
sources | unknown | Bytes come from one source only, so there is nothing to compare.
dropped_api | warning | 12: lost to a full queue.
late_kernels | fine | 3: learnt late.
)");
    EXPECT_FALSE(kernelFigures(figures, RunIndex{3}));
}

TEST(Quality, saysWhatItCannotKnow) {
    EXPECT_EQ(text(quality(SnapshotBuilder().build(), RunIndex{1}, std::nullopt, {})), R"(
unattributed | unknown | No kernel was timed, so nothing can be said about attribution.
dropped | unknown | The run is not in this capture.
bad stamps | unknown | No kernel was recorded, so there is no time stamp to check.
sources | unknown | Bytes come from one source only, so there is nothing to compare.
)");
}

TEST(SourceDisagreements, addUpASourceWithinAStepAndSkipWhatIsNoNumber) {
    const std::vector<StepBytes> bytes{{Phase::Decode, StepIndex{1}, "analytic", 50},
                                       {Phase::Decode, StepIndex{1}, "analytic", 50},
                                       {Phase::Decode, StepIndex{1}, "hw_range", 101},
                                       {Phase::Decode, StepIndex{2}, "analytic", 0},
                                       {Phase::Decode, StepIndex{2}, "hw_range", 101},
                                       {Phase::Decode, StepIndex{3}, "analytic", std::nan("")},
                                       {Phase::Decode, StepIndex{3}, "hw_range", 101},
                                       {Phase::Decode, StepIndex{4}, "analytic", 5e-324},
                                       {Phase::Decode, StepIndex{4}, "hw_range", 1e300}};
    EXPECT_TRUE(sourceDisagreements(bytes).empty());
}

}  // namespace
}  // namespace fluxscope
