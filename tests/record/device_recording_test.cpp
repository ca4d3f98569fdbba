// A run on a device, as it ends up in the file: a tracer that does what CUPTI's would, without a GPU.
#include "profiler/record/recorder.h"
#include "tests/record/scratch.h"
#include "tests/record/scripted_run.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace fluxscope {
namespace {

using namespace std::chrono_literals;
using testing::FakeClock;
using testing::rowsOf;
using testing::Scratch;
using testing::Script;
using testing::ScriptedRun;

// Two kernels of 2 us in the scope of each op, the second 1 us after the first: they overlap by half. And one of nobody's.
class ScriptedTracer final : public DeviceTracer {
public:
    void beginRun(DeviceSink& sink) override { sink_ = &sink; }
    void endRun() override {
        batch_.kernels.push_back({.begin = at_, .end = at_ + 2us, .name = "nobodys"});
        std::thread([this] {
            sink_->take(std::move(batch_));
            sink_->take(TraceQuality{.kernels = 1, .dropped = 5, .late = 2});
            if (stops) sink_->take(Shortfall{"trace", "records could not be taken over", "do that"});
        }).join();
        batch_ = {};
        EXPECT_EQ(depth_, 0);
    }
    void opened(const ScopeKey& key) override {
        ++depth_;
        if (!key.op) return;
        for (const Nanoseconds later : {0us, 1us}) {
            batch_.kernels.push_back({.scope = {.place = key, .by = Attribution::External},
                                      .begin = at_ + later,
                                      .end = at_ + later + 2us,
                                      .correlation = ++correlation_,
                                      .name = "kernel"});
        }
        at_ += 4us;
    }
    void closed() override { --depth_; }
    void recordingBegan() override {}
    void recordingEnded() override {}
    std::optional<std::string> needsRestart() const override { return std::nullopt; }

    bool stops = false;  // before its run ends

private:
    DeviceSink* sink_ = nullptr;
    DeviceBatch batch_;
    Nanoseconds at_ = 2s;
    std::int64_t correlation_ = 0;
    int depth_ = 0;
};

class Sensor final : public DeviceSampler {
public:
    std::string_view name() const override { return "timeline"; }
    void beginRun(DeviceSink& sink) override { sink_ = &sink; }
    void endRun() override {
        DeviceBatch batch;
        batch.samples.push_back({0, 2s, 3s, "power_w", 412.5, "nvml"});
        sink_->take(std::move(batch));
    }

private:
    DeviceSink* sink_ = nullptr;
};

void record(
    const std::filesystem::path& file, Collect collect, const std::string& device,
    RunRole role = RunRole::Timed, bool tracerStops = false, std::function<void()> afterStep = [] {}) {
    const FakeClock clock;
    ScriptedTracer tracer;
    tracer.stops = tracerStops;
    Sensor sensor;
    RecorderOptions options;
    options.collect = collect;
    options.clock = clock.reader();
    options.tracer = &tracer;
    options.samplers = {&sensor};
    options.devices = {{.device = 0, .name = "a GPU", .bus = "0000:18:00.0"}};
    options.shortfalls = {{"nvml", "libnvidia-ml.so.1 cannot be loaded", "install it"},
                          without("nvlink_sent_bytes", {"timeline", "CUPTI does not offer it", "none"})};
    Recorder recorder(file, options);
    Script script{.layers = 2, .decodeSteps = 1};
    script.device = device;
    script.role = role;
    script.afterStep = std::move(afterStep);
    ScriptedRun(recorder, clock, script).run();
    recorder.finish();
    EXPECT_EQ(recorder.status().problem.value_or("none"), "none");
}

TEST(DeviceRecording, givesALayerTheTimeOfItsKernelsAndKeepsTheHostsBytes) {
    const Scratch scratch;
    record(scratch.file(), Collect::Auto, "cuda:0");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT collector FROM process"), "\nauto: cupti\n");
    EXPECT_EQ(
        rowsOf(scratch.file(),
               "SELECT layer, time_ns, attention_ns, time_source, kernels, overlap_ns, bytes_read > 0 FROM "
               "layer_step WHERE step = 1 AND layer >= 0 ORDER BY layer"),
        "\n0 3000 3000 cupti 2 1000 1\n1 3000 3000 cupti 2 1000 1\n");
    EXPECT_EQ(rowsOf(scratch.file(),
                     "SELECT count(*), sum(p.phase = '') FROM kernel JOIN place AS p USING (place)"),
              rowsOf(scratch.file(), "SELECT 2 * count(*) + 1, 1 FROM scope WHERE op != ''"));
}

TEST(DeviceRecording, saysWhileARunGoesOnWhichCollectorsRunAndWhatTheyDoWithout) {
    const Scratch scratch;
    std::string states;
    const auto look = [&] {
        // Within 250 ms; here it is waited for.
        for (int attempt = 0; attempt < 3000 && states.size() < 2; ++attempt) {
            states = rowsOf(scratch.file(),
                            "SELECT run, name, state, reason, remedy FROM collector ORDER BY name");
            std::this_thread::sleep_for(10ms);
        }
    };
    record(scratch.file(), Collect::Auto, "cuda:0", RunRole::Timed, false, look);
    EXPECT_EQ(states,
              "\n1 nvml missing libnvidia-ml.so.1 cannot be loaded install it\n"
              "1 timeline running without nvlink_sent_bytes: CUPTI does not offer it none\n"
              "1 trace running  \n");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT name, state, reason, remedy FROM collector ORDER BY name"),
              "\nnvml missing libnvidia-ml.so.1 cannot be loaded install it\n"
              "timeline stopped without nvlink_sent_bytes: CUPTI does not offer it none\n"
              "trace stopped  \n");
}

