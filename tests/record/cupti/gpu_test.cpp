// What only a GPU can say: that CUPTI tells of every kernel and whose it was, and that its counters see the bytes that moved.
//
// CUPTI is attached once to a process, before the device is touched: the tests of tracing stand first, and --gtest_filter picks
// counters, or nothing at all, without tracing. $OUT, when set, gets the buffers for Replay.
#include "profiler/record/cupti/counters.h"
#include "profiler/record/cupti/session.h"
#include "profiler/record/nvml/nvml.h"
#include "tests/record/cupti/gpu_work.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace fluxscope {
namespace {

using namespace std::chrono_literals;
using namespace testing;  // NOLINT(google-build-using-namespace): of this house, not GoogleTest's
using Clock_ = std::chrono::steady_clock;

constexpr std::size_t kGiB = std::size_t{1} << 30;

class Kept final : public DeviceSink, public RecordSink {
public:
    void take(DeviceBatch batch) override {
        const std::lock_guard lock(mutex);
        const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
        append(all.kernels, batch.kernels);
        append(all.copies, batch.copies);
        append(all.fills, batch.fills);
        append(all.calls, batch.calls);
        append(all.nodes, batch.nodes);
        append(all.samples, batch.samples);
        append(all.traffic, batch.traffic);
        append(all.late, batch.late);
    }
    void take(const TraceQuality& told) override { quality = told; }
    void take(const Shortfall& shortfall) override { std::printf("%s\n", sentenceOf(shortfall).c_str()); }
    void take(const ScopeRecord&) override {}
    void take(const LayerStepRecord&) override {}

