// Writes a capture with everything that an export has to say, as large as wanted:
//   generated-capture OUT.fluxdb [KERNELS] [PROMPT_ID]
//
// Two prompts through two layers, prefill and decode steps of 100 kernels. Each kernel has its own launch, 1 us before it; the
// even ones of layer 1 lie on stream 8 and begin before the one before has ended, as under programmatic dependent launch. From step 2 on
// the kernels of a step are one graph and share one launch.
#include "profiler/store/capture_writer.h"
#include "tests/record/scripted_run.h"

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

namespace fluxscope {
namespace {

constexpr std::int32_t kLayers = 2;
constexpr std::int64_t kKernelsOfAStep = 100;
constexpr std::int64_t kKernel_ns = 1000;

class Generator {
public:
    Generator(const std::filesystem::path& file, std::int64_t kernels, const std::string& promptId)
        : writer_(file, {.host = "here",
                         .pid = 42,
                         .program = "generated",
                         .collector = "trace",
                         .monotonic = Nanoseconds(1'000'000),
                         .utc = Nanoseconds(1'700'000'000'000'000'000),
                         .environment = {{"gpu", "none", "test"}}}),
          kernels_(kernels),
          promptId_(promptId) {}

    void write() {
        testing::Script script{.layers = kLayers, .sequences = 2};
        if (!promptId_.empty()) script.promptId = promptId_;
        RunFacts facts = testing::factsOf(script);
        facts.device = "cuda:0";
        writer_.beginRun(writer_.nextRun(), facts, Nanoseconds(now_), true);
        writer_.setRecordBudget(std::nullopt);
        writer_.beginBatch(BatchIndex(0), std::vector{SequenceIndex(0), SequenceIndex(1)});
        const std::int64_t begin = now_;
        for (std::int32_t step = 0; written_ < kernels_; ++step) this->step(step);
        for (std::int64_t at = begin; at < now_; at += 50'000) {
            const auto end = Nanoseconds(at + 50'000);
            samples_.push_back({.device = 0,
                                .begin = Nanoseconds(at),
                                .end = end,
                                .metric = "dram_read_bytes",
                                .value = 50'000,
                                .source = "hw_pm"});
            samples_.push_back({.device = 0,
                                .begin = Nanoseconds(at),
                                .end = end,
                                .metric = "power_w",
                                .value = 400.5,
                                .source = "nvml"});
            if (samples_.size() > 4096) flush(samples_);
        }
        flush(samples_);
        writer_.endRun(Nanoseconds(now_), RunOutcome::Finished, "");
        writer_.finish();
    }

private:
    template <class Record>
    void flush(std::vector<Record>& records) {
        writer_.write(std::span<const Record>(records));
        records.clear();
    }

    void scope(const ScopeKey& key, std::int64_t begin) {
        writer_.write(ScopeRecord{.key = key,
                                  .begin = Nanoseconds(begin),
                                  .end = Nanoseconds(now_),
                                  .cost = cost::Cost{1000, 100, 5000}});
    }

    void step(std::int32_t index) {
        ScopeKey key{.phase = index == 0 ? Phase::Prefill : Phase::Decode, .step = StepIndex(index)};
        const std::int64_t begin = now_;
        const bool isGraph = index >= 2;
        if (isGraph) {
            ++correlation_;
            calls_.push_back({.scope = {.place = key, .by = Attribution::External},
                              .begin = Nanoseconds(now_),
                              .end = Nanoseconds(now_ + 500),
                              .thread = 7,
                              .correlation = correlation_,
                              .name = "cudaGraphLaunch_v10000"});
        }
        now_ += 1000;  // a launch comes before its kernel
        for (std::int32_t layer = 0; layer < kLayers; ++layer) {
            key.layer = LayerIndex(layer);
            key.op.reset();
            const std::int64_t layerBegin = now_;
            if (index == 0) {
                for (std::int32_t sequence = 0; sequence < 2; ++sequence) {
                    writer_.write(DecisionRecord{
                        .sequence = SequenceIndex(sequence),
                        .turn = {},
                        .step = {},
                        .layer = LayerIndex(layer),
                        .decision = {
                            .attention = layer == 0 ? Attention::Full : Attention::Sparse,
                            .by = DecidedBy::Router,
                            .logits = RouterLogits{.sparse = 0.25F, .full = layer == 0 ? 1.25F : -0.75F},
                            .threshold = 0.5,
                            .kvHead = {}}});
                    writer_.write(KvRecord{
                        .sequence = SequenceIndex(sequence),
                        .turn = {},
                        .step = {},
                        .layer = LayerIndex(layer),
                        .kv = {.bytesKept = layer == 0 ? 384 : 128, .bytesFreed = layer == 0 ? 0 : 256}});
                }
            }
            for (const Op op : {Op::Attention, Op::Mlp}) {
                key.op = op;
                const std::int64_t opBegin = now_;
                for (std::int64_t i = 0; i < kKernelsOfAStep / (2 * kLayers); ++i) kernel(key, i, isGraph);
                scope(key, opBegin);
            }
            key.op.reset();
            scope(key, layerBegin);
        }
        key.layer.reset();
        now_ += 100;
        scope(key, begin);
        for (std::int32_t sequence = 0; sequence < 2; ++sequence)
            writer_.write(TokenRecord{.sequence = SequenceIndex(sequence),
                                      .turn = {},
                                      .step = StepIndex(index),
                                      .token = {.id = TokenId(index),
                                                .text = index % 2 == 0 ? "=1+1" : "a, \"b\"\n",
                                                .logprob = -0.5F,
                                                .top = {},
                                                .tailMass = 0},
                                      .emitted = Nanoseconds(now_)});
        if (index == 0) {
            const DeviceQueue queue{.device = 0, .context = 1, .stream = 7};
            const Attributed place{.place = key, .by = Attribution::External};
            writer_.write(std::span<const CopyRecord>(std::vector<CopyRecord>{{.scope = place,
                                                                               .begin = Nanoseconds(now_),
                                                                               .end = Nanoseconds(now_ + 300),
                                                                               .queue = queue,
                                                                               .correlation = 900'000'001,
                                                                               .graphNode = 0,
                                                                               .kind = CopyKind::DeviceToHost,
                                                                               .pinned = true,
                                                                               .bytes = 8}}));
            writer_.write(
                std::span<const FillRecord>(std::vector<FillRecord>{{.scope = {},
                                                                     .begin = Nanoseconds(now_ + 400),
                                                                     .end = Nanoseconds(now_ + 500),
                                                                     .queue = queue,
                                                                     .correlation = 900'000'002,
                                                                     .graphNode = 0,
                                                                     .bytes = 64}}));
            writer_.write(std::span<const SyncRecord>(std::vector<SyncRecord>{{.begin = Nanoseconds(now_),
                                                                               .end = Nanoseconds(now_ + 600),
                                                                               .queue = queue,
                                                                               .correlation = 0,
                                                                               .kind = "stream"}}));
            writer_.write(
                std::span<const OverheadRecord>(std::vector<OverheadRecord>{{.begin = Nanoseconds(now_),
                                                                             .end = Nanoseconds(now_ + 200),
                                                                             .thread = 7,
                                                                             .kind = "buffer-flush"}}));
        }
        now_ += 1000;
        flush(calls_);
        flush(records_);
        if (writer_.uncommittedRows() > 200'000) writer_.commit();
    }

    void kernel(const ScopeKey& key, std::int64_t index, bool isGraph) {
        const bool isAside = key.layer->value() == 1 && index % 2 == 0;
        const Attributed place{.place = key, .by = isGraph ? Attribution::GraphNode : Attribution::External};
        if (!isGraph) {
            ++correlation_;
            calls_.push_back({.scope = {.place = key, .by = Attribution::External},
                              .begin = Nanoseconds(now_ - 900),
                              .end = Nanoseconds(now_ - 400),
                              .thread = 7,
                              .correlation = correlation_,
                              .name = "cudaLaunchKernel_v7000"});
        }
        const std::int64_t begin = isAside ? now_ - 200 : now_;
        records_.push_back({.scope = place,
                            .begin = Nanoseconds(begin),
                            .end = Nanoseconds(begin + kKernel_ns),
                            .queue = {.device = 0, .context = 1, .stream = 7},
                            .correlation = correlation_,
                            .graph = isGraph ? 3U : 0U,
                            .graphNode = isGraph ? static_cast<std::uint64_t>(index + 1) : 0U,
                            .name = key.op == Op::Attention ? "_Z9attentionPfi" : "_Z3mlpPfi",
                            .launch = {.grid = {4, 2, 1},
                                       .block = {128, 1, 1},
                                       .cluster = {},
                                       .registersPerThread = 64,
                                       .staticSharedBytes = 1024,
                                       .dynamicSharedBytes = 2048}});
        now_ += kKernel_ns + 50;
        ++written_;
    }

    CaptureWriter writer_;
    const std::int64_t kernels_;
    const std::string promptId_;
    std::int64_t now_ = 10'000'000;
    std::int64_t written_ = 0;
    std::int64_t correlation_ = 0;
    std::vector<ApiRecord> calls_;
    std::vector<KernelRecord> records_;
    std::vector<SampleRecord> samples_;
};

}  // namespace
}  // namespace fluxscope

int main(int argc, char** argv) {
    if (argc < 2) {
        std::cerr << "generated-capture OUT.fluxdb [KERNELS] [PROMPT_ID]\n";
        return 2;
    }
    fluxscope::Generator(argv[1], argc > 2 ? std::stoll(argv[2]) : 300, argc > 3 ? argv[3] : "").write();
    return 0;
}
