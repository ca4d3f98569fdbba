#include "engine/prefill/prefill.h"

#include "engine/attention/attention.h"
#include "engine/contract/error.h"

#include <algorithm>

namespace fluxscope {
namespace {

std::vector<Chunk> chunksOf(std::int64_t tokens, std::int64_t chunkTokens) {
    std::vector<Chunk> chunks;
    for (std::int64_t begin = 0; begin < tokens; begin += chunkTokens)
        chunks.push_back({ChunkIndex::of(chunks.size()), begin, std::min(begin + chunkTokens, tokens)});
    return chunks;
}

KvShape kvShapeOf(const ModelConfig& config, const SequencePlan& plan) {
    const auto prompt = static_cast<std::int64_t>(plan.prompt.size());
    return {.kvHeads = config.kvHeads,
            .dim = config.headDim,
            .prompt = prompt,
            .positions = plan.positions,
            .chunk = std::min(plan.chunkTokens, prompt)};
}

}  // namespace

Prefill::Prefill(const Transformer& transformer, const Router& router, const SequencePlan& plan,
                 const RotaryTable& rotary, KvCache& kv, const Tracer& step, const CancelToken& cancel)
    : model_(transformer),
      router_(router),
      plan_(plan),
      rotary_(rotary),
      cache_(kv),
      kv_(kvShapeOf(transformer.config(), plan), plan.sparse, transformer.compute(), kv),
      step_(step),
      cancel_(cancel),
      chunks_(chunksOf(static_cast<std::int64_t>(plan.prompt.size()), plan.chunkTokens)) {}

void Prefill::run() {
    hidden_ = model_.embed(plan_.prompt, step_);  // [tokens, hidden]
    for (std::int64_t l = 0; l < model_.config().layers; ++l) layer(LayerIndex::of(l));
}

void Prefill::layer(LayerIndex l) {
    const Tracer here = step_.layer(l);
    const auto scope = here.open();

    // Only the prompt's two ends are needed for the router, and all of the prompt for the layer.
    const PendingLogits logits = router_.start(l, hidden_, here);
    Decision decision;
    for (const Chunk& c : chunks_) {
        if (cancel_.cancelled()) throw CancelledError("the run");
        const Tracer at = here.chunk(c.index);
        const auto chunkScope = at.open();

        const at::Tensor rows = hidden_.slice(0, c.begin, c.end);  // [chunk, hidden], a view
        const Qkv qkv = model_.project(l, rows, rotary_.rows(c.begin, c.end - c.begin),
                                       at);  // needs no decision: fills the router's wait
        if (c.index == ChunkIndex{}) decision = decide(l, logits);
        model_.finish(l, rows, attend(decision, c, qkv, at), at);
    }
    kv_.seal();  // a streaming layer keeps sink + window from here on

    const std::int64_t kept = cache_.layer(l).bytes();
    const std::int64_t full = kept / cache_.layer(l).groups.front().capacity() * plan_.positions;
    routing_.push_back({{decision}, {.bytesKept = kept, .bytesFreed = full - kept}});
    step_.observer().kvSettled(plan_.sequence, step_.key().turn, step_.key().step, l, routing_.back().kv);
}

// One decision for the layer and the prompt; decoding keeps it.
Decision Prefill::decide(LayerIndex l, const PendingLogits& logits) {
    const Decision decision =
        plan_.policy.decide(l, static_cast<std::int32_t>(model_.config().layers), logits.wait()).front();
    step_.observer().decided(plan_.sequence, step_.key().turn, step_.key().step, l, decision);
    kv_.begin(decision.attention);
    return decision;
}

at::Tensor Prefill::attend(const Decision& decision, const Chunk& chunk, const Qkv& qkv, const Tracer& at) {
    const ModelConfig& config = model_.config();
    const cost::DType type = model_.compute().costType;
    const std::int64_t rows = chunk.end - chunk.begin;
    {
        const auto op =
            at.op(Op::KvWrite, cost::PointwiseShape{.elements = 2 * rows * config.kvHeads * config.headDim,
                                                    .reads = 1,
                                                    .flopsEach = 0,
                                                    .type = type});
        kv_.append(qkv.k, qkv.v);
    }
    const PrefillMode mode = decision.attention == Attention::Full ? PrefillMode::Full : plan_.sparse.prefill;
    cost::AttentionShape shape =
        cost::denseShape(rows, chunk.end, config.heads, config.kvHeads, config.headDim, type);
    if (mode == PrefillMode::Streaming) {
        shape.sink = plan_.sparse.sink;
        shape.window = plan_.sparse.window;
    }
    const auto op = at.op(Op::Attention, shape);
    shape.keys = kv_.keys();  // those that still lie there; the rule selects the same ones
    if (mode == PrefillMode::Full) shape.window = shape.keys;
    return attendPrefill(model_.compute(), mode, shape, qkv.q, kv_.view());  // [chunk, heads, dim]
}

}  // namespace fluxscope
