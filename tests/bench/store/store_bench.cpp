// Rows a second, written by CaptureWriter and Recorder and read by readCapture. Wall clock: the work is another thread's, or the disk's.
//   build/release/bin/store-bench
#include "profiler/capture/capture_feed.h"
#include "profiler/record/recorder.h"
#include "profiler/store/capture_writer.h"
#include "tests/record/scripted_run.h"

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace fluxscope {
namespace {

constexpr std::int32_t kLayers = 32;

std::filesystem::path freshFile() {
    static int number = 0;
    const auto folder =
        std::filesystem::temp_directory_path() / ("store-bench-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    return folder / (std::to_string(++number) + ".fluxdb");
}

void take(const std::filesystem::path& file) { std::filesystem::remove(file); }

LayerStepRecord layerStep(std::int32_t step, std::int32_t layer) {
    return {.phase = Phase::Decode,
            .step = StepIndex(step + 1),
            .layer = LayerIndex(layer),
            .begin = Nanoseconds(step * 1000),
            .time = Nanoseconds(900),
            .router = {},
            .attention = Nanoseconds(500),
            .timeSource = "host-timer",
            .cost = {1 << 20, 1 << 12, 1 << 22}};
}

void writeScopes(benchmark::State& state) {
    const std::int64_t rows = state.range(0);
    for (auto _ : state) {
        const auto file = freshFile();
        CaptureWriter writer(file, {});
        writer.beginRun(writer.nextRun(), testing::factsOf({.layers = kLayers}), {}, true);
        for (std::int64_t i = 0; i < rows; ++i) {
            const ScopeKey key{.phase = Phase::Decode,
                               .step = StepIndex::of(i / 300),
                               .layer = LayerIndex::of(i % 300 / 10),
                               .op = Op::Attention};
            writer.write(ScopeRecord{key, Nanoseconds(i * 1000), Nanoseconds(i * 1000 + 800),
                                     cost::Cost{1 << 20, 1 << 12, 1 << 22}});
            if (writer.uncommittedRows() >= 50'000) writer.commit();
        }
        writer.finish();
        state.PauseTiming();
        state.counters["bytes/row"] =
            static_cast<double>(std::filesystem::file_size(file)) / static_cast<double>(rows);
        take(file);
        state.ResumeTiming();
    }
    state.SetItemsProcessed(state.iterations() * rows);
}
BENCHMARK(writeScopes)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(2);

// What the engine's thread pays for telling the recorder: the writer's thread does the rest behind it, or drops.
void tellScopes(benchmark::State& state) {
    const auto file = freshFile();
    {
        Recorder recorder(file);
        recorder.runBegan(testing::factsOf({.layers = kLayers}));
        const ScopeKey key{
            .phase = Phase::Decode, .step = StepIndex(1), .layer = LayerIndex(3), .op = Op::Attention};
        for (auto _ : state) {
            recorder.scopeOpened(key);
            recorder.scopeClosed(key, cost::denseShape(1, 4096, 32, 8, 128, cost::DType::BF16));
        }
        recorder.runEnded(RunOutcome::Finished, "");
        recorder.finish();
        state.counters["dropped"] = static_cast<double>(recorder.status().dropped);
    }
    take(file);
}
BENCHMARK(tellScopes);

void readLayerSteps(benchmark::State& state) {
    const std::int64_t rows = state.range(0);
    const auto file = freshFile();
    {
        CaptureWriter writer(file, {});
        writer.beginRun(writer.nextRun(), testing::factsOf({.layers = kLayers}), {}, true);
        for (std::int32_t i = 0; i < rows; ++i) writer.write(layerStep(i / kLayers, i % kLayers));
        writer.finish();
    }
    for (auto _ : state) benchmark::DoNotOptimize(readCapture(file));
    state.SetItemsProcessed(state.iterations() * rows);
    take(file);
}
BENCHMARK(readLayerSteps)->Arg(100'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace fluxscope
