#include "profiler/analysis/router_health.h"

#include "engine/contract/error.h"
#include "profiler/figure/number.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace fluxscope {

namespace {

struct Asked {
    std::pair<TurnIndex, StepIndex> when;
    bool wouldBeFull = false;
    bool probe = false;
    Attention attention = Attention::Full;
};

// What the router of each (layer, sequence) said, each time it was asked.
std::map<LayerIndex, std::map<SequenceIndex, std::vector<Asked>>> askings(const Snapshot& snapshot,
                                                                          RunIndex run) {
    std::map<LayerIndex, std::map<SequenceIndex, std::vector<Asked>>> all;
    snapshot.decisions.each([&](const DecisionRow& row) {
        const Decision& d = row.decision;
        if (row.run != run || d.kvHead || !d.logits || !d.threshold) return;
        if (d.by != DecidedBy::Router && d.by != DecidedBy::Probe) return;
        all[row.layer][row.sequence].push_back({{row.turn, row.step},
                                                marginOf(*d.logits, *d.threshold) > 0,
                                                d.by == DecidedBy::Probe,
                                                d.attention});
    });
    for (auto& [layer, sequences] : all)
        for (auto& [sequence, list] : sequences)
            std::stable_sort(list.begin(), list.end(),
                             [](const Asked& a, const Asked& b) { return a.when < b.when; });
    return all;
}

void addProbes(const std::map<SequenceIndex, std::vector<Asked>>& sequences, LayerHealth& health) {
    for (const auto& [sequence, list] : sequences)
        for (std::size_t i = 1; i < list.size(); ++i) {
            if (!list[i].probe || list[i - 1].when.first != list[i].when.first) continue;
            health.probes += 1;
            health.flips += list[i].wouldBeFull != list[i - 1].wouldBeFull ? 1 : 0;
            health.turned +=
                list[i - 1].attention == Attention::Full && list[i].attention == Attention::Sparse ? 1 : 0;
        }
}

void addKinds(const RoutingTable& table, std::int32_t layer, LayerHealth& health) {
    std::optional<double> most;
    std::optional<double> least;
    std::int64_t kinds = 0;
    for (const RoutingGroup& group : table.groups) {
        FullShare share;
        for (std::int32_t c = group.firstColumn; c < group.firstColumn + group.columns; ++c)
            if (table.at(layer, c).by == DecidedBy::Router) share.add(table.at(layer, c));
        const auto value = share.value();
        if (!value) continue;
        kinds += 1;
        if (!most || *value > *most) {
            most = value;
            health.fullestKind = group.kind;
        }
        if (!least || *value < *least) {
            least = value;
            health.sparsestKind = group.kind;
        }
    }
    if (kinds >= 2) health.kindDisagreement = *most - *least;
}

std::string share(double value) { return formatted(value, Unit::Share); }

std::string listOf(const std::vector<std::int32_t>& layers) {
    constexpr std::size_t kShown = 8;
    std::string text;
    for (std::size_t i = 0; i < std::min(layers.size(), kShown); ++i)
        text += (i == 0 ? "" : ", ") + std::to_string(layers[i]);
    if (layers.size() > kShown)
        text += " and " + formattedCount(static_cast<std::int64_t>(layers.size() - kShown)) + " more";
    return (layers.size() == 1 ? "layer " : "layers ") + text;
}

void addFindings(RouterHealth& health) {
    std::vector<std::int32_t> full;
    std::vector<std::int32_t> sparse;
    std::int64_t undecided = 0;
    std::int64_t decisions = 0;
    std::int64_t probes = 0;
    std::int64_t flips = 0;
    std::int64_t turned = 0;
    const LayerHealth* wobbliest = nullptr;
    const LayerHealth* apart = nullptr;
    const LayerHealth* flappiest = nullptr;
    for (const LayerHealth& layer : health.layers) {
        if (layer.collapse == Collapse::AllFull) full.push_back(layer.layer.value());
        if (layer.collapse == Collapse::AllSparse) sparse.push_back(layer.layer.value());
        undecided += layer.undecided;
        decisions += layer.prompts;
        probes += layer.probes;
        flips += layer.flips;
        turned += layer.turned;
        if (layer.undecided > 0 && (!wobbliest || layer.undecidedShare() > wobbliest->undecidedShare()))
            wobbliest = &layer;
        if (layer.kindDisagreement &&
            (!apart || *layer.kindDisagreement > apart->kindDisagreement.value_or(0)))
            apart = &layer;
        if (layer.flips > 0 && (!flappiest || layer.flips > flappiest->flips)) flappiest = &layer;
    }
    std::vector<std::string>& say = health.findings;
    const std::string prompts =
        formattedCount(health.prompts) + (health.prompts == 1 ? " prompt" : " prompts");
    const auto all = static_cast<std::int64_t>(health.layers.size());
    if (health.prompts < kFewestPrompts)
        say.push_back("With " + prompts + " nothing can be said about collapse; record " +
                      std::to_string(kFewestPrompts) + " or more.");
    if (health.collapsed)
        say.push_back("The routers have collapsed: all " + formattedCount(all) + " layers give each of " +
                      prompts + " the same route (" + formattedCount(static_cast<std::int64_t>(full.size())) +
                      " full, " + formattedCount(static_cast<std::int64_t>(sparse.size())) +
                      " sparse); a static policy does the same without routers.");
    else if (!full.empty() || !sparse.empty()) {
        say.push_back(formattedCount(static_cast<std::int64_t>(full.size() + sparse.size())) + " of " +
                      formattedCount(all) + " layers give every one of " + prompts +
                      " the same route: " + (full.empty() ? "" : listOf(full) + " always full") +
                      (!full.empty() && !sparse.empty() ? ", " : "") +
                      (sparse.empty() ? "" : listOf(sparse) + " always sparse") + ".");
    }
    if (wobbliest)
        say.push_back(share(static_cast<double>(undecided) / static_cast<double>(decisions)) + " of " +
                      formattedCount(decisions) + " decisions lie within " + withDecimals(health.band, 2) +
                      " of their threshold, most of them in layer " +
                      std::to_string(wobbliest->layer.value()) + " (" + share(wobbliest->undecidedShare()) +
                      ").");
    if (apart && *apart->kindDisagreement > 0)
        say.push_back("Kinds are told apart most in layer " + std::to_string(apart->layer.value()) + ": " +
                      share(*apart->kindDisagreement) + " between '" + printable(apart->fullestKind, 40) +
                      "' (fullest) and '" + printable(apart->sparsestKind, 40) + "'.");
    else if (apart)
        say.push_back("No layer treats the " + formattedCount(health.kinds) +
                      " kinds of prompts differently.");
    if (probes > 0)
        say.push_back(formattedCount(flips) + " of " + formattedCount(probes) +
                      " probes changed what the router had said before" +
                      (flappiest ? ", most often in layer " + std::to_string(flappiest->layer.value()) +
                                       " (" + formattedCount(flappiest->flips) + " of " +
                                       formattedCount(flappiest->probes) + ")"
                                 : std::string()) +
                      (turned > 0 ? "; " + formattedCount(turned) + " turned a layer sparse." : "."));
}

}  // namespace