    std::mutex mutex;
    DeviceBatch all;
    TraceQuality quality;
};

// Attached before anything touches the device, once for all tests.
bool attached = false;

DeviceTracer* tracer() {
    attached = true;
    static CuptiSession* const session = [] {
        CuptiOptions options;
        if (const char* out = std::getenv("OUT")) options.dump = std::string(out) + "/trace.cupti";
        auto* made = new CuptiSession(attachCupti(options));
        for (const Shortfall& shortfall : made->shortfalls)
            std::printf("%s\n", sentenceOf(shortfall).c_str());
        return made;
    }();
    return session->tracer.get();
}

ScopeKey scopeOf(int step, int layer, Op op) {
    return {.phase = Phase::Decode, .step = StepIndex(step), .layer = LayerIndex(layer), .op = op};
}

class Tracing : public ::testing::Test {
protected:
    void SetUp() override {
        if (tracer() == nullptr) GTEST_SKIP() << "no tracing here, see above";
        if (!hasGpu()) GTEST_SKIP() << "no GPU";
    }
};

double nanosecondsPerLaunch(int launches, const std::function<void()>& launch) {
    synchronize();
    const auto begin = Clock_::now();
    for (int i = 0; i < launches; ++i) {
        launch();
        if (i % 500 == 499) synchronize();
    }
    synchronize();
    return std::chrono::duration<double, std::nano>(Clock_::now() - begin).count() / launches;
}

TEST_F(Tracing, attributesEveryEagerKernel) {
    launchNothing();
    synchronize();  // the module is loaded, the context is there
    Kept kept;
    tracer()->beginRun(kept);
    constexpr int steps = 20;
    constexpr int layers = 36;
    const double each = nanosecondsPerLaunch(steps * layers, [n = 0]() mutable {
        tracer()->opened(scopeOf(1 + n / layers, n % layers, n % 2 == 0 ? Op::Attention : Op::Mlp));
        launchNothing();
        tracer()->closed();
        ++n;
    });
    std::printf("eager: %.2f us for scope and launch, traced\n", each / 1e3);
    tracer()->endRun();
    ASSERT_EQ(kept.all.kernels.size(), static_cast<std::size_t>(steps * layers));
    EXPECT_EQ(kept.quality.unattributed, 0);
    EXPECT_EQ(kept.quality.badTimes, 0);
    EXPECT_EQ(kept.quality.dropped, 0);
    std::map<int, int> perStep;
    for (const KernelRecord& kernel : kept.all.kernels) {
        ASSERT_TRUE(kernel.scope.place);
        EXPECT_EQ(kernel.scope.by, Attribution::External);
        EXPECT_EQ(kernel.scope.place->op,
                  kernel.scope.place->layer->value() % 2 == 0 ? Op::Attention : Op::Mlp);
        ++perStep[kernel.scope.place->step.value()];
    }
    EXPECT_EQ(perStep.size(), static_cast<std::size_t>(steps));
    for (const auto& [step, kernels] : perStep) EXPECT_EQ(kernels, layers) << "step " << step;
}

TEST_F(Tracing, usesOurClock) {
    Kept kept;
    tracer()->beginRun(kept);
    synchronize();
    const Nanoseconds before = monotonicNow();
    tracer()->opened(scopeOf(1, 0, Op::Mlp));
    launchBusy(2000);
    tracer()->closed();
    synchronize();
    const Nanoseconds after = monotonicNow();
    tracer()->endRun();
    ASSERT_EQ(kept.all.kernels.size(), 1U);
    const KernelRecord& kernel = kept.all.kernels[0];
    EXPECT_GT(kernel.begin, before - 50us);
    EXPECT_LT(kernel.end, after + 50us);
    EXPECT_NEAR(static_cast<double>((kernel.end - kernel.begin).count()), 2e6, 5e4);
}

TEST_F(Tracing, attributesEveryKernelOfAGraphToItsLayerOpAndStep) {
    constexpr int layers = 36;
    constexpr int each = 5;
    // Recorded between runs, as a warm-up does.
    tracer()->recordingBegan();
    const Graph graph([] {
        for (int l = 0; l < layers; ++l) {
            for (int k = 0; k < each; ++k) {
                tracer()->opened(scopeOf(1, l, static_cast<Op>(static_cast<int>(Op::Qkv) + k)));
                launchNothing();
                tracer()->closed();
            }
        }
    });
    tracer()->recordingEnded();
    for (int i = 0; i < 5; ++i) graph.launch();  // the first ones upload it, and fill CUPTI's pools
    synchronize();
    Kept kept;
    tracer()->beginRun(kept);
    constexpr int steps = 50;
    const auto begin = Clock_::now();
    for (int s = 1; s <= steps; ++s) {
        tracer()->opened({.phase = Phase::Decode, .step = StepIndex(s)});
        graph.launch();
        tracer()->closed();
    }
    synchronize();
    std::printf(
        "graph: %.2f us a node, traced\n",
        std::chrono::duration<double, std::micro>(Clock_::now() - begin).count() / (steps * layers * each));
    tracer()->endRun();
    ASSERT_EQ(kept.all.kernels.size(), static_cast<std::size_t>(steps * layers * each));
    EXPECT_EQ(kept.all.nodes.size(), static_cast<std::size_t>(layers * each));
    EXPECT_EQ(kept.quality.unattributed, 0);
    std::map<std::tuple<int, int, int>, int> count;
    for (const KernelRecord& kernel : kept.all.kernels) {
        ASSERT_TRUE(kernel.scope.place && kernel.scope.place->layer && kernel.scope.place->op);
        EXPECT_EQ(kernel.scope.by, Attribution::GraphNode);
        ++count[{kernel.scope.place->step.value(), kernel.scope.place->layer->value(),
                 static_cast<int>(*kernel.scope.place->op)}];
    }
    EXPECT_EQ(count.size(), static_cast<std::size_t>(steps * layers * each));
}

TEST_F(Tracing, tellsOfMemsetsAndOfKernelsThatNobodyOwns) {
    void* const memory = deviceMemory(1 << 20);
    synchronize();
    Kept kept;
    tracer()->beginRun(kept);
    tracer()->opened(scopeOf(1, 3, Op::KvWrite));
    fillAsync(memory, 1 << 20);
    tracer()->closed();
    launchNothing();
    synchronize();
    tracer()->endRun();
    ASSERT_EQ(kept.all.fills.size(), 1U);
    EXPECT_EQ(kept.all.fills[0].bytes, 1 << 20);
    EXPECT_EQ(kept.all.fills[0].scope.place, scopeOf(1, 3, Op::KvWrite));
    ASSERT_EQ(kept.all.kernels.size(), 1U);
    EXPECT_FALSE(kept.all.kernels[0].scope.place);
    EXPECT_EQ(kept.quality.unattributed, 1);
}

// What the two figures of Tracing are to be compared with: --gtest_filter='Bare.*', in a process of its own.
TEST(Bare, launchesForComparison) {
    if (!hasGpu()) GTEST_SKIP() << "no GPU";
    if (attached) GTEST_SKIP() << "this process is traced: run this test by itself";
    launchNothing();
    std::printf("eager: %.2f us a launch, not traced\n", nanosecondsPerLaunch(20'000, launchNothing) / 1e3);
    constexpr int nodes = 180;
    const Graph graph([] {
        for (int i = 0; i < nodes; ++i) launchNothing();
    });
    std::printf("graph: %.2f us a node, not traced\n",
                nanosecondsPerLaunch(200, [&] { graph.launch(); }) / 1e3 / nodes);
}

TEST(Timeline, seesTheBytesThatMoved) {
    if (!hasGpu()) GTEST_SKIP() << "no GPU";
    void* const from = deviceMemory(kGiB);
    void* const to = deviceMemory(kGiB);
    synchronize();
    for (const auto interval : {1000us, 100us, 50us}) {
        OpenedTimeline timeline = openTimeline({.interval = interval});
        if (!timeline.sampler) GTEST_SKIP() << sentenceOf(*timeline.shortfall);
        Kept kept;
        timeline.sampler->beginRun(kept);
        std::this_thread::sleep_for(20ms);
        constexpr int copies = 50;
        for (int i = 0; i < copies; ++i) copyByKernel(to, from, kGiB);
        synchronize();
        std::this_thread::sleep_for(20ms);
        timeline.sampler->endRun();
        double read = 0;
        double written = 0;
        std::size_t samples = 0;
        for (const SampleRecord& sample : kept.all.samples) {
            if (sample.metric == "dram_read_bytes") read += sample.value, ++samples;
            if (sample.metric == "dram_write_bytes") written += sample.value;
        }
        const double expected = static_cast<double>(copies) * static_cast<double>(kGiB);
        std::printf("timeline, %ld us: %zu samples, read %.4f, written %.4f of what moved\n",
                    static_cast<long>(interval.count()), samples, read / expected, written / expected);
        EXPECT_NEAR(read / expected, 1, 0.01) << interval.count();
        EXPECT_NEAR(written / expected, 1, 0.01) << interval.count();
    }
}

TEST(Ranges, seeTheBytesThatMoved) {
    if (!hasGpu()) GTEST_SKIP() << "no GPU";
    void* const from = deviceMemory(kGiB);
    void* const to = deviceMemory(kGiB);
    synchronize();
    Kept kept;
    OpenedCounters counters = openCounters(monotonicNow, kept, kept, {.ranges = 8});
    if (!counters.collector) GTEST_SKIP() << sentenceOf(*counters.shortfall);
    RunFacts run;
    run.device = "cuda:0";
    run.model.layers = 20;
    counters.collector->runBegan(run);
    for (int l = 0; l < 20; ++l) {
        const ScopeKey layer{.phase = Phase::Decode, .step = StepIndex(1), .layer = LayerIndex(l)};
        counters.collector->scopeOpened(layer);
        copyByKernel(to, from, kGiB);
        counters.collector->scopeClosed(layer, std::nullopt);
    }
    counters.collector->runEnded();
    std::map<std::string, std::map<int, double>> byMetric;
    for (const TrafficRecord& traffic : kept.all.traffic)
        byMetric[std::string(traffic.metric)][traffic.scope.layer->value()] = traffic.value;
    ASSERT_EQ(byMetric["dram_read_bytes"].size(), 20U);
    for (int l = 0; l < 20; ++l) {
        EXPECT_NEAR(byMetric["dram_read_bytes"][l] / static_cast<double>(kGiB), 1, 0.01) << "layer " << l;
        EXPECT_NEAR(byMetric["dram_write_bytes"][l] / static_cast<double>(kGiB), 1, 0.01) << "layer " << l;
    }
    std::printf("ranges: layer 0 read %.4f, written %.4f of what moved\n",
                byMetric["dram_read_bytes"][0] / static_cast<double>(kGiB),
                byMetric["dram_write_bytes"][0] / static_cast<double>(kGiB));
}

TEST(Nvml, watchesTheDevice) {
    if (!hasGpu()) GTEST_SKIP() << "no GPU";
    NvmlSession nvml = openNvml();
    for (const Shortfall& shortfall : nvml.shortfalls) std::printf("%s\n", sentenceOf(shortfall).c_str());
    if (!nvml.sampler) GTEST_SKIP() << "no NVML here, see above";
    const DeviceRecord& device = nvml.devices.at(0);
    std::printf("%s at %s: %d multiprocessors, %.1f GB, %.2f TB/s, L2 %.0f MB\n", device.name.c_str(),
                device.bus.c_str(), device.multiprocessors, static_cast<double>(device.memoryBytes) / 1e9,
                static_cast<double>(device.bytesPerSecond) / 1e12, static_cast<double>(device.l2Bytes) / 1e6);
    Kept kept;
    nvml.sampler->beginRun(kept);
    launchBusy(300'000);
    synchronize();
    nvml.sampler->endRun();
    std::map<std::string, double> last;
    for (const SampleRecord& sample : kept.all.samples) last[std::string(sample.metric)] = sample.value;
    for (const auto& [metric, value] : last) std::printf("  %s %g\n", metric.c_str(), value);
    EXPECT_GT(last["power_w"], 10);
    EXPECT_GT(last["sm_clock_hz"], 1e8);
    EXPECT_GT(device.memoryBytes, 0);
    EXPECT_GT(device.bytesPerSecond, 0);
}

}  // namespace
}  // namespace fluxscope
