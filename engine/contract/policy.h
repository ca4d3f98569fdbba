// Who decides, layer by layer, between full and sparse attention. A policy is a value; the engine asks it and nothing
// else decides a mode. Short forms, as on the command line, and JSON, which holds these fields and no others:
//
//   routed            {"kind":"routed","threshold":0.5,"layers":{"3":0.2}}     routed:0.35 sets the threshold
//   full, sparse      {"kind":"full"}
//   interleaved:K/N   {"kind":"interleaved","full":K,"of":N}                   layer l is full when l mod N < K
//   first:K, last:K   {"kind":"first","count":K}                               those are full, the rest sparse
//   mask:1101         {"kind":"mask","layers":"1101"}                          layer 0 first, 1 is full
//   entropy:K         {"kind":"entropy","count":K,"eigenvalues":64,"scores":[5.1,...]}
//   heads:F.tsv@0.5   {"kind":"heads","layers":["1011","0100"],"source":{"file":"F.tsv","sparsity":0.5}}
//   FILE.json         {"kind":"frozen","layers":"0110","source":{"capture":...,"prompts":[...],"rule":...}}
//
// In "layers" of heads and frozen, an array has a text a layer with a digit a KV head, or one digit for all of them; a
// text has a digit a layer. docs/policies.md says when to use which.
#pragma once

#include "engine/contract/decision.h"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <string>
#include <variant>
#include <vector>

namespace fluxscope {

// A row a layer. A row of one holds for all heads of the layer, a longer one has an entry a KV head.
using HeadRows = std::vector<std::vector<Attention>>;

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
// The `count` layers whose hidden states have the highest truncated matrix entropy are full; of equals, the lower layer.
struct EntropyPolicy {
    // The method leaves the number open. 64 are nearly all of the mass of a layer's spectrum and cost one small
    // decomposition a layer.
    static constexpr std::int32_t kEigenvalues = 64;

    std::int32_t count = 0;
    std::int32_t eigenvalues = kEigenvalues;
    std::vector<double> scores{};  // of each layer; empty until measured
    friend bool operator==(const EntropyPolicy&, const EntropyPolicy&) = default;
};
// DuoAttention's published pattern: which KV heads are full, found offline for one model.
struct HeadsPolicy {
    HeadRows layers;
    std::string file;       // where the pattern came from; "" when it was given as JSON without a source
    double sparsity = 0.5;  // the share of heads that were to be sparse
    friend bool operator==(const HeadsPolicy&, const HeadsPolicy&) = default;
};
// A static policy that was made from routed runs.
struct FrozenPolicy {
    struct Source {
        std::string capture;
        std::vector<std::string> prompts;  // their ids
        std::string rule;                  // how their decisions became one
        friend bool operator==(const Source&, const Source&) = default;
    };
    HeadRows layers;
    Source source;
    friend bool operator==(const FrozenPolicy&, const FrozenPolicy&) = default;
};

class Policy {
public:
    using Kind = std::variant<RoutedPolicy, FullPolicy, SparsePolicy, InterleavedPolicy, FirstPolicy,
                              LastPolicy, MaskPolicy, EntropyPolicy, HeadsPolicy, FrozenPolicy>;

    Policy() = default;
    template <class K>
        requires std::is_constructible_v<Kind, K>
    Policy(K kind) : kind_(std::move(kind)) {}

    const Kind& kind() const { return kind_; }
    bool asksRouter() const { return std::holds_alternative<RoutedPolicy>(kind_); }
    // Some layer's row has an entry a KV head.
    bool decidesByHead() const;
    // It ranks layers by what is not yet known: measure first, then decide with withScores().
    bool needsScores() const;
    Policy withScores(std::vector<double> scores) const;

    // Throws UsageError when the policy does not fit a model of so many layers and KV heads, or asks routers the
    // model lacks.
    void requireFits(std::int32_t layers, std::int32_t kvHeads, bool modelHasRouters) const;

    // One decision for all heads of the layer, without kvHead; or, where they differ, one for each KV head in order.
    // `logits` are absent when the layer has no router. requireFits has been called, and scores are there.
    std::vector<Decision> decide(LayerIndex layer, std::int32_t layers,
                                 const std::optional<RouterLogits>& logits) const;

    friend bool operator==(const Policy&, const Policy&) = default;

private:
    Kind kind_;
};

inline constexpr const char* kPolicyForms =
    "routed[:THRESHOLD], full, sparse, interleaved:K/N, first:K, last:K, mask:1101..., entropy:K, "
    "heads:FILE.tsv[@SPARSITY] or FILE.json";

// A short form, or the path of a JSON file when it ends in ".json".
Policy parsePolicy(std::string_view text, const std::string& where = "--policy");
Policy policyFromJson(const nlohmann::json& json, const std::string& where);
nlohmann::json toJson(const Policy& policy);
// What a short form cannot hold is left out: thresholds of single layers ("+N layers"), scores, a pattern that came
// without a file, and frozen ("frozen:01~0", ~ where heads differ). It is then for people only.
std::string shortForm(const Policy& policy);

}  // namespace fluxscope
