// What was read of a run's device, as the analyses take it.
#include "profiler/analysis/run_kernels.h"

#include "profiler/analysis/overview_lanes.h"
#include "profiler/analysis/top_kernels.h"
#include "profiler/analysis/traffic.h"
#include "tests/analysis/snapshot_builder.h"

#include <gtest/gtest.h>

#include <limits>

namespace fluxscope {
namespace {

using testing::SnapshotBuilder;

KernelColumns columns(std::vector<std::int32_t> context = {1, 1, 1}) {
    KernelColumns c;
    c.row = {1, 2, 3};
    c.begin_ns = {100, 250, 400};
    c.duration_ns = {100, 50, -1};
    c.correlation = {5, 6, 7};
    c.graphNode = {0, 0, 0};
    c.place = {0, 1, 0};
    c.step = {1, -1, 1};
    c.context = std::move(context);
    c.stream = {7, 7, 9};
    c.name = {1, 0, 1};
    c.launch = {0, 0, 0};
    c.device = {0, 0, 0};
    c.attribution.assign(3, Attribution::External);
    c.places = {ScopeKey{.batch = BatchIndex{2},
                         .phase = Phase::Decode,
                         .layer = LayerIndex{3},
                         .chunk = ChunkIndex{1},
                         .op = Op::Mlp},
                std::nullopt};
    c.names = {{"void fill<float>(float*)", "fill"}, {"void ns::gemm<float>(int*)", "gemm"}};
    return c;
}

TEST(RunKernels, areTheColumnsThatWereRead) {
    const RunKernels kernels(columns(), {90, std::numeric_limits<std::int64_t>::min(), 0});
    const KernelColumnsView full = kernels.view(KernelNames::Full);
    ASSERT_EQ(full.size(), 3U);
    EXPECT_EQ(full.nameOf(0), "void ns::gemm<float>(int*)");
    EXPECT_EQ(kernels.view(KernelNames::Brief).nameOf(0), "gemm");
    ASSERT_NE(full.placeOf(0), nullptr);
    EXPECT_EQ(*full.placeOf(0),
              (KernelPlace{BatchIndex{2}, TurnIndex{}, Phase::Decode, LayerIndex{3}, Op::Mlp}));
    EXPECT_EQ(full.placeOf(1), nullptr);
    EXPECT_TRUE(full.bad(2));
    EXPECT_EQ(full.launchEndOf(0), 90);
    EXPECT_EQ(full.launchEndOf(1), std::nullopt);
    EXPECT_EQ(full.timeSource, "cupti");
    EXPECT_EQ(full.stream[2], 9);
    EXPECT_EQ(full.queueName(9), "stream 9");
}

TEST(RunKernels, tellStreamsOfTwoContextsApart) {
    const RunKernels kernels(columns({1, 2, 1}));
    const KernelColumnsView view = kernels.view(KernelNames::Full);
    const std::vector<StreamGaps> gaps = streamGaps(view);
    ASSERT_EQ(gaps.size(), 2U);
    EXPECT_EQ(gaps[0].name, "device 0, context 1, stream 7");
    EXPECT_EQ(gaps[1].name, "device 0, context 2, stream 7");
    EXPECT_EQ(gaps[1].gaps, 0);
}

TEST(SampleColumns, areThoseOfMetricsThatHaveSamples) {
    RunSamples samples;
    samples.metrics = {{0, "power_w", "nvml", {}, {}, {}},
                       {0, "dram_read_bytes", "hw_pm", {1, 3}, {2, 4}, {10, 20}}};
    const std::vector<SampleColumns> all = sampleColumns(samples);
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].metric, "dram_read_bytes");
    EXPECT_EQ(all[0].end[1], 4);
    EXPECT_EQ(all[0].value[1], 20);
}

RunOverview overview() {
    OverviewBuckets stream;
    stream.device = 0;
    stream.stream = 7;
    stream.bucket = {2, 4};
    stream.busy_ns = {500, 4000};
    stream.events = {3, 9};
    stream.op = {Op::Mlp, std::nullopt};
    OverviewBuckets layer = stream;
    layer.kind = LaneKind::Layer;
    OverviewBuckets nobody = stream;
    nobody.kind = LaneKind::Unattributed;
    nobody.bucket = {4, 5};
    RunOverview all;
    all.origin = Nanoseconds{10'000};
    all.width = Nanoseconds{1000};
    all.lanes = {layer, stream, nobody};
    return all;
}

TEST(OverviewLanes, standBesideTheStepsOfARun) {
    const Snapshot s = SnapshotBuilder()
                           .layers(1)
                           .costs("step layer begin_us time_us\n 0 0 13 2")
                           .build();  // 13,000 to 15,000 ns
    TimeLine line = timeLine(s, RunIndex{1}, nullptr);
    ASSERT_EQ(line.lanes.size(), 2U);
    addOverview(line, overview());
    ASSERT_EQ(line.lanes.size(), 4U);
    // The first bucket begins before the first layer: the line now begins with it.
    EXPECT_EQ(line.origin.count(), 12'000);
    EXPECT_EQ(line.lanes[1].bars.begin[0], 1000);
    EXPECT_EQ(line.length, 4000);
    const Lane& stream = line.lanes[2];
    EXPECT_EQ(stream.name, "stream 7");
    EXPECT_EQ(stream.buckets->begin, 0);
    EXPECT_EQ(stream.buckets->width, 1000);
    EXPECT_EQ(stream.buckets->busy,
              (std::vector<float>{0.5F, 0, 1}));  // overlapping kernels: no more than all of it
    EXPECT_EQ(stream.buckets->count, (std::vector<std::uint32_t>{3, 0, 9}));
    EXPECT_EQ(line.lanes[3].name, "unattributed");
    EXPECT_EQ(line.lanes[3].buckets->begin, 2000);
}

TEST(OverviewLanes, endWhereAFileMayNotBeBelieved) {
    RunOverview all = overview();
    all.lanes[1].bucket = {0, std::int64_t{1} << 40};
    all.lanes[2].bucket = {std::int64_t{1} << 40, (std::int64_t{1} << 40) + 1};
    all.width = Nanoseconds{std::int64_t{1} << 36};
    TimeLine line;
    addOverview(line, all);
    ASSERT_EQ(line.lanes.size(), 1U);
    EXPECT_EQ(line.lanes[0].buckets->busy.size(), static_cast<std::size_t>(kMostLaneBuckets));
    EXPECT_EQ(line.lanes[0].omitted, 9);
}

}  // namespace
}  // namespace fluxscope