std::string_view nameOf(Collapse collapse) {
    switch (collapse) {
        case Collapse::No: return "no";
        case Collapse::AllFull: return "all-full";
        case Collapse::AllSparse: return "all-sparse";
        case Collapse::TooFewPrompts: return "too-few-prompts";
    }
    return "no";
}

double binaryEntropy(double p) {
    if (!(p > 0 && p < 1)) return 0;
    return -(p * std::log2(p) + (1 - p) * std::log2(1 - p));
}

RouterHealth routerHealth(const Snapshot& snapshot, RunIndex run, double undecidedBand) {
    const RoutingTable table = routingTable(snapshot, std::span(&run, 1));
    const auto asked = askings(snapshot, run);
    RouterHealth health;
    health.run = run;
    health.band = undecidedBand;
    if (!table.columns.empty()) health.policy = table.columns.front().policy;

    std::set<std::int32_t> prompts;
    std::set<std::string> kinds;
    std::vector<double> allMargins;
    for (std::int32_t l = 0; l < table.layers; ++l) {
        LayerHealth layer;
        layer.layer = LayerIndex{l};
        std::vector<double> margins;
        double entropy = 0;
        for (std::size_t c = 0; c < table.columns.size(); ++c) {
            const RoutingCell& cell = table.at(l, static_cast<std::int32_t>(c));
            if (!cell.recorded || cell.by != DecidedBy::Router || !cell.fullProbability || !cell.threshold)
                continue;
            prompts.insert(static_cast<std::int32_t>(c));
            kinds.insert(table.columns[c].kind);
            layer.prompts += 1;
            layer.full += cell.full() ? 1 : 0;
            entropy += binaryEntropy(*cell.fullProbability);
            layer.undecided += std::abs(*cell.fullProbability - *cell.threshold) < undecidedBand ? 1 : 0;
            if (cell.margin) margins.push_back(*cell.margin);
        }
        if (layer.prompts == 0) continue;
        layer.entropy = entropy / static_cast<double>(layer.prompts);
        layer.routeEntropy = binaryEntropy(layer.fullShare());
        if (layer.prompts >= kFewestPrompts)
            layer.collapse = layer.full == layer.prompts ? Collapse::AllFull
                             : layer.full == 0           ? Collapse::AllSparse
                                                         : Collapse::No;
        allMargins.insert(allMargins.end(), margins.begin(), margins.end());
        layer.margins = percentilesOf(std::move(margins));
        addKinds(table, l, layer);
        if (const auto found = asked.find(layer.layer); found != asked.end()) addProbes(found->second, layer);
        health.layers.push_back(std::move(layer));
    }
    if (health.layers.empty()) {
        health.findings.emplace_back("No decision of a router is recorded in this run.");
        return health;
    }
    health.prompts = static_cast<std::int64_t>(prompts.size());
    health.kinds = static_cast<std::int64_t>(kinds.size());
    health.margins = percentilesOf(std::move(allMargins));
    health.collapsed = std::all_of(health.layers.begin(), health.layers.end(), [](const LayerHealth& layer) {
        return layer.collapse == Collapse::AllFull || layer.collapse == Collapse::AllSparse;
    });
    addFindings(health);
    return health;
}

}  // namespace fluxscope
