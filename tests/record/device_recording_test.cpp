// A run on a device, as it ends up in the file: a tracer that does what CUPTI's would, without a GPU.
#include "profiler/record/recorder.h"
#include "tests/record/scratch.h"
#include "tests/record/scripted_run.h"

#include <gtest/gtest.h>

#include <chrono>
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
            sink_->take(Shortfall{"timeline", "samples were lost", "sample less often"});
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

private:
    DeviceSink* sink_ = nullptr;
    DeviceBatch batch_;
    Nanoseconds at_ = 2s;
    std::int64_t correlation_ = 0;
    int depth_ = 0;
};

class Sensor final : public DeviceSampler {
public:
    void beginRun(DeviceSink& sink) override { sink_ = &sink; }
    void endRun() override {
        DeviceBatch batch;
        batch.samples.push_back({0, 2s, 3s, "power_w", 412.5, "nvml"});
        sink_->take(std::move(batch));
    }

private:
    DeviceSink* sink_ = nullptr;
};

void record(const std::filesystem::path& file, Collect collect, const std::string& device,
            RunRole role = RunRole::Timed) {
    const FakeClock clock;
    ScriptedTracer tracer;
    Sensor sensor;
    RecorderOptions options;
    options.collect = collect;
    options.clock = clock.reader();
    options.tracer = &tracer;
    options.samplers = {&sensor};
    options.devices = {{.device = 0, .name = "a GPU", .bus = "0000:18:00.0"}};
    options.shortfalls = {{"nvml", "libnvidia-ml.so.1 cannot be loaded", "install it"}};
    Recorder recorder(file, options);
    Script script{.layers = 2, .decodeSteps = 1};
    script.device = device;
    script.role = role;
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

TEST(DeviceRecording, saysWhatWasMissingWhatStoppedAndWhatWasLost) {
    const Scratch scratch;
    record(scratch.file(), Collect::Auto, "cuda:0");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT run, name, state, reason, remedy FROM collector ORDER BY name"),
              "\n1 nvml missing libnvidia-ml.so.1 cannot be loaded install it\n"
              "1 timeline stopped samples were lost sample less often\n");
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
                     "SELECT (SELECT count(*) FROM kernel), (SELECT count(*) FROM sample), (SELECT count(*) "
                     "FROM collector)"),
              "\n0 0 0\n");
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
