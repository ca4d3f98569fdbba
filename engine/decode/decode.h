// One token of each sequence goes through the model: the layers as prefill left them, attention over slots. Nothing is decided
// here; what was decided is data in the table of slots, so sequences that were decided differently go in one batch, and on a
// GPU one recorded step serves them all until they end.
#pragma once

#include "engine/decode/captured_work.h"
#include "engine/decode/slot_table.h"
#include "engine/kv/kv_cache.h"
#include "engine/transformer/transformer.h"

#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace fluxscope {

// Sees a layer's queries of a step as a router does, [rows, heads, dim]: after q-norm, before RoPE.
using RoutedTap = std::function<void(LayerIndex, const at::Tensor&)>;

struct DecodeOptions {
    // On CUDA: record the step and replay it, with as many rows as the next power of two, so that a batch that shrinks is not
    // recorded anew each time. Layers and operations then have no scopes of their own. Elsewhere without effect.
    bool graphs = false;
};

class Decode {
public:
    // One row a sequence. `rotary` reaches as far as the sequences may grow.
    Decode(const Transformer& transformer, const RotaryTable& rotary, std::vector<KvCache*> sequences,
           const DecodeOptions& options = {});

    // tokens[r] stands at position sequences[r]->length(), which grows by one. Returns the logits of the next tokens,
    // [rows, vocabulary], fp32, where the model computes; with graphs, the next step overwrites them. A step with a tap is not
    // replayed.
    at::Tensor step(std::span<const TokenId> tokens, const Tracer& step, const RoutedTap& routed = {});

    // The sequences that go on, in this order; the others have ended.
    void retain(std::span<const std::size_t> rows);

private:
    void put(std::span<const TokenId> tokens);
    at::Tensor compute(const Tracer& step, const RoutedTap& routed);
    at::Tensor replay();
    at::Tensor attend(LayerIndex layer, const Qkv& qkv, const Tracer& at);

    const Transformer& model_;
    const RotaryTable& rotary_;
    std::vector<KvCache*> sequences_;
    bool graphs_;
    SlotTable table_;
    at::Tensor ids_;  // int64 [rows], where the model computes: what a recorded step reads
    std::unique_ptr<CapturedWork> recorded_;
};

}  // namespace fluxscope
