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

// Goes from a step's logits [rows, vocabulary] to the ids [rows] int64 that the next one reads, as a part of the step: rows
// beyond the sequences too, and without a word from the host.
using NextIds = std::function<void(const at::Tensor& logits, const at::Tensor& ids, const Tracer& step)>;

struct DecodeOptions {
    // On CUDA: record the step and replay it, with as many rows as the next power of two, so that a batch that shrinks is not
    // recorded anew each time. A replayed step has no scopes inside: its observer is told of the recording once, and of each
    // replay how much it attends to (engine/contract/observer.h). Elsewhere without effect.
    bool graphs = false;
    NextIds next = {};  // absent: tokens come from the host
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

    // The two halves of it: tokens go where the model computes, and a step reads what lies there. With `next`, a step leaves the
    // tokens of the one after it, and after the first put any number of them may be enqueued. Returns all rows' logits.
    void put(std::span<const TokenId> tokens);
    at::Tensor advance(const Tracer& step, const RoutedTap& routed = {});
    // With those beyond the sequences, since the last put.
    std::int64_t rows() const { return table_.rows(); }

    // The sequences that go on, in this order; the others have ended.
    void retain(std::span<const std::size_t> rows);

private:
    at::Tensor compute(const Tracer& step, const RoutedTap& routed);
    at::Tensor replay(const Tracer& step);
    std::vector<std::int64_t> attended() const;
    at::Tensor attend(LayerIndex layer, const Qkv& qkv, const Tracer& at);

    const Transformer& model_;
    const RotaryTable& rotary_;
    std::vector<KvCache*> sequences_;
    bool graphs_;
    NextIds next_;
    SlotTable table_;
    at::Tensor ids_;  // int64 [rows], where the model computes: what a recorded step reads
    std::unique_ptr<CapturedWork> recorded_;
    RecordingIndex recording_;  // as it was told of
};

}  // namespace fluxscope
