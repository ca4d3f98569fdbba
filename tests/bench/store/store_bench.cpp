// Rows a second, written by CaptureWriter, Recorder and the writer's thread, and read by readCapture and readKernels; how long the engine and
// a collector are held up meanwhile; how long a recorder takes to finish; how soon a large capture can be drawn. Wall clock: the work is
// another thread's, or the disk's.
//   build/release/bin/store-bench [--benchmark_filter=Kernel]
// Files of up to 700 MB are made in the system's folder for temporary files (TMPDIR).
#include "profiler/capture/capture_feed.h"
#include "profiler/capture/kernel_columns.h"
#include "profiler/record/detail/writer_thread.h"
#include "profiler/record/recorder.h"
#include "profiler/store/capture_writer.h"
#include "profiler/store/detail/raw_statement.h"
#include "profiler/store/overview.h"
#include "tests/record/scripted_run.h"

#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace fluxscope {
namespace {

using namespace std::chrono_literals;

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

double secondsOf(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// What an operation of the sample model's decode takes, of all of it, in per mille: so the intervals of a layer and step fill as many buckets
// of the overview as in a run.
std::int64_t perMilleOf(Op op) {
    switch (op) {
        case Op::Qkv: return 16;
        case Op::Attention: return 8;
        case Op::Output: return 3;
        case Op::Mlp: return 44;
        case Op::Head: return 95;
        case Op::Sample: return 25;
        default: return 1;
    }
}

// A decode that lasts what it is said to last, on a clock of its own, and takes no longer than telling it.
struct ToldDecode {
    Recorder& recorder;
    Nanoseconds& now;
    Nanoseconds ofToken;

    void op(ScopeKey key, Op op) {
        key.op = op;
        recorder.scopeOpened(key);
        now += ofToken * perMilleOf(op) / 1000;
        recorder.scopeClosed(key, cost::denseShape(1, 4096, 32, 8, 128, cost::DType::BF16));
    }

    // As the engine tells it on a CPU: the operations of each layer, those before and behind them, and what else could have been said.
    void token(std::int32_t step, std::int32_t layers) {
        ScopeKey key{.phase = Phase::Decode, .step = StepIndex(step)};
        recorder.scopeOpened(key);
        op(key, Op::Embed);
        for (std::int32_t layer = 0; layer < layers; ++layer) {
            key.layer = LayerIndex(layer);
            recorder.scopeOpened(key);
            for (const Op each :
                 {Op::Norm, Op::Qkv, Op::Rope, Op::KvWrite, Op::Attention, Op::Output, Op::Norm, Op::Mlp})
                op(key, each);
            recorder.scopeClosed(key, {});
        }
        key.layer.reset();
        for (const Op each : {Op::Norm, Op::Head, Op::Sample}) op(key, each);
        recorder.scopeClosed(key, {});
        TokenFacts said{.id = TokenId(1), .text = " a", .logprob = -0.5F, .top = {}, .tailMass = 0.1};
        for (std::int32_t i = 0; i < 32; ++i)
            said.top.push_back({.id = TokenId(i * 97), .logprob = -0.5F - static_cast<float>(i) * 0.3F});
        recorder.tokenEmitted(SequenceIndex(0), TurnIndex(0), StepIndex(step), said);
    }
};

// What a decoded token costs each of the two threads, in time of a processor, when a token takes so many milliseconds: 2 is a model of 9.7 M
// parameters on two idle cores of a Xeon, 7 the same on two of an EPYC. On a machine whose cores all compute, the sum of both is what recording
// costs.
void recordDecode(benchmark::State& state) {
    const auto layers = static_cast<std::int32_t>(state.range(0));
    const std::chrono::milliseconds ofToken(state.range(1));
    const auto tokensOfRun = static_cast<std::int32_t>(4s / ofToken);
    const auto file = freshFile();
    double telling = 0, writing = 0;
    for (auto _ : state) {
        Nanoseconds now = monotonicNow();
        Recorder recorder(file, {.clock = [&now] { return now; }});
        recorder.runBegan(testing::factsOf({.layers = layers}));
        ToldDecode decode{.recorder = recorder, .now = now, .ofToken = ofToken};
        const double allBefore = secondsOf(CLOCK_PROCESS_CPUTIME_ID);
        const double before = secondsOf(CLOCK_THREAD_CPUTIME_ID);
        auto next = std::chrono::steady_clock::now();
        for (std::int32_t step = 1; step <= tokensOfRun; ++step) {
            const double begin = secondsOf(CLOCK_THREAD_CPUTIME_ID);
            decode.token(step, layers);
            telling += secondsOf(CLOCK_THREAD_CPUTIME_ID) - begin;
            next += ofToken;
            std::this_thread::sleep_until(next);
        }
        recorder.runEnded(RunOutcome::Finished, "");
        recorder.finish();
        if (recorder.status().dropped > 0 || recorder.status().problem) std::abort();
        writing +=
            secondsOf(CLOCK_PROCESS_CPUTIME_ID) - allBefore - (secondsOf(CLOCK_THREAD_CPUTIME_ID) - before);
    }
    const double tokens = tokensOfRun * static_cast<double>(state.iterations());
    state.counters["tell_us/token"] = telling / tokens * 1e6;
    state.counters["write_us/token"] = writing / tokens * 1e6;
    take(file);
}
BENCHMARK(recordDecode)
    ->Args({12, 2})
    ->Args({12, 7})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(3);

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

// Decode steps of a deep model, as a device tells them, from a graph. Either nine kernels a layer, 2 to 40 us long, which makes the most rows of
// sums beside each kernel; or `repeats` times as many, 2 to 7 us long: 7 is what a model of 36 layers does on an H200 (docs/performance.md).
// Those from `first` on, of a run that may be longer than memory.
std::vector<KernelRecord> kernelsOfDecode(std::int64_t rows, std::size_t first = 0, std::size_t repeats = 1) {
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
    constexpr std::array kOpsOfLayer{Op::Norm,      Op::Qkv,    Op::Rope, Op::KvWrite, Op::Attention,
                                     Op::Attention, Op::Output, Op::Mlp,  Op::Mlp};
    std::vector<KernelRecord> kernels(static_cast<std::size_t>(rows));
    const auto lastsOf = [repeats](std::size_t which) {
        return 2'000 + static_cast<std::int64_t>(repeats == 1 ? which * which : which) * 600;
    };
    const std::size_t ofLayer = kNames.size() * repeats;
    std::int64_t round = 0;
    for (std::size_t i = 0; i < ofLayer; ++i) round += lastsOf(i / repeats) + 400;
    std::int64_t at = 1'000'000'000 + static_cast<std::int64_t>(first / ofLayer) * round;
    for (std::size_t i = first; i < first + kernels.size(); ++i) {
        const std::size_t which = i % ofLayer / repeats;
        const auto layer = static_cast<std::int32_t>(i / ofLayer % kLayers);
        const auto step = static_cast<std::int32_t>(i / ofLayer / kLayers) + 1;
        const std::int64_t lasts = lastsOf(which);
        KernelRecord& k = kernels[i - first];
        k.scope = {.place = ScopeKey{.phase = Phase::Decode,
                                     .step = StepIndex(step),
                                     .layer = LayerIndex(layer),
                                     .op = kOpsOfLayer[which]},
                   .by = Attribution::GraphNode};
        k.begin = Nanoseconds(at);
        k.end = Nanoseconds(at + lasts);
        k.queue = {.device = 0, .context = 1, .stream = 13};
        k.correlation = 100'000 + step;
        k.graph = 21;
        k.graphNode = 0x1500000000 + i % (ofLayer * kLayers);
        k.name = kNames[which];
        k.launch = {.grid = {static_cast<std::int32_t>(132 + which), 1, 1},
                    .block = {256, 1, 1},
                    .registersPerThread = 64};
        at += lasts + 400;
    }
    return kernels;
}

constexpr std::size_t kDeviceBatch = 8192;
constexpr std::size_t kRoom = 16'000'000;  // nothing is dropped, however far the writer falls behind

DeviceBatch batchOf(const std::vector<KernelRecord>& kernels, std::size_t from) {
    DeviceBatch batch;
    const auto first = kernels.begin() + static_cast<std::ptrdiff_t>(from);
    batch.kernels.assign(first,
                         first + static_cast<std::ptrdiff_t>(std::min(kDeviceBatch, kernels.size() - from)));
    return batch;
}

RunBegan beganOnDevice() {
    const RunFacts facts = testing::factsOf({.layers = kLayers, .device = "cuda:0"});
    RunBegan began{RunIndex(1), std::make_shared<const RunFacts>(facts), "trace", Nanoseconds(900'000'000)};
    began.recordBudget = std::int64_t{1} << 40;
    return began;
}

// In parts of whole rounds of layers, so that the times of one part follow those of the one before.
void writeKernelsTo(const std::filesystem::path& file, std::int64_t rows,
                    const std::vector<KernelRecord>* kernels = nullptr) {
    constexpr std::int64_t kPart = 9 * 100'000;
    WriterThread writer(std::make_unique<CaptureWriter>(file, ProcessRecord{}), "", true, 1 << 16, kRoom);
    writer.push(beganOnDevice(), Weight::Essential);
    Nanoseconds end{};
    for (std::int64_t first = 0; first < rows;) {
        std::vector<KernelRecord> made;
        if (kernels == nullptr)
            made = kernelsOfDecode(std::min(kPart, rows - first), static_cast<std::size_t>(first));
        const std::vector<KernelRecord>& part = kernels != nullptr ? *kernels : made;
        for (std::size_t i = 0; i < part.size(); i += kDeviceBatch) {
            writer.pushDevice(batchOf(part, i));
        }
        end = part.back().end;
        first += std::ssize(part);
    }
    writer.push(RunEnded{.at = end}, Weight::Essential);
    writer.finish();
    if (writer.deviceDropped() > 0 || writer.problem())
        std::abort();  // then the figure would be of something else
}

// Through the production path: queue, thread, transactions of 100 ms, checkpoints; with blocks, costs of layers and overview.
void writeKernels(benchmark::State& state) {
    const std::vector<KernelRecord> kernels =
        kernelsOfDecode(state.range(0), 0, static_cast<std::size_t>(state.range(1)));
    for (auto _ : state) {
        const auto file = freshFile();
        writeKernelsTo(file, std::ssize(kernels), &kernels);
        state.PauseTiming();
        state.counters["bytes/kernel"] =
            static_cast<double>(std::filesystem::file_size(file)) / static_cast<double>(kernels.size());
        take(file);
        state.ResumeTiming();
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(writeKernels)
    ->Args({1'000'000, 1})
    ->Args({1'000'000, 7})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(3);

void readKernelColumns(benchmark::State& state) {
    const auto file = freshFile();
    writeKernelsTo(file, state.range(0));
    for (auto _ : state) {
        const KernelColumns columns = readKernels(file, RunIndex(1));
        if (columns.size() != static_cast<std::size_t>(state.range(0))) std::abort();
        benchmark::DoNotOptimize(columns.row.data());
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
    take(file);
}
BENCHMARK(readKernelColumns)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->UseRealTime();

std::int64_t bytesInUse() {
    std::ifstream in("/proc/self/statm");
    std::int64_t all = 0, resident = 0;
    in >> all >> resident;
    return resident * ::sysconf(_SC_PAGESIZE);
}

// Of all lanes the finest level that needs no more than a thousand buckets for the whole run.
std::int64_t readOverviewLevel(const std::filesystem::path& file, const RunRow& run) {
    int level = 0;
    while (((run.end.value_or(run.begin) - run.begin).count() >> overviewShift(level)) > 1000) ++level;
    SQLite::Database database(file.string(), SQLite::OPEN_READONLY);
    RawStatement row(database, "SELECT lane, bucket, busy_ns, events, op FROM overview WHERE level = ?");
    std::int64_t buckets = 0;
    for (row.start(level); row.next(); ++buckets) benchmark::DoNotOptimize(row.integer(2) + row.integer(3));
    return buckets;
}

// What must be there before a window shows a capture: runs, decisions, tokens, the cost table; and of the overview the level whose
// buckets are a thousand or fewer. Then all kernels, and what they take in memory.
void openKernels(benchmark::State& state) {
    const auto file = freshFile();
    writeKernelsTo(file, state.range(0));
    double complete = 0, bytes = 0;
    for (auto _ : state) {
        const SnapshotPtr snapshot = readCapture(file);
        const std::int64_t buckets = readOverviewLevel(file, snapshot->runs.front());
        if (snapshot->layerSteps.size() == 0 || buckets == 0) std::abort();
        state.PauseTiming();
        const std::int64_t before = bytesInUse();
        const auto begin = std::chrono::steady_clock::now();
        const KernelColumns columns = readKernels(file, RunIndex(1));
        complete = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        bytes = static_cast<double>(bytesInUse() - before) / static_cast<double>(columns.size());
        if (columns.size() != static_cast<std::size_t>(state.range(0))) std::abort();
        state.ResumeTiming();
    }
    state.counters["complete_s"] = complete;
    state.counters["memory/kernel"] = bytes;
    state.counters["file/kernel"] =
        static_cast<double>(std::filesystem::file_size(file)) / static_cast<double>(state.range(0));
    take(file);
}
BENCHMARK(openKernels)
    ->Arg(1'000'000)
    ->Arg(10'000'000)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(3);

std::int64_t timesWaited() {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

void addPercentiles(benchmark::State& state, std::vector<double>& us) {
    std::ranges::sort(us);
    const auto at = [&us](double share) {
        return us[static_cast<std::size_t>(share * static_cast<double>(us.size() - 1))];
    };
    state.counters["p50_us"] = at(0.5);
    state.counters["p99_us"] = at(0.99);
    state.counters["p99.9_us"] = at(0.999);
    state.counters["max_us"] = us.back();
}

// What a collector's thread pays for a batch while the writer is busy with those before, its transactions and its checkpoints; and the engine's
// thread for an event. `waited`: how often such a thread gave its core up of itself, to wait for another. What a machine takes away from it,
// because others want to run, shows in the percentiles and is not of our making.
void handOverKernels(benchmark::State& state) {
    const std::vector<KernelRecord> kernels = kernelsOfDecode(1'800'000);
    std::vector<double> us;
    std::int64_t waited = 0;
    for (auto _ : state) {
        const auto file = freshFile();
        WriterThread writer(std::make_unique<CaptureWriter>(file, ProcessRecord{}), "", true, 1 << 16, kRoom);
        writer.push(beganOnDevice(), Weight::Essential);
        for (std::size_t i = 0; i < kernels.size(); i += kDeviceBatch) {
            DeviceBatch batch = batchOf(kernels, i);
            const std::int64_t before = timesWaited();
            const auto begin = std::chrono::steady_clock::now();
            writer.pushDevice(std::move(batch));
            us.push_back(
                std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
            waited += timesWaited() - before;
        }
        writer.push(RunEnded{.at = kernels.back().end}, Weight::Essential);
        writer.finish();
        take(file);
    }
    addPercentiles(state, us);
    state.counters["waited"] = static_cast<double>(waited);
}
BENCHMARK(handOverKernels)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(1);

void tellEventsBesideKernels(benchmark::State& state) {
    const std::vector<KernelRecord> kernels = kernelsOfDecode(900'000);
    std::vector<double> us;
    std::int64_t waited = 0;
    for (auto _ : state) {
        const auto file = freshFile();
        WriterThread writer(std::make_unique<CaptureWriter>(file, ProcessRecord{}), "", true, 1 << 16, kRoom);
        writer.push(beganOnDevice(), Weight::Essential);
        std::thread collector([&] {
            for (std::size_t i = 0; i < kernels.size(); i += kDeviceBatch) {
                writer.pushDevice(batchOf(kernels, i));
            }
        });
        for (int i = 0; i < 400'000; ++i) {
            const ScopeKey key{.phase = Phase::Decode,
                               .step = StepIndex(i / 300 + 1),
                               .layer = LayerIndex(i % 300 / 10),
                               .op = Op::Attention};
            const std::int64_t before = i % 64 == 0 ? timesWaited() : 0;
            const auto begin = std::chrono::steady_clock::now();
            writer.push(ScopeRecord{key, Nanoseconds(i * 1000), Nanoseconds(i * 1000 + 800), {}},
                        Weight::Detail);
            us.push_back(
                std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
            if (i % 64 == 0) waited += timesWaited() - before;
            if (i % 1000 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        collector.join();
        writer.push(RunEnded{.at = kernels.back().end}, Weight::Essential);
        writer.finish();
        take(file);
    }
    addPercentiles(state, us);
    state.counters["waited"] = static_cast<double>(waited);
}
BENCHMARK(tellEventsBesideKernels)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(1);

std::int64_t kernelsIn(const std::filesystem::path& file) {
    SQLite::Database database(file.string(), SQLite::OPEN_READONLY, 1000);
    return database.execAndGet("SELECT coalesce(max(kernel), 0) FROM kernel").getInt64();
}

// From the run's last event to one file that travels: the queue of events is full, and of a device's kernels the argument's number lies
// in theirs: 60,000 is what the busiest decode measured leaves there in the 250 ms between two flushes.
void finishKernels(benchmark::State& state) {
    const std::vector<KernelRecord> before = kernelsOfDecode(900'000);
    const std::vector<KernelRecord> last = kernelsOfDecode(state.range(0), 900'000);
    for (auto _ : state) {
        state.PauseTiming();
        const auto file = freshFile();
        auto writer = std::make_unique<WriterThread>(std::make_unique<CaptureWriter>(file, ProcessRecord{}),
                                                     "", true, 1 << 16, kRoom);
        writer->push(beganOnDevice(), Weight::Essential);
        for (std::size_t i = 0; i < before.size(); i += kDeviceBatch) writer->pushDevice(batchOf(before, i));
        while (kernelsIn(file) < std::ssize(before))
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        for (std::size_t i = 0; i < last.size(); i += kDeviceBatch) writer->pushDevice(batchOf(last, i));
        for (int i = 0; i < 1 << 16; ++i) {
            const ScopeKey key{.phase = Phase::Decode,
                               .step = StepIndex(i / 300 + 1),
                               .layer = LayerIndex(i % 300 / 10),
                               .op = Op::Attention};
            writer->push(ScopeRecord{key, Nanoseconds(i * 1000), Nanoseconds(i * 1000 + 800), {}},
                         Weight::Detail);
        }
        state.ResumeTiming();
        writer->push(RunEnded{.at = last.back().end}, Weight::Essential);
        writer->finish();
        state.PauseTiming();
        writer.reset();
        take(file);
        state.ResumeTiming();
    }
}
BENCHMARK(finishKernels)
    ->Arg(60'000)
    ->Arg(1'000'000)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->Iterations(5);

}  // namespace
}  // namespace fluxscope
