// A capture with rows in every table: runs of a prefill and decode steps on a device, told as recorder and collectors would.
#pragma once

#include "profiler/store/capture_writer.h"
#include "tests/record/scripted_training.h"
#include "tests/store/device_run.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace fluxscope::testing {

inline constexpr std::int64_t kStepNs = 1'000'000;
inline constexpr std::int32_t kStepsOfEach = 5;  // of prefill and decode
inline constexpr std::int32_t kLayersOfEach = 3;

class EveryTable {
public:
    explicit EveryTable(const std::filesystem::path& file, std::int64_t pid = 77)
        : writing_(std::in_place, file,
                   ProcessRecord{.host = "here",
                                 .pid = pid,
                                 .program = "test",
                                 .collector = "trace",
                                 .monotonic = Nanoseconds(pid),
                                 .utc = Nanoseconds(1'700'000'000'000'000'000),
                                 .environment = {{"gpu", "H200", "nvml"}}}),
          writer_(*writing_) {
        writer_.write(DeviceRecord{.device = 0, .name = "H200", .uuid = "GPU-1", .bus = "0000:18:00.0"});
        writer_.write(CollectorRecord{
            .name = "timeline", .state = CollectorState::Missing, .reason = "held", .remedy = "wait"});
        train(pid);
    }

    // Layer 1 of a run is sparse; `kernel` is the mangled name of its attention, so that runs can have names of their own.
    void run(const std::string& promptId, std::string_view kernel = kDecode) {
        const RunIndex run = writer_.nextRun();
        const std::int64_t begin = 1'000'000'000LL * run.value();
        writer_.beginRun(
            run, factsOf({.layers = kLayersOfEach, .sequences = 2, .promptId = promptId, .device = "cuda:0"}),
            Nanoseconds(begin), true);
        writer_.write(
            CollectorRecord{.name = "trace", .state = CollectorState::Running, .reason = {}, .remedy = {}});
        writer_.write(QualityRecord{.figure = "dropped_none", .value = 1, .note = "stays as it is"});
        writer_.beginBatch(BatchIndex(0), std::vector{SequenceIndex(0), SequenceIndex(1)});
        for (std::int32_t step = 0; step < kStepsOfEach; ++step) {
            this->step(step, begin + 1000 + step * kStepNs, kernel);
            writer_.commit();
        }
        writer_.endRun(Nanoseconds(begin + kStepsOfEach * kStepNs + 5000), RunOutcome::Finished, "");
        for (std::int32_t sequence = 0; sequence < 2; ++sequence)
            writer_.write(EvaluationSample{.sequence = SequenceIndex(sequence),
                                           .task = "needle",
                                           .length = 512,
                                           .number = sequence,
                                           .seed = 7,
                                           .scorer = "contains",
                                           .score = 1.0 - sequence});
    }

    bool finish() {
        const bool isOneFile = writer_.finish();
        writing_.reset();
        return isOneFile;
    }
    CaptureWriter& writer() { return writer_; }

private:
    void train(std::int64_t at) {
        const TrainingScript script{.steps = 3, .layers = kLayersOfEach};
        writer_.beginTraining(
            {std::make_shared<const TrainingFacts>(trainingFactsOf(script)), Nanoseconds(at)});
        for (std::int64_t step = 0; step < script.steps; ++step)
            writer_.write(TrainingStepRecord{trainingStepOf(script, step), Nanoseconds(at + step)});
        writer_.write(TrainingWarningRecord{2, "prose goes one way only"});
        writer_.endTraining({RunOutcome::Finished, "", Nanoseconds(at + script.steps)});
        writer_.commit();
    }

