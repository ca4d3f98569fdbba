#include "engine/decode/decode.h"

#include "engine/attention/attention.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <atomic>
#include <bit>
#include <cassert>
#include <utility>

namespace fluxscope {

#ifdef FLUXSCOPE_CUDA
namespace {

RecordingIndex nextRecording() {
    static std::atomic<RecordingIndex::Value> next{0};
    return RecordingIndex(next++);
}

// Whatever is told while it lives is about the recording, also when that fails half way.
class ToldRecording {
public:
    ToldRecording(Observer& observer, RecordingIndex recording) : observer_(observer), recording_(recording) {
        observer_.recordingBegan(recording_);
    }
    ~ToldRecording() { observer_.recordingEnded(recording_); }
    ToldRecording(const ToldRecording&) = delete;
    ToldRecording& operator=(const ToldRecording&) = delete;

private:
    Observer& observer_;
    RecordingIndex recording_;
};

}  // namespace
#endif

Decode::Decode(const Transformer& transformer, const RotaryTable& rotary, std::vector<KvCache*> sequences,
               const DecodeOptions& options)
    : model_(transformer),
      rotary_(rotary),
      sequences_(std::move(sequences)),
      graphs_(options.graphs && transformer.compute().isCuda()),
      next_(options.next),
      table_(transformer.compute(), transformer.config().layers, transformer.config().kvHeads,
             transformer.config().headDim) {}

at::Tensor Decode::step(std::span<const TokenId> tokens, const Tracer& step, const RoutedTap& routed) {
    put(tokens);
    return advance(step, routed).slice(0, 0, static_cast<std::int64_t>(tokens.size()));
}

at::Tensor Decode::advance(const Tracer& step, const RoutedTap& routed) {
    table_.countStep();
#ifdef FLUXSCOPE_CUDA
    at::Tensor logits = graphs_ && !routed ? replay(step) : compute(step, routed);
#else
    at::Tensor logits = compute(step, routed);
#endif
    for (KvCache* kv : sequences_) kv->advance();
    return logits;
}

void Decode::put(std::span<const TokenId> tokens) {
    assert(tokens.size() == sequences_.size());
    const std::size_t rows = graphs_ ? std::bit_ceil(tokens.size()) : tokens.size();
    if (table_.refresh(sequences_, static_cast<std::int64_t>(rows))) recorded_.reset();
    if (!ids_.defined() || ids_.size(0) != table_.rows())
        ids_ = at::zeros({table_.rows()}, model_.compute().options().dtype(at::kLong));
    const at::Tensor given = at::empty({static_cast<std::int64_t>(tokens.size())}, at::kLong);
    for (std::size_t i = 0; i < tokens.size(); ++i)
        given.mutable_data_ptr<std::int64_t>()[i] = tokens[i].value();
    ids_.slice(0, 0, given.size(0)).copy_(given);
}

// From ids_ to logits, and on to the next ids_. On a GPU this only enqueues, and reads on the host nothing that differs from
// step to step.
at::Tensor Decode::compute(const Tracer& step, const RoutedTap& routed) {
    const RotaryRows rotary = rotary_.rows(table_.beginStep());
    const at::Tensor hidden = model_.embed(ids_, step);  // [rows, hidden]
    for (std::int64_t l = 0; l < model_.config().layers; ++l) {
        const LayerIndex layer = LayerIndex::of(l);
        const Tracer at = step.layer(layer);
        const auto scope = at.open();
        const Qkv qkv = model_.project(layer, hidden, rotary, at);
        if (routed) routed(layer, qkv.routed.slice(0, 0, static_cast<std::int64_t>(sequences_.size())));
        model_.finish(layer, hidden, attend(layer, qkv, at), at);
    }
    at::Tensor logits = model_.logits(hidden, step);
    if (next_) next_(logits, ids_, step);
    return logits;
}

std::vector<std::int64_t> Decode::attended() const {
    std::vector<std::int64_t> slots;
    for (std::int64_t l = 0; l < model_.config().layers; ++l)
        slots.push_back(table_.usedSlots(LayerIndex::of(l)));
    return slots;
}

#ifdef FLUXSCOPE_CUDA
at::Tensor Decode::replay(const Tracer& step) {
    if (recorded_) {
        step.observer().stepReplayed(step.key(), recording_, attended());
        return recorded_->replay();
    }
    recording_ = nextRecording();
    Captured captured = capture(
        model_.compute(), [&] { return compute(step, {}); },
        [&] {
            const ToldRecording told(step.observer(), recording_);
            return compute(step, {});
        });
    recorded_ = std::move(captured.work);
    return captured.first;
}
#endif

at::Tensor Decode::attend(LayerIndex layer, const Qkv& qkv, const Tracer& at) {
    const ModelConfig& config = model_.config();
    const cost::DType type = model_.compute().costType;
    const std::int64_t rows = table_.rows();
    {
        const auto op =
            at.op(Op::KvWrite, cost::PointwiseShape{.elements = 2 * rows * config.kvHeads * config.headDim,
                                                    .reads = 1,
                                                    .flopsEach = 0,
                                                    .type = type});
        table_.write(layer, qkv.k, qkv.v);
    }
    const auto op = at.op(Op::Attention, cost::SlotAttentionShape{.sequences = rows,
                                                                  .attended = table_.usedSlots(layer),
                                                                  .heads = config.heads,
                                                                  .kvHeads = config.kvHeads,
                                                                  .dim = config.headDim,
                                                                  .type = type});
    const SlotDecodeShape shape{.sequences = rows,
                                .heads = config.heads,
                                .kvHeads = config.kvHeads,
                                .dim = config.headDim,
                                .type = type};
    return attendDecode(model_.compute(), shape, table_.mostSlots(), qkv.q,
                        table_.layer(layer));  // [rows, heads, dim]
}

void Decode::retain(std::span<const std::size_t> rows) {
    std::vector<KvCache*> kept;
    kept.reserve(rows.size());
    for (const std::size_t row : rows) kept.push_back(sequences_[row]);
    sequences_ = std::move(kept);
}

}  // namespace fluxscope
