#include "engine/prefill/sequence_prefill.h"

#include "engine/attention/attention.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <algorithm>

namespace fluxscope {
namespace {

at::Tensor indicesOf(const std::vector<std::int64_t>& indices, const at::Device& device) {
    return at::tensor(indices, at::TensorOptions().dtype(at::kLong)).to(device);
}

}  // namespace

SequencePrefill::SequencePrefill(const Transformer& transformer, const Router& router,
                                 const RotaryTable& rotary, const SequencePlan& plan, std::size_t slot,
                                 PrefillScratch& scratch, Pace& pace, const Tracer& step)
    : model_(transformer),
      router_(router),
      rotary_(rotary),
      plan_(plan),
      slot_(static_cast<std::int64_t>(slot)),
      scratch_(scratch),
      pace_(pace),
      base_(plan.earlier ? plan.earlier->length() : 0),
      hidden_(transformer.embed(plan.tokens, step)) {}

ChunkIndex SequencePrefill::layer(LayerIndex l, const Tracer& here, ChunkIndex first) {
    // Only the prompt's two ends are needed for the router, and all of the prompt for the layer. Where an earlier turn has
    // decided, nobody asks.
    pace_.goOn();
    const PendingLogits logits = plan_.earlier ? PendingLogits() : router_.start(l, hidden_, here, slot_);
    if (logits.headMeans().defined()) ends_.headMeans.push_back(logits.headMeans());
    const std::int64_t tokens = hidden_.size(0);
    std::vector<Decision> decisions;
    std::vector<Group> groups;
    for (std::int64_t begin = 0; begin < tokens; begin += plan_.chunkTokens, ++first) {
        pace_.goOn();
        const Tracer at = here.chunk(first);
        const auto chunkScope = at.open();

        const std::int64_t end = std::min(begin + plan_.chunkTokens, tokens);
        const at::Tensor rows = hidden_.slice(0, begin, end);  // [chunk, hidden], a view
        const Qkv qkv = model_.project(l, rows, rotary_.rows(base_ + begin, end - begin), at);
        if (begin == 0) {  // the projection needed no decision: it filled the router's wait
            decisions = decide(l, logits, here);
            groups = groupsOf(l, decisions);
        }
        pace_.goOn();
        const at::Tensor attended = attend(groups, l, base_ + begin, qkv, at);
        pace_.goOn();
        model_.finish(l, rows, attended, at);
        pace_.afterChunk();
    }
    settle(l, std::move(decisions), groups, here);
    return first;
}

// Taken once for the layer and the prompt; decoding keeps it.
std::vector<Decision> SequencePrefill::decide(LayerIndex l, const PendingLogits& logits,
                                              const Tracer& here) const {
    std::vector<Decision> decisions;
    if (plan_.given) {
        decisions = (*plan_.given)[static_cast<std::size_t>(l.value())];
        const std::optional<RouterLogits> now = logits.wait();
        for (Decision& decision : decisions)
            if (now) decision.logits = now;
    } else {
        decisions = plan_.policy->decide(l, static_cast<std::int32_t>(model_.config().layers), logits.wait());
    }
    for (const Decision& decision : decisions)
        here.observer().decided(plan_.sequence, here.key().turn, here.key().step, l, decision);
    return decisions;
}

std::vector<SequencePrefill::Group> SequencePrefill::groupsOf(LayerIndex l,
                                                              const std::vector<Decision>& decisions) {
    const ModelConfig& config = model_.config();
    const std::int64_t tokens = hidden_.size(0);
    const std::int64_t shared = config.heads / config.kvHeads;  // query heads of one KV head
    const auto window = config.slidingWindow(l);
    std::vector<HeadGroup> heads = headGroupsOf(decisions, config.kvHeads);
    const bool isWhole = heads.size() == 1;

    std::vector<Group> groups;
    for (std::size_t g = 0; g < heads.size(); ++g) {
        HeadGroup& group = heads[g];
        GroupRule rule = plan_.earlier ? followUpRuleOf(group.attention, plan_.sparse, window)
                                       : ruleOf(group.attention, plan_.sparse, window);
        PrefillKvPlan kv{.kvHeads = group.kvHeads,
                         .dim = config.headDim,
                         .begin = base_,
                         .end = base_ + tokens,
                         .positions = plan_.positions,
                         .chunk = std::min(plan_.chunkTokens, tokens),
                         .need = rule.need,
                         .keeps = rule.keeps};
        PrefillKv memory(std::move(kv), scratch_.groups[static_cast<std::size_t>(group.attention)],
                         plan_.kv->arena(), plan_.earlier ? &plan_.earlier->layer(l).groups[g] : nullptr);
        at::Tensor kvHeads;
        at::Tensor queryHeads;
        if (!isWhole) {
            std::vector<std::int64_t> queries;
            for (const std::int64_t head : group.kvHeads)
                for (std::int64_t i = 0; i < shared; ++i) queries.push_back(head * shared + i);
            kvHeads = indicesOf(group.kvHeads, model_.compute().device);
            queryHeads = indicesOf(queries, model_.compute().device);
        }
        groups.push_back({std::move(group), rule, std::move(memory), kvHeads, queryHeads});
    }
    return groups;
}

at::Tensor SequencePrefill::attend(std::vector<Group>& groups, LayerIndex l, std::int64_t begin,
                                   const Qkv& qkv, const Tracer& at) {
    const ModelConfig& config = model_.config();
    const std::int64_t rows = qkv.q.size(0);
    {
        const auto op =
            at.op(Op::KvWrite, cost::PointwiseShape{.elements = 2 * rows * config.kvHeads * config.headDim,
                                                    .reads = 1,
                                                    .flopsEach = 0,
                                                    .type = model_.compute().costType});
        for (Group& group : groups) {
            const bool isWhole = !group.kvHeads.defined();
            group.kv.append(isWhole ? qkv.k : qkv.k.index_select(1, group.kvHeads),
                            isWhole ? qkv.v : qkv.v.index_select(1, group.kvHeads));
        }
    }
    PrefillPlace place{.layer = l,
                       .prompt = base_ + hidden_.size(0),
                       .begin = begin,
                       .end = begin + rows,
                       .keys = 0,
                       .kvHeads = 0,
                       .modelWindow = config.slidingWindow(l)};
    if (groups.size() == 1) return attend(groups.front(), place, qkv, at);  // [chunk, heads, dim]
    at::Tensor out = at::empty(qkv.q.sizes(), qkv.q.options());
    for (Group& group : groups) out.index_copy_(1, group.heads_, attend(group, place, qkv, at));
    return out;
}

at::Tensor SequencePrefill::attend(Group& group, const PrefillPlace& place, const Qkv& qkv,
                                   const Tracer& at) {
    PrefillPlace here = place;
    here.keys = group.kv.keys();
    here.kvHeads = static_cast<std::int64_t>(group.heads.kvHeads.size());
    auto op = at.op(Op::Attention);
    cost::OpShape priced;
    const at::Tensor q = group.heads_.defined() ? qkv.q.index_select(1, group.heads_) : qkv.q;
    at::Tensor out = attendPrefill(model_.compute(), group.rule.mode, group.rule.form, here, q,
                                   group.kv.view(), op ? &priced : nullptr);
    if (op) op->price(priced);
    return out;
}

// A sparse group keeps its window from here on.
void SequencePrefill::settle(LayerIndex l, std::vector<Decision> decisions, std::vector<Group>& groups,
                             const Tracer& here) {
    const ModelConfig& config = model_.config();
    KvLayer layer;
    for (Group& group : groups) layer.groups.push_back(group.kv.seal());
    const std::int64_t kept = layer.bytes();
    const std::int64_t full = 2 * plan_.positions * config.kvHeads * config.headDim *
                              static_cast<std::int64_t>(layer.groups.front().k.element_size());
    plan_.kv->addLayer(std::move(layer));
    routing_.push_back({std::move(decisions), {.bytesKept = kept, .bytesFreed = full - kept}});
    here.observer().kvSettled(plan_.sequence, here.key().turn, here.key().step, l, routing_.back().kv);
}

PrefilledSequence SequencePrefill::finish() {
    plan_.kv->setLength(base_ + hidden_.size(0));
    ends_.tokens = hidden_.size(0);
    return {std::move(hidden_), std::move(routing_), std::move(ends_)};
}

}  // namespace fluxscope
