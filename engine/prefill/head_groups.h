// A layer's KV heads in groups that are decided alike: one group of all of them, or, under a head-level policy, the full and
// the sparse ones. Heads of a group attend together and lie together in the cache.
#pragma once

#include "engine/contract/decision.h"
#include "engine/contract/sparse_form.h"
#include "engine/kv/prefill_kv.h"

#include <optional>
#include <vector>

namespace fluxscope {

struct HeadGroup {
    Attention attention = Attention::Full;
    std::vector<std::int64_t> kvHeads;
};

// `decisions`: one for all heads, or one a KV head in order.
std::vector<HeadGroup> headGroupsOf(const std::vector<Decision>& decisions, std::int64_t kvHeads);

// How a group attends in prefill and what decoding keeps of it. A model's own sliding window limits both.
struct GroupRule {
    PrefillMode mode = PrefillMode::Full;
    SparseForm form;
    KvNeed need;
    std::optional<KvWindow> keeps;  // absent: every position
};

GroupRule ruleOf(Attention attention, const SparseForm& sparse, std::optional<std::int64_t> modelWindow);

// The same for positions that come after others have been decoded. What a mode would select in prefill may be gone; so a
// sparse group attends as its decode half does, and the result is that of decoding token by token.
GroupRule followUpRuleOf(Attention attention, const SparseForm& sparse,
                         std::optional<std::int64_t> modelWindow);

}  // namespace fluxscope
