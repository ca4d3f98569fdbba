// What a router said about one layer and one prompt, and what was made of it.
#pragma once

#include "engine/contract/index.h"

#include <optional>
#include <string_view>

namespace fluxscope {

// The values are the router's logit indices.
enum class Attention : std::uint8_t { Sparse = 0, Full = 1 };
enum class DecidedBy : std::uint8_t { Router, Policy, Probe, Replay };

std::string_view nameOf(Attention attention);
std::string_view nameOf(DecidedBy by);

struct RouterLogits {
    float sparse = 0;
    float full = 0;

    friend bool operator==(const RouterLogits&, const RouterLogits&) = default;
};

// softmax(logits)[1]. A one-logit (sigmoid) head is {0, z}: the same formula.
double fullProbability(const RouterLogits& logits);

// Thresholds are stored as probabilities and compared as logit differences in fp32, so that 0.5 is the argmax exactly
// and an extreme threshold does not lose the difference between two large logits. A tie is sparse.
float logitOf(double probability);
float marginOf(const RouterLogits& logits, double threshold);  // > 0: full

struct Decision {
    Attention attention = Attention::Full;
    DecidedBy by = DecidedBy::Policy;
    std::optional<RouterLogits>
        logits;  // present whenever the layer has a router, even if the policy ignored it
    std::optional<double> threshold;    // present when the router decided
    std::optional<KvHeadIndex> kvHead;  // absent: all heads of the layer

    friend bool operator==(const Decision&, const Decision&) = default;
};

}  // namespace fluxscope
