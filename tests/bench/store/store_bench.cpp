// Rows a second, written by CaptureWriter, Recorder and the writer's thread, and read by readCapture and readKernels. Wall clock: the work is
// another thread's, or the disk's.
//   build/release/bin/store-bench
#include "profiler/capture/capture_feed.h"
#include "profiler/capture/kernel_columns.h"
#include "profiler/record/detail/writer_thread.h"
#include "profiler/record/recorder.h"
#include "profiler/store/capture_writer.h"
#include "tests/record/scripted_run.h"

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

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

// Decode steps of a deep model, as a device tells them: nine kernels a layer, 2 to 40 us long, from a graph.
std::vector<KernelRecord> kernelsOfDecode(std::int64_t rows) {
    static constexpr std::array<std::string_view, 9> kNames{
        "_ZN2at6native29vectorized_elementwise_kernelILi4ENS0_11FillFunctorIfEESt5arrayIPcLm1EEEEviT0_T1_",
        "nvjet_tst_64x8_64x16_4x1_v_bz_TNT",
        "_ZN9fluxscope4ropeI13__nv_bfloat16EEvPT_PKfi",
        "_ZN9fluxscope7kvWriteI13__nv_bfloat16EEvPT_PKfi",
        "_ZN9fluxscope13slotAttentionILi128ELi8EEEvPKfS2_Pf",
        "_ZN9fluxscope5mergeEPKfS1_Pf",
        "nvjet_tst_128x8_64x12_2x1_v_bz_splitK_TNT",
        "_ZN7cutlass6KernelINS_4gemm6kernel13GemmUniversalIfEEEEvNT_6ParamsE",
        "_ZN9fluxscope4siluI13__nv_bfloat16EEvPT_S2_i"};
    constexpr std::array kOpsOfLayer{Op::Norm, Op::Qkv, Op::Rope, Op::KvWrite, Op::Attention, Op::Attention, Op::Output, Op::Mlp, Op::Mlp};
    std::vector<KernelRecord> kernels(static_cast<std::size_t>(rows));
    std::int64_t at = 1'000'000'000;
    for (std::size_t i = 0; i < kernels.size(); ++i) {
        const std::size_t which = i % kNames.size();
        const auto layer = static_cast<std::int32_t>(i / kNames.size() % kLayers);
        const auto step = static_cast<std::int32_t>(i / kNames.size() / kLayers) + 1;
        const std::int64_t lasts = 2'000 + static_cast<std::int64_t>(which * which) * 600;
        KernelRecord& k = kernels[i];
        k.scope = {.place = ScopeKey{.phase = Phase::Decode, .step = StepIndex(step), .layer = LayerIndex(layer), .op = kOpsOfLayer[which]},
                   .by = Attribution::GraphNode};
        k.begin = Nanoseconds(at);
        k.end = Nanoseconds(at + lasts);
        k.queue = {.device = 0, .context = 1, .stream = 13};
        k.correlation = 100'000 + step;
        k.graph = 21;
        k.graphNode = 0x1500000000 + i % (kNames.size() * kLayers);
        k.name = kNames[which];
        k.launch = {.grid = {static_cast<std::int32_t>(132 + which), 1, 1}, .block = {256, 1, 1}, .registersPerThread = 64};
        at += lasts + 400;
    }
    return kernels;
}

constexpr std::size_t kDeviceBatch = 8192;

void writeKernelsTo(const std::filesystem::path& file, const std::vector<KernelRecord>& kernels) {
    RunFacts facts = testing::factsOf({.layers = kLayers, .device = "cuda:0"});
    WriterThread writer(std::make_unique<CaptureWriter>(file, ProcessRecord{}), "", true, 1 << 16);
    writer.push(RunBegan{RunIndex(1), std::make_shared<const RunFacts>(facts), "trace", Nanoseconds(900'000'000)}, Weight::Essential);
    for (std::size_t i = 0; i < kernels.size(); i += kDeviceBatch) {
        DeviceBatch batch;
        const auto first = kernels.begin() + static_cast<std::ptrdiff_t>(i);
        batch.kernels.assign(first, first + static_cast<std::ptrdiff_t>(std::min(kDeviceBatch, kernels.size() - i)));
        writer.pushDevice(std::move(batch));
    }
    writer.push(RunEnded{.at = kernels.back().end}, Weight::Essential);
    writer.finish();
    if (writer.deviceDropped() > 0 || writer.problem()) std::abort();  // then the figure would be of something else
}

// Through the production path: queue, thread, transactions of 100 ms, checkpoints; with blocks, costs of layers and overview.
void writeKernels(benchmark::State& state) {
    const std::vector<KernelRecord> kernels = kernelsOfDecode(state.range(0));
    for (auto _ : state) {
        const auto file = freshFile();
        writeKernelsTo(file, kernels);
        state.PauseTiming();
        state.counters["bytes/kernel"] = static_cast<double>(std::filesystem::file_size(file)) / static_cast<double>(kernels.size());
        take(file);
        state.ResumeTiming();
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(writeKernels)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(3);

void readKernelColumns(benchmark::State& state) {
    const auto file = freshFile();
    writeKernelsTo(file, kernelsOfDecode(state.range(0)));
    for (auto _ : state) {
        const KernelColumns columns = readKernels(file, RunIndex(1));
        if (columns.size() != static_cast<std::size_t>(state.range(0))) std::abort();
        benchmark::DoNotOptimize(columns.row.data());
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
    take(file);
}
BENCHMARK(readKernelColumns)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace fluxscope
