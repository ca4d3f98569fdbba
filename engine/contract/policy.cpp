#include "engine/contract/policy.h"

#include "engine/contract/detail/overloaded.h"
#include "engine/contract/error.h"

#include <algorithm>

namespace fluxscope {
namespace {

Attention fullIf(bool condition) { return condition ? Attention::Full : Attention::Sparse; }

// How many layers come before this one in the ranking: higher scores do, and of equals the lower layer.
std::int64_t rankOf(std::size_t layer, const std::vector<double>& scores) {
    std::int64_t before = 0;
    for (std::size_t other = 0; other < scores.size(); ++other)
        before += static_cast<std::int64_t>(scores[other] > scores[layer] ||
                                            (scores[other] == scores[layer] && other < layer));
    return before;
}

std::string numbered(std::size_t count, const char* noun) {
    return std::to_string(count) + ' ' + noun + (count == 1 ? "" : "s");
}

// What is wrong with the policy for a model of so many layers and KV heads; "" when it fits.
std::string misfitOf(const Policy& policy, std::int32_t layers, std::int32_t kvHeads) {
    const auto count = [&](std::int32_t wanted) {
        return wanted > layers ? "asks for " + std::to_string(wanted) + " layers" : std::string();
    };
    const auto rows = [&](const HeadRows& given) {
        if (std::ssize(given) != layers) return "is for " + numbered(given.size(), "layer");
        for (std::size_t layer = 0; layer < given.size(); ++layer)
            if (given[layer].size() != 1 && std::ssize(given[layer]) != kvHeads)
                return "has " + numbered(given[layer].size(), "KV head") + " in layer " +
                       std::to_string(layer);
        return std::string();
    };
    return std::visit(
        Overloaded{[&](const MaskPolicy& p) {
                       return std::ssize(p.layers) != layers ? "has " + numbered(p.layers.size(), "digit")
                                                             : std::string();
                   },
                   [&](const FirstPolicy& p) { return count(p.count); },
                   [&](const LastPolicy& p) { return count(p.count); },
                   [&](const EntropyPolicy& p) {
                       if (!p.scores.empty() && std::ssize(p.scores) != layers)
                           return "has scores of " + numbered(p.scores.size(), "layer");
                       return count(p.count);
                   },
                   [&](const HeadsPolicy& p) { return rows(p.layers); },
                   [&](const FrozenPolicy& p) { return rows(p.layers); },
                   [&](const RoutedPolicy& p) {
                       if (p.layerThresholds.empty() || p.layerThresholds.rbegin()->first.value() < layers)
                           return std::string();
                       return "has a threshold for layer " +
                              std::to_string(p.layerThresholds.rbegin()->first.value());
                   },
                   [](const auto&) { return std::string(); }},
        policy.kind());
}

// A layer whose heads agree has one decision for all of them, however its row was written.
std::vector<Decision> decisionsOf(const std::vector<Attention>& row, const Decision& common) {
    if (std::adjacent_find(row.begin(), row.end(), std::not_equal_to<>()) == row.end()) {
        Decision all = common;
        all.attention = row.front();
        return {all};
    }
    std::vector<Decision> decisions(row.size(), common);
    for (std::size_t head = 0; head < row.size(); ++head) {
        decisions[head].attention = row[head];
        decisions[head].kvHead = KvHeadIndex::of(head);
    }
    return decisions;
}

}  // namespace

double RoutedPolicy::thresholdOf(LayerIndex layer) const {
    const auto own = layerThresholds.find(layer);
    return own == layerThresholds.end() ? threshold : own->second;
}

bool Policy::decidesByHead() const {
    const auto byHead = [](const auto& p) {
        return std::any_of(p.layers.begin(), p.layers.end(), [](const auto& row) { return row.size() > 1; });
    };
    if (const auto* heads = std::get_if<HeadsPolicy>(&kind_)) return byHead(*heads);
    if (const auto* frozen = std::get_if<FrozenPolicy>(&kind_)) return byHead(*frozen);
    return false;
}

bool Policy::needsScores() const {
    const auto* entropy = std::get_if<EntropyPolicy>(&kind_);
    return entropy && entropy->scores.empty();
}

Policy Policy::withScores(std::vector<double> scores) const {
    EntropyPolicy measured = std::get<EntropyPolicy>(kind_);
    measured.scores = std::move(scores);
    return measured;
}

void Policy::requireFits(std::int32_t layers, std::int32_t kvHeads, bool modelHasRouters) const {
    const std::string where = "policy " + shortForm(*this);
    if (asksRouter() && !modelHasRouters)
        throw UsageError(where, "", "needs layer routers and this model has none",
                         "use another policy, or give the model a router.safetensors");
    const std::string misfit = misfitOf(*this, layers, kvHeads);
    if (!misfit.empty())
        throw UsageError(where, "",
                         misfit + ", but the model has " + std::to_string(layers) + " layers of " +
                             numbered(static_cast<std::size_t>(kvHeads), "KV head"),
                         "choose one that fits the model");
}

std::vector<Decision> Policy::decide(LayerIndex layer, std::int32_t layers,
                                     const std::optional<RouterLogits>& logits) const {
    const auto l = static_cast<std::size_t>(layer.value());
    Decision decision{.logits = logits};
    const std::vector<Attention> row = std::visit(
        Overloaded{
            [&](const RoutedPolicy& p) -> std::vector<Attention> {
                decision.by = DecidedBy::Router;
                decision.threshold = p.thresholdOf(layer);
                return {fullIf(marginOf(logits.value(), *decision.threshold) > 0)};
            },
            [](const FullPolicy&) -> std::vector<Attention> { return {Attention::Full}; },
            [](const SparsePolicy&) -> std::vector<Attention> { return {Attention::Sparse}; },
            [&](const InterleavedPolicy& p) -> std::vector<Attention> {
                return {fullIf(layer.value() % p.of < p.full)};
            },
            [&](const FirstPolicy& p) -> std::vector<Attention> { return {fullIf(layer.value() < p.count)}; },
            [&](const LastPolicy& p) -> std::vector<Attention> {
                return {fullIf(layer.value() >= layers - p.count)};
            },
            [&](const MaskPolicy& p) -> std::vector<Attention> { return {p.layers.at(l)}; },
            [&](const EntropyPolicy& p) -> std::vector<Attention> {
                return {fullIf(rankOf(l, p.scores) < p.count)};
            },
            [&](const HeadsPolicy& p) { return p.layers.at(l); },
            [&](const FrozenPolicy& p) { return p.layers.at(l); }},
        kind_);
    return decisionsOf(row, decision);
}

}  // namespace fluxscope
