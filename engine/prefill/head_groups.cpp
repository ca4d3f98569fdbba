#include "engine/prefill/head_groups.h"

#include "engine/attention/attention.h"

#include <algorithm>
#include <numeric>

namespace fluxscope {

std::vector<HeadGroup> headGroupsOf(const std::vector<Decision>& decisions, std::int64_t kvHeads) {
    if (decisions.size() == 1) {
        HeadGroup all{decisions.front().attention,
                      std::vector<std::int64_t>(static_cast<std::size_t>(kvHeads))};
        std::iota(all.kvHeads.begin(), all.kvHeads.end(), std::int64_t{0});
        return {std::move(all)};
    }
    std::vector<HeadGroup> groups;
    for (const Attention attention : {Attention::Full, Attention::Sparse}) {
        HeadGroup group{attention, {}};
        for (std::size_t head = 0; head < decisions.size(); ++head)
            if (decisions[head].attention == attention)
                group.kvHeads.push_back(static_cast<std::int64_t>(head));
        if (!group.kvHeads.empty()) groups.push_back(std::move(group));
    }
    return groups;
}

GroupRule ruleOf(Attention attention, const SparseForm& sparse, std::optional<std::int64_t> modelWindow) {
    const bool isFull = attention == Attention::Full;
    GroupRule rule{
        .mode = isFull ? PrefillMode::Full : sparse.prefill, .form = sparse, .need = {}, .keeps = {}};
    rule.need = kvNeedOf(rule.mode, sparse, modelWindow);
    if (!isFull && sparse.decode == DecodeMode::Streaming)
        rule.keeps = KvWindow{sparse.decodeSink(),
                              std::min(sparse.decodeWindow(), modelWindow.value_or(sparse.decodeWindow()))};
    else if (modelWindow)
        rule.keeps = KvWindow{0, *modelWindow};
    // Prefill may need less than decoding keeps: what it drops would be missed.
    if (rule.keeps && !rule.need.whole) {
        if (rule.keeps->sink > rule.need.sink) rule.need = {};
        rule.need.window = std::max(rule.need.window, rule.keeps->window);
    }
    return rule;
}

GroupRule followUpRuleOf(Attention attention, const SparseForm& sparse,
                         std::optional<std::int64_t> modelWindow) {
    if (attention == Attention::Full || sparse.decode == DecodeMode::Dense)
        return ruleOf(Attention::Full, sparse, modelWindow);
    SparseForm streaming;
    streaming.sink = sparse.decodeSink();
    streaming.window = sparse.decodeWindow();
    return ruleOf(Attention::Sparse, streaming, modelWindow);
}

}  // namespace fluxscope
