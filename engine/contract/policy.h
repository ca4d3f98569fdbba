// Who decides, layer by layer, between full and sparse attention. A policy is a value; the engine asks it and nothing
// else decides a mode. Short forms, as on the command line, and JSON:
//
//   routed            {"kind":"routed","threshold":0.5,"layers":{"3":0.2}}     routed:0.35 sets the threshold
//   full, sparse      {"kind":"full"}
//   interleaved:K/N   {"kind":"interleaved","full":K,"of":N}                   layer l is full when l mod N < K
//   first:K, last:K   {"kind":"first","count":K}                               those are full, the rest sparse
//   mask:1101         {"kind":"mask","layers":"1101"}                          layer 0 first, 1 is full
#pragma once

#include "engine/contract/decision.h"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <string>
#include <variant>
#include <vector>

namespace fluxscope {

struct RoutedPolicy {
    double threshold = 0.5;
    std::map<LayerIndex, double> layerThresholds;  // overrides, by layer

    double thresholdOf(LayerIndex layer) const;
    friend bool operator==(const RoutedPolicy&, const RoutedPolicy&) = default;
};
struct FullPolicy {
    friend bool operator==(const FullPolicy&, const FullPolicy&) = default;
};
struct SparsePolicy {
    friend bool operator==(const SparsePolicy&, const SparsePolicy&) = default;
};
struct InterleavedPolicy {
    std::int32_t full = 1;
    std::int32_t of = 2;
    friend bool operator==(const InterleavedPolicy&, const InterleavedPolicy&) = default;
};
struct FirstPolicy {
    std::int32_t count = 0;
    friend bool operator==(const FirstPolicy&, const FirstPolicy&) = default;
};
struct LastPolicy {
    std::int32_t count = 0;
    friend bool operator==(const LastPolicy&, const LastPolicy&) = default;
};
struct MaskPolicy {
    std::vector<Attention> layers;
    friend bool operator==(const MaskPolicy&, const MaskPolicy&) = default;
};

class Policy {
public:
    using Kind = std::variant<RoutedPolicy, FullPolicy, SparsePolicy, InterleavedPolicy, FirstPolicy,
                              LastPolicy, MaskPolicy>;

    Policy() = default;
    template <class K>
        requires std::is_constructible_v<Kind, K>
    Policy(K kind) : kind_(std::move(kind)) {}

    const Kind& kind() const { return kind_; }
    bool asksRouter() const { return std::holds_alternative<RoutedPolicy>(kind_); }

    // Throws UsageError when the policy does not fit a model of so many layers, or asks routers the model lacks.
    void requireFits(std::int32_t layers, bool modelHasRouters) const;

    // `logits` are absent when the layer has no router. requireFits has been called.
    Decision decide(LayerIndex layer, std::int32_t layers, const std::optional<RouterLogits>& logits) const;

    friend bool operator==(const Policy&, const Policy&) = default;

private:
    Kind kind_;
};

// A short form, or the path of a JSON file when it ends in ".json".
Policy parsePolicy(std::string_view text, const std::string& where = "--policy");
Policy policyFromJson(const nlohmann::json& json, const std::string& where);
nlohmann::json toJson(const Policy& policy);
// Thresholds of single layers do not fit a short form: it then ends in "+N layers" and is for people only.
std::string shortForm(const Policy& policy);

}  // namespace fluxscope
