// One prompt's way through the layers.
#pragma once

#include "engine/contract/policy.h"
#include "engine/engine.h"
#include "engine/prefill/head_groups.h"
#include "engine/prefill/pace.h"
#include "engine/router/probe.h"
#include "engine/router/router.h"
#include "engine/transformer/transformer.h"

#include <array>
#include <span>
#include <vector>

namespace fluxscope {

struct SequencePlan {
    SequenceIndex sequence;
    std::span<const TokenId> tokens;  // that go through now
    std::int64_t positions = 0;       // that the sequence may ever have
    std::int64_t chunkTokens = 0;
    const Policy* policy = nullptr;
    SparseForm sparse;
    KvCache* kv = nullptr;
    // Absent: the policy decides. By layer: what a replayed run decided, or an earlier turn.
    const std::vector<std::vector<Decision>>* given = nullptr;
    // The sequence has been decoded with: its tokens come after what lies in this cache, whose decisions are `given`.
    const KvCache* earlier = nullptr;
};

struct PrefilledSequence {
    at::Tensor hidden;  // [tokens, hidden], after the last layer
    std::vector<LayerRouting> routing;
    PromptEnds ends;  // for a probe; without routers there are none
};

// What all sequences of a batch share while a layer is computed: one memory for full groups of a model with a sliding window,
// one for sparse groups.
struct PrefillScratch {
    explicit PrefillScratch(const Compute& compute)
        : groups{KvScratch(compute.options()), KvScratch(compute.options())} {}
    std::array<KvScratch, 2> groups;  // by Attention
};

class SequencePrefill {
public:
    // Embeds the tokens. `slot`: its place in the batch.
    SequencePrefill(const Transformer& transformer, const Router& router, const RotaryTable& rotary,
                    const SequencePlan& plan, std::size_t slot, PrefillScratch& scratch, Pace& pace,
                    const Tracer& step);

    // Sends all chunks through a layer, numbering them from `first`; returns the number after the last.
    ChunkIndex layer(LayerIndex l, const Tracer& here, ChunkIndex first);

    const at::Tensor& hidden() const { return hidden_; }  // [tokens, hidden]
    PrefilledSequence finish();

private:
    struct Group {
        HeadGroup heads;
        GroupRule rule;
        PrefillKv kv;
        at::Tensor kvHeads;  // their indices; undefined when it is all of them
        at::Tensor heads_;   // the query heads that belong to them, likewise
    };

    std::vector<Decision> decide(LayerIndex l, const PendingLogits& logits, const Tracer& here) const;
    std::vector<Group> groupsOf(LayerIndex l, const std::vector<Decision>& decisions);
    at::Tensor attend(std::vector<Group>& groups, LayerIndex l, std::int64_t begin, const Qkv& qkv,
                      const Tracer& at);
    at::Tensor attend(Group& group, const PrefillPlace& place, const Qkv& qkv, const Tracer& at);
    void settle(LayerIndex l, std::vector<Decision> decisions, std::vector<Group>& groups,
                const Tracer& here);

    const Transformer& model_;
    const Router& router_;
    const RotaryTable& rotary_;
    const SequencePlan& plan_;
    std::int64_t slot_ = 0;
    PrefillScratch& scratch_;
    Pace& pace_;
    std::int64_t base_ = 0;  // position of the first token
    at::Tensor hidden_;
    std::vector<LayerRouting> routing_;
    PromptEnds ends_;
};

}  // namespace fluxscope