TEST(DeviceRecording, saysWhatStoppedBeforeTheRunsEndAndWhatWasLost) {
    const Scratch scratch;
    record(scratch.file(), Collect::Auto, "cuda:0", RunRole::Timed, true);
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT state, reason, remedy FROM collector WHERE name = 'trace'"),
              "\nstopped records could not be taken over do that\n");
    EXPECT_EQ(
        rowsOf(
            scratch.file(),
            "SELECT figure, value FROM quality WHERE figure IN ('dropped_activity', 'late_kernels') ORDER BY "
            "figure"),
        "\ndropped_activity 5.0\nlate_kernels 2.0\n");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT name, bus FROM device"), "\na GPU 0000:18:00.0\n");
    EXPECT_EQ(
        rowsOf(scratch.file(), "SELECT m.name, value, source FROM sample JOIN metric AS m USING (metric)"),
        "\npower_w 412.5 nvml\n");
}

TEST(DeviceRecording, isTheHostsTimerOnACpu) {
    const Scratch scratch;
    record(scratch.file(), Collect::Auto, "cpu");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT collector FROM process"), "\nauto: host-timer\n");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT DISTINCT time_source FROM layer_step"), "\nhost-timer\n");
    EXPECT_EQ(rowsOf(scratch.file(),
                     "SELECT (SELECT count(*) FROM kernel), (SELECT count(*) FROM sample), (SELECT "
                     "group_concat(name || ' ' || state) FROM collector)"),
              "\n0 0 host-timer stopped\n");
}

TEST(DeviceRecording, namesOneSentenceForWhatIsMissingAndOneForWhatRunsWithout) {
    const Shortfall refused{"trace", "CUPTI refuses to trace copies", "free it"};
    EXPECT_EQ(sentenceOf(refused), "trace is missing: CUPTI refuses to trace copies; free it");
    EXPECT_EQ(sentenceOf(without("copies", refused)),
              "trace runs without copies: CUPTI refuses to trace copies; free it");
}

TEST(DeviceRecording, marksARunWhoseClocksWereLocked) {
    const Scratch scratch;
    record(scratch.file(), Collect::Timeline, "cuda:0", RunRole::Timeline);
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT role, clock_locked FROM run"), "\ntimeline 1\n");
    EXPECT_EQ(roleOf(Collect::Timeline), RunRole::Timeline);
    EXPECT_EQ(parseCollect("counters"), Collect::Counters);
}

}  // namespace
}  // namespace fluxscope
