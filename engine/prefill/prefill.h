// The prompt goes through the model: layer by layer, and inside a layer chunk by chunk. This is the engine's centre.
//
// The router of a layer looks at that layer's queries of the prompt's first and last tokens. So no chunk of a layer may be
// computed before its decision, and none of the next layer before this one is through: the chunk loop is inside the layer
// loop, and the hidden states of the whole prompt stay in memory.
#pragma once

#include "engine/contract/cancel.h"
#include "engine/contract/policy.h"
#include "engine/engine.h"
#include "engine/kv/prefill_kv.h"
#include "engine/router/router.h"
#include "engine/transformer/transformer.h"

#include <vector>

namespace fluxscope {

// What prefill and decode of one sequence share.
struct SequencePlan {
    SequenceIndex sequence;
    std::vector<TokenId> prompt;
    std::int64_t positions = 0;  // tokens that prompt and answer may have together
    std::int64_t chunkTokens = 0;
    const Policy& policy;
    SparseForm sparse;
};

struct Chunk {
    ChunkIndex index;
    std::int64_t begin = 0;
    std::int64_t end = 0;
};

class Prefill {
public:
    Prefill(const Transformer& transformer, const Router& router, const SequencePlan& plan,
            const RotaryTable& rotary, KvCache& kv, const Tracer& step, const CancelToken& cancel);

    // Embeds the prompt and sends it through all layers. Throws CancelledError between chunks.
    void run();

    const at::Tensor& hidden() const { return hidden_; }  // [tokens, hidden], after the last layer
    std::vector<LayerRouting> takeRouting() { return std::move(routing_); }

private:
    void layer(LayerIndex l);
    Decision decide(LayerIndex l, const PendingLogits& logits);
    at::Tensor attend(const Decision& decision, const Chunk& chunk, const Qkv& qkv, const Tracer& at);

    const Transformer& model_;
    const Router& router_;
    const SequencePlan& plan_;
    const RotaryTable& rotary_;
    KvCache& cache_;
    PrefillKv kv_;
    Tracer step_;
    const CancelToken& cancel_;
    std::vector<Chunk> chunks_;
    at::Tensor hidden_;
    std::vector<LayerRouting> routing_;
};

}  // namespace fluxscope
