// Whether the routers of a run tell prompts apart, and how sure they are.
//
// Only decisions that a router made count (DecidedBy::Router); a policy's say nothing of the router. Entropies are in bits, of
// a choice of two: 0 is certain, 1 is a coin.
//   entropy        mean over prompts of H(p_full): how unsure the router is about a single prompt
//   routeEntropy   H(share of prompts routed full): how much the prompts differ in what they get
// A layer is collapsed when every prompt gets the same route, and that says something from kFewestPrompts prompts on.
// Undecided: p_full within `band` of the threshold. Disagreement of kinds: largest less smallest share of full attention.
// Flapping: what the router would say changed from one asking to the next, prefill first, then each probe.
#pragma once

#include "profiler/analysis/percentiles.h"
#include "profiler/analysis/routing_table.h"

#include <optional>
#include <string>
#include <vector>

namespace fluxscope {

inline constexpr std::int64_t kFewestPrompts = 3;

enum class Collapse : std::uint8_t { No, AllFull, AllSparse, TooFewPrompts };
std::string_view nameOf(Collapse collapse);

struct LayerHealth {
    LayerIndex layer;
    std::int64_t prompts = 0;  // that this layer's router decided for
    std::int64_t full = 0;
    Collapse collapse = Collapse::TooFewPrompts;
    double entropy = 0;
    double routeEntropy = 0;
    Percentiles margins;  // in logits; above 0 is full
    std::int64_t undecided = 0;
    std::optional<double> kindDisagreement;  // absent with fewer than two kinds
    std::string fullestKind;
    std::string sparsestKind;
    std::int64_t probes = 0;  // askings after the prefill
    std::int64_t flips = 0;   // of what the router would say
    std::int64_t turned = 0;  // layers of a sequence that a probe turned sparse

    double fullShare() const {
        return prompts > 0 ? static_cast<double>(full) / static_cast<double>(prompts) : 0;
    }
    double undecidedShare() const {
        return prompts > 0 ? static_cast<double>(undecided) / static_cast<double>(prompts) : 0;
    }
};

struct RouterHealth {
    RunIndex run;
    std::string policy;
    double band = 0.05;
    std::int64_t prompts = 0;
    std::int64_t kinds = 0;
    std::vector<LayerHealth> layers;    // that have a router which decided
    bool collapsed = false;             // every layer is, and so every prompt gets the same mask
    Percentiles margins;                // of all layers
    std::vector<std::string> findings;  // a sentence each, most important first

    bool empty() const { return layers.empty(); }
};

RouterHealth routerHealth(const Snapshot& snapshot, RunIndex run, double undecidedBand = 0.05);

// H of a choice of two, in bits; 0 for what is no probability.
double binaryEntropy(double p);

}  // namespace fluxscope
