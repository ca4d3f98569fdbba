// One token of each sequence goes through the model: the layers as prefill left them, attention over slots. Nothing is decided
// here; what was decided is data in the table of slots, so sequences that were decided differently go in one batch.
#pragma once

#include "engine/decode/slot_table.h"
#include "engine/kv/kv_cache.h"
#include "engine/transformer/transformer.h"

#include <functional>
#include <span>
#include <vector>

namespace fluxscope {

// Sees a layer's queries of a step as a router does, [rows, heads, dim]: after q-norm, before RoPE.
using RoutedTap = std::function<void(LayerIndex, const at::Tensor&)>;

class Decode {
public:
    // One row a sequence. `rotary` reaches as far as the sequences may grow.
    Decode(const Transformer& transformer, const RotaryTable& rotary, std::vector<KvCache*> sequences);

    // tokens[r] stands at position sequences[r]->length(), which grows by one. Returns the logits of the next tokens,
    // [rows, vocabulary], fp32, where the model computes.
    at::Tensor step(std::span<const TokenId> tokens, const Tracer& step, const RoutedTap& routed = {});

    // The sequences that go on, in this order; the others have ended.
    void retain(std::span<const std::size_t> rows);

private:
    at::Tensor attend(LayerIndex layer, const Qkv& qkv, const Tracer& at);

    const Transformer& model_;
    const RotaryTable& rotary_;
    std::vector<KvCache*> sequences_;
    SlotTable table_;
};

}  // namespace fluxscope
