// One token goes through the model: the layers as prefill left them, attention over slots. Nothing is decided here; what was
// decided is data in the table of slots.
#pragma once

#include "engine/kv/kv_cache.h"
#include "engine/transformer/transformer.h"

namespace fluxscope {

class Decode {
public:
    Decode(const Transformer& transformer, const RotaryTable& rotary, KvCache& kv)
        : model_(transformer), rotary_(rotary), kv_(kv) {}

    // `token` stands at `position`; returns the logits of the next one, [1, vocabulary], fp32.
    at::Tensor step(TokenId token, std::int64_t position, const Tracer& step);

private:
    at::Tensor attend(LayerIndex layer, const Qkv& qkv, std::int64_t length, const Tracer& at);

    const Transformer& model_;
    const RotaryTable& rotary_;
    KvCache& kv_;
};

}  // namespace fluxscope