    void step(std::int32_t step, std::int64_t at, std::string_view attention) {
        const ScopeKey whole{.phase = step == 0 ? Phase::Prefill : Phase::Decode, .step = StepIndex(step)};
        for (std::int32_t sequence = 0; sequence < 2; ++sequence)
            sayAndDecide(step, SequenceIndex(sequence), at);
        work(whole, Op::Embed, at, attention);
        for (std::int32_t layer = 0; layer < kLayersOfEach; ++layer) {
            ScopeKey key = whole;
            key.layer = LayerIndex(layer);
            const std::int64_t begin = at + 100'000 + layer * 200'000LL;
            work(key, Op::Router, begin, attention);
            work(key, Op::Attention, begin + 50'000, attention);
            scope(key, {}, begin, begin + 100'000);
            cost(key, begin);
        }
        scope(whole, {}, at, at + 900'000);
        cost(whole, at);
        besideTheLayers(whole, at + 850'000);
    }

    void sayAndDecide(std::int32_t step, SequenceIndex sequence, std::int64_t at) {
        writer_.write(TokenRecord{.sequence = sequence,
                                  .turn = {},
                                  .step = StepIndex(step),
                                  .token = {.id = TokenId(step),
                                            .text = "t",
                                            .logprob = -0.5F,
                                            .top = {{TokenId(step), -0.5F}, {TokenId(9), -2.0F}},
                                            .tailMass = 0.25F},
                                  .emitted = Nanoseconds(at + 900'000)});
        writer_.write(
            FidelityRecord{.sequence = sequence, .turn = {}, .step = StepIndex(step), .fidelity = {}});
        if (step > 0) return;
        for (std::int32_t layer = 0; layer < kLayersOfEach; ++layer) {
            writer_.write(DecisionRecord{
                .sequence = sequence,
                .turn = {},
                .step = {},
                .layer = LayerIndex(layer),
                .decision = {.attention = layer == 1 ? Attention::Sparse : Attention::Full,
                             .by = DecidedBy::Router,
                             .logits = RouterLogits{.sparse = 0.25F, .full = layer == 1 ? -0.75F : 1.25F},
                             .threshold = 0.5,
                             .kvHead = {}}});
            writer_.write(KvRecord{.sequence = sequence,
                                   .turn = {},
                                   .step = {},
                                   .layer = LayerIndex(layer),
                                   .kv = {.bytesKept = 128, .bytesFreed = 256}});
        }
    }

    // An operation: its scope on the host, its call, and its kernel 10 us later.
    void work(ScopeKey key, Op op, std::int64_t at, std::string_view attention) {
        key.op = op;
        scope(key, cost::Cost{1000, 100, 5000}, at, at + 8'000);
        const Attributed place{.place = key,
                               .by = key.step.value() < 2 ? Attribution::External : Attribution::GraphNode};
        const std::uint64_t node = key.step.value() < 2 ? 0 : 50 + static_cast<std::uint64_t>(op);
        const ApiRecord call{.scope = place,
                             .begin = Nanoseconds(at),
                             .end = Nanoseconds(at + 3'000),
                             .thread = 7,
                             .correlation = at,
                             .name = "cudaLaunchKernel"};
        KernelRecord kernel = kernelAt(key, at + 10'000, at + 40'000);
        kernel.scope = place;
        kernel.correlation = at;
        kernel.graphNode = node;
        kernel.name = op == Op::Attention ? attention : kGemm;
        kernel.launch.grid[0] = static_cast<std::int32_t>(op) + 1;
        put(call);
        put(kernel);
        if (node > 0) put(GraphNodeRecord{.node = node, .original = 1, .place = key});
        put(TrafficRecord{.scope = key, .metric = "dram_read_bytes", .value = 900, .source = "hw_range"});
    }

    void besideTheLayers(const ScopeKey& key, std::int64_t at) {
        const DeviceQueue queue{.device = 0, .context = 1, .stream = 7};
        const Nanoseconds begin(at), end(at + 1000);
        put(CopyRecord{.scope = {.place = key, .by = Attribution::External},
                       .begin = begin,
                       .end = end,
                       .queue = queue,
                       .kind = CopyKind::DeviceToHost,
                       .pinned = true,
                       .bytes = 8});
        put(FillRecord{.scope = {}, .begin = begin, .end = end, .queue = queue, .bytes = 64});
        put(SyncRecord{.begin = begin, .end = end, .queue = queue, .kind = "stream"});
        put(OverheadRecord{.begin = begin, .end = end, .thread = 7, .kind = "buffer-flush"});
        put(SampleRecord{
            .device = 0, .begin = begin, .end = end, .metric = "power_w", .value = 400, .source = "nvml"});
        put(kernelAt(std::nullopt, at, at + 2'000));  // nobody's
        put(kernelAt(std::nullopt, at, 0));           // with a bad stamp
    }

    void cost(const ScopeKey& key, std::int64_t at) {
        writer_.write(LayerStepRecord{.batch = key.batch,
                                      .turn = key.turn,
                                      .phase = key.phase,
                                      .step = key.step,
                                      .layer = key.layer,
                                      .begin = Nanoseconds(at),
                                      .time = Nanoseconds(8'000),
                                      .timeSource = "host-enqueue",
                                      .cost = {2000, 200, 10000}});
    }

    void scope(ScopeKey key, std::optional<cost::Cost> cost, std::int64_t begin, std::int64_t end) {
        writer_.write(
            ScopeRecord{.key = key, .begin = Nanoseconds(begin), .end = Nanoseconds(end), .cost = cost});
    }
    template <class Record>
    void put(const Record& record) {
        writer_.write(std::span<const Record>(&record, 1));
    }

    std::optional<CaptureWriter> writing_;
    CaptureWriter& writer_;  // until it is finished
};

}  // namespace fluxscope::testing
