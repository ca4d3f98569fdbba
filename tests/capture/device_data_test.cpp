// What a device's tables say, read back: collectors, figures and devices; the overview; samples; traffic; ends of launches.
#include "profiler/capture/launch_ends.h"
#include "profiler/capture/measured_traffic.h"
#include "profiler/capture/overview_lanes.h"
#include "profiler/capture/run_facts.h"
#include "profiler/capture/samples.h"
#include "profiler/store/overview.h"
#include "tests/record/scratch.h"
#include "tests/store/device_run.h"

#include <gtest/gtest.h>

#include <functional>

namespace fluxscope {
namespace {

using testing::kernelAt;
using testing::kernelsOf;
using testing::placeOf;
using testing::rowsOf;
using testing::Scratch;

constexpr std::int64_t kBegin = 2'000'000'000;
constexpr std::int64_t kUs = 1000;

// A run on a device, with whatever `more` writes into it.
void record(const std::filesystem::path& file, const std::vector<KernelRecord>& kernels,
            const std::function<void(CaptureWriter&)>& more = {}) {
    CaptureWriter writer(file, testing::kDeviceProcess);
    writer.write(
        CollectorRecord{.name = "trace", .state = CollectorState::Running, .reason = {}, .remedy = {}});
    writer.beginRun(writer.nextRun(), testing::deviceFacts(), Nanoseconds(kBegin), true);
    writer.write(std::span(kernels));
    if (more) more(writer);
    writer.endRun(Nanoseconds(kBegin + 1'000'000'000), RunOutcome::Finished, "");
    ASSERT_TRUE(writer.finish());
}

void change(const std::filesystem::path& file, const std::string& sql) { EXPECT_EQ(rowsOf(file, sql), "\n"); }

SampleRecord sampleAt(std::int64_t us, std::string_view metric, double value) {
    return {.device = 0,
            .begin = Nanoseconds(kBegin + us * kUs),
            .end = Nanoseconds(kBegin + (us + 100) * kUs),
            .metric = metric,
            .value = value,
            .source = metric == "power_w" ? "nvml" : "hw_pm"};
}

TEST(RunFacts, sayWhichCollectorIsMissingAndWhatToDo) {
    const Scratch scratch;
    record(scratch.file(), kernelsOf(1, 1, kBegin), [](CaptureWriter& writer) {
        writer.write(CollectorRecord{.name = "timeline",
                                     .state = CollectorState::Missing,
                                     .reason = "the driver allows counters to administrators only",
                                     .remedy = "run as root"});
        writer.write(QualityRecord{.figure = "late_kernels", .value = 3, .note = "learnt late"});
        writer.write(DeviceRecord{.device = 0, .name = "NVIDIA H200", .bytesPerSecond = 4'800'000'000'000});
    });
    const RunFactsRead facts = readRunFacts(scratch.file());
    EXPECT_EQ(facts.problems, std::vector<std::string>{});
    ASSERT_EQ(facts.collectors.size(), 2U);
    EXPECT_EQ(facts.collectors[0].name + " " + facts.collectors[0].state, "trace running");
    EXPECT_EQ(facts.collectors[0].run, -1);
    EXPECT_EQ(facts.collectors[1].run, 1);
    EXPECT_EQ(facts.collectors[1].reason + ": " + facts.collectors[1].remedy,
              "the driver allows counters to administrators only: run as root");
    const auto late = std::ranges::find(facts.figures, "late_kernels", &FigureInfo::figure);
    ASSERT_NE(late, facts.figures.end());
    EXPECT_EQ(late->value, 3);
    EXPECT_EQ(late->note, "learnt late");
    ASSERT_EQ(facts.devices.size(), 1U);
    EXPECT_EQ(facts.devices[0].device.name, "NVIDIA H200");
    EXPECT_EQ(facts.devices[0].device.bytesPerSecond, 4'800'000'000'000);
}

TEST(RunFacts, leaveOutWhatDoesNotFitAndSaySo) {
    const Scratch scratch;
    record(scratch.file(), kernelsOf(1, 1, kBegin),
           [](CaptureWriter& writer) { writer.write(DeviceRecord{.device = 0, .name = "gpu"}); });
    change(scratch.file(),
           "PRAGMA foreign_keys = 0; UPDATE device SET multiprocessors = -4; UPDATE quality SET "
           "value = 9e999 WHERE figure = 'kernels'");
    const RunFactsRead facts = readRunFacts(scratch.file());
    EXPECT_TRUE(facts.devices.empty());
    EXPECT_EQ(facts.problems, (std::vector<std::string>{
                                  "table quality: 1 rows do not fit the rest of the file and are left out",
                                  "table device: 1 rows do not fit the rest of the file and are left out"}));
}

// Every bucket as the file has it, at the level that was chosen.
TEST(Overview, isThatOfTheFileAtTheFinestLevelThatFits) {
    const Scratch scratch;
    std::vector<KernelRecord> kernels = kernelsOf(40, 3, kBegin + 50 * kUs);  // 7.6 ms: 30 buckets of level 0
    kernels.push_back(kernelAt(std::nullopt, kBegin + 8'000 * kUs, kBegin + 8'010 * kUs, 9));
    record(scratch.file(), kernels);
    for (const auto& [buckets, level] : {std::pair<std::size_t, int>{1000, 0}, {20, 1}, {5, 2}, {1, 3}}) {
        const RunOverview overview = readOverview(scratch.file(), RunIndex{1}, buckets);
        EXPECT_EQ(overview.level, level) << buckets;
        EXPECT_EQ(overview.origin.count(), kBegin);
        EXPECT_EQ(overview.width.count(), std::int64_t{1} << overviewShift(level));
        std::string text = "\n";
        for (const OverviewBuckets& lane : overview.lanes)
            for (std::size_t i = 0; i < lane.size(); ++i) {
                constexpr std::array kKinds{"phase", "layer", "stream", "unattributed"};
                text += std::string(kKinds.at(static_cast<std::size_t>(lane.kind))) + " " +
                        (lane.phase ? std::string(nameOf(*lane.phase)) : "") + " " +
                        std::to_string(lane.layer ? lane.layer->value() : -1) + " " +
                        std::to_string(lane.stream) + " " + std::to_string(lane.bucket[i]) + " " +
                        std::to_string(lane.busy_ns[i]) + " " + std::to_string(lane.events[i]) + " " +
                        (lane.op[i] ? std::string(nameOf(*lane.op[i])) : "") + "\n";
            }
        EXPECT_EQ(text,
                  rowsOf(scratch.file(),
                         "SELECT kind, phase, layer, stream, bucket, busy_ns, events, op FROM overview JOIN "
                         "lane USING (lane) WHERE level = " +
                             std::to_string(level) + " ORDER BY lane, bucket"));
        EXPECT_EQ(overview.problems, std::vector<std::string>{});
    }
    EXPECT_TRUE(readOverview(scratch.file(), RunIndex{7}, 100).empty());
}

TEST(Overview, leavesOutBucketsThatCannotBe) {
    const Scratch scratch;
    record(scratch.file(), kernelsOf(2, 1, kBegin));
    change(scratch.file(),
           "UPDATE overview SET busy_ns = -1 WHERE lane = 1; UPDATE overview SET op = 'dance' "
           "WHERE lane = 2");
    const RunOverview overview = readOverview(scratch.file(), RunIndex{1}, 1000);
    EXPECT_EQ(
        overview.problems,
        std::vector<std::string>{"table overview: 2 rows do not fit the rest of the file and are left out"});
    for (const OverviewBuckets& lane : overview.lanes)
        for (const std::int64_t busy : lane.busy_ns) EXPECT_GE(busy, 0);
}

TEST(Samples, comeByMetricInOrderOfTime) {
    const Scratch scratch;
    record(scratch.file(), kernelsOf(1, 1, kBegin), [](CaptureWriter& writer) {
        const std::vector<SampleRecord> samples{sampleAt(200, "dram_read_bytes", 2.5e6),
                                                sampleAt(0, "power_w", 410),
                                                sampleAt(100, "dram_read_bytes", 1.5e6)};
        writer.write(std::span(samples));
    });
    const RunSamples samples = readSamples(scratch.file(), RunIndex{1});
    ASSERT_EQ(samples.metrics.size(), 2U);
    const SampledMetric& read = samples.metrics[0];
    EXPECT_EQ(read.metric + " " + read.source, "dram_read_bytes hw_pm");
    EXPECT_EQ(read.begin_ns, (std::vector<std::int64_t>{kBegin + 100 * kUs, kBegin + 200 * kUs}));
    EXPECT_EQ(read.end_ns, (std::vector<std::int64_t>{kBegin + 200 * kUs, kBegin + 300 * kUs}));
    EXPECT_EQ(read.value, (std::vector<double>{1.5e6, 2.5e6}));
    EXPECT_EQ(samples.metrics[1].source, "nvml");
    EXPECT_TRUE(readSamples(scratch.file(), RunIndex{2}).metrics.empty());

    change(scratch.file(),
           "UPDATE sample SET duration_ns = -5 WHERE value = 410; UPDATE sample SET value = 9e999 WHERE "
           "value = 1.5e6");
    const RunSamples odd = readSamples(scratch.file(), RunIndex{1});
    EXPECT_EQ(odd.metrics[0].value, std::vector<double>{2.5e6});
    EXPECT_EQ(odd.problems, std::vector<std::string>{
                                "table sample: 2 rows do not fit the rest of the file and are left out"});
}

TEST(Traffic, comesWithItsScopeItsSourceAndItsConfidence) {
    const Scratch scratch;
    record(scratch.file(), kernelsOf(2, 2, kBegin), [](CaptureWriter& writer) {
        ScopeKey layer = placeOf(1, 1, Op::Attention);
        layer.op.reset();
        const std::vector<TrafficRecord> traffic{
            {.scope = layer, .metric = "dram_read_bytes", .value = 4096, .source = "hw_range", .pass = 1},
            {.scope = placeOf(0, -1, Op::Embed),
             .metric = "dram_write_bytes",
             .value = 7,
             .source = "hw_range"},
            {.scope = layer,
             .metric = "dram_read_bytes",
             .value = 4000,
             .source = "hw_pm",
             .confidence = Confidence::Medium,
             .samples = 6}};
        writer.write(std::span(traffic));
    });
    const RunTraffic traffic = readTraffic(scratch.file(), RunIndex{1});
    EXPECT_EQ(traffic.problems, std::vector<std::string>{});
    EXPECT_EQ(traffic.metrics, (std::vector<std::string>{"dram_read_bytes", "dram_write_bytes"}));
    ASSERT_EQ(traffic.rows.size(), 3U);
    EXPECT_EQ(traffic.rows[0].scope.layer, LayerIndex{1});
    EXPECT_EQ(traffic.rows[0].scope.step, StepIndex{1});
    EXPECT_EQ(traffic.rows[0].scope.phase, Phase::Decode);
    EXPECT_EQ(traffic.rows[0].scope.op, std::nullopt);
    EXPECT_EQ(traffic.rows[0].pass, 1);
    EXPECT_FALSE(traffic.rows[0].sampled);
    EXPECT_EQ(traffic.rows[1].scope.op, Op::Embed);
    EXPECT_EQ(traffic.rows[1].metric, 1);
    EXPECT_TRUE(traffic.rows[2].sampled);
    EXPECT_EQ(traffic.rows[2].confidence, Confidence::Medium);
    EXPECT_EQ(traffic.rows[2].samples, 6);

    change(scratch.file(),
           "UPDATE traffic SET value = -1 WHERE value = 7; UPDATE place SET layer = -9 WHERE "
           "layer = 1 AND op = ''");
    const RunTraffic odd = readTraffic(scratch.file(), RunIndex{1});
    EXPECT_TRUE(odd.rows.empty());
    EXPECT_EQ(odd.problems, (std::vector<std::string>{
                                "table place: 1 rows do not fit the rest of the file and are left out",
                                "table traffic: 1 rows do not fit the rest of the file and are left out"}));
}

TEST(LaunchEnds, areThoseOfTheCallsWithTheKernelsIds) {
    const Scratch scratch;
    std::vector<KernelRecord> kernels = kernelsOf(1, 1, kBegin + 100 * kUs);  // embed, router, attention, mlp
    ASSERT_EQ(kernels.size(), 4U);
    kernels[0].correlation = 5;
    kernels[1].correlation = 9;
    kernels[2].correlation = 9;  // of one graph
    kernels[3].correlation = 4;  // whose call is not recorded
    record(scratch.file(), kernels, [](CaptureWriter& writer) {
        const auto call = [](std::int64_t correlation, std::int64_t begin, std::int64_t end) {
            return ApiRecord{.scope = {.place = placeOf(0, 0, Op::Mlp), .by = Attribution::External},
                             .begin = Nanoseconds(kBegin + begin),
                             .end = Nanoseconds(kBegin + end),
                             .correlation = correlation,
                             .name = "cudaLaunchKernel"};
        };
        const std::vector<ApiRecord> calls{call(9, 20, 26), call(5, 10, 14), call(5, 11, 13), call(77, 1, 2)};
        writer.write(std::span(calls));
    });
    const KernelColumns columns = readKernels(scratch.file(), RunIndex{1});
    const LaunchEnds launches = readLaunchEnds(scratch.file(), RunIndex{1}, columns);
    EXPECT_EQ(launches.problems, std::vector<std::string>{});
    EXPECT_EQ(launches.ns,
              (std::vector<std::int64_t>{kBegin + 14, kBegin + 26, kBegin + 26, LaunchEnds::kUnknown}));

    change(scratch.file(), "DELETE FROM api");
    EXPECT_TRUE(readLaunchEnds(scratch.file(), RunIndex{1}, columns).ns.empty());
}

}  // namespace
}  // namespace fluxscope
