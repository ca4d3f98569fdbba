#include "engine/decode/decode.h"

#include "engine/attention/attention.h"

#include <cassert>
#include <utility>

namespace fluxscope {

Decode::Decode(const Transformer& transformer, const RotaryTable& rotary, std::vector<KvCache*> sequences)
    : model_(transformer),
      rotary_(rotary),
      sequences_(std::move(sequences)),
      table_(transformer.compute(), transformer.config().layers, transformer.config().kvHeads) {}

at::Tensor Decode::step(std::span<const TokenId> tokens, const Tracer& step, const RoutedTap& routed) {
    assert(tokens.size() == sequences_.size());
    table_.refresh(sequences_);
    const RotaryRows rotary = rotary_.rows(table_.beginStep());
    const at::Tensor hidden = model_.embed(tokens, step);  // [rows, hidden]
    for (std::int64_t l = 0; l < model_.config().layers; ++l) {
        const LayerIndex layer = LayerIndex::of(l);
        const Tracer at = step.layer(layer);
        const auto scope = at.open();
        const Qkv qkv = model_.project(layer, hidden, rotary, at);
        if (routed) routed(layer, qkv.routed);
        model_.finish(layer, hidden, attend(layer, qkv, at), at);
    }
    for (KvCache* kv : sequences_) kv->advance();
    return model_.logits(hidden, step);
}

at::Tensor Decode::attend(LayerIndex layer, const Qkv& qkv, const Tracer& at) {
    const ModelConfig& config = model_.config();
    const cost::DType type = model_.compute().costType;
    const auto rows = static_cast<std::int64_t>(sequences_.size());
    {
        const auto op =
            at.op(Op::KvWrite, cost::PointwiseShape{.elements = 2 * rows * config.kvHeads * config.headDim,
                                                    .reads = 1,
                                                    .flopsEach = 0,
                                                    .type = type});
        table_.write(layer, qkv.k, qkv.v);
    }
    const auto op = at.op(Op::Attention, cost::SlotAttentionShape{.sequences = rows,
                                                                  .slots = table_.usedSlots(layer),
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
