#include "engine/decode/decode.h"

#include "engine/attention/attention.h"

#include <algorithm>
#include <array>

namespace fluxscope {

at::Tensor Decode::step(TokenId token, std::int64_t position, const Tracer& step) {
    const std::array<TokenId, 1> one = {token};
    const at::Tensor hidden = model_.embed(one, step);  // [1, hidden]
    const RotaryRows rotary = rotary_.rows(position, 1);
    kv_.setLength(position + 1);
    for (std::int64_t l = 0; l < model_.config().layers; ++l) {
        const LayerIndex layer = LayerIndex::of(l);
        const Tracer at = step.layer(layer);
        const auto scope = at.open();
        const Qkv qkv = model_.project(layer, hidden, rotary, at);  // [1, heads + 2 kvHeads, dim]
        model_.finish(layer, hidden, attend(layer, qkv, position + 1, at), at);
    }
    return model_.logits(hidden, step);
}

at::Tensor Decode::attend(LayerIndex layer, const Qkv& qkv, std::int64_t length, const Tracer& at) {
    const ModelConfig& config = model_.config();
    const cost::DType type = model_.compute().costType;
    {
        const auto op = at.op(
            Op::KvWrite,
            cost::PointwiseShape{
                .elements = 2 * config.kvHeads * config.headDim, .reads = 1, .flopsEach = 0, .type = type});
        kv_.write(layer, qkv.k, qkv.v);
    }
    const std::int64_t slots = std::min(length, kv_.layer(layer).capacity());
    const auto op =
        at.op(Op::Attention, cost::denseShape(1, slots, config.heads, config.kvHeads, config.headDim, type));
    const SlotDecodeShape shape{.sequences = 1,
                                .heads = config.heads,
                                .kvHeads = config.kvHeads,
                                .dim = config.headDim,
                                .type = type};
    return attendDecode(model_.compute(), shape, qkv.q, kv_.table(layer));  // [1, heads, dim]
}

}  // namespace fluxscope
