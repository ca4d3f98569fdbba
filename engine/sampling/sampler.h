// Which token comes next, given the logits of a step.
#pragma once

#include "engine/contract/observer.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace fluxscope {

struct SamplingOptions {
    std::vector<std::string> stop;  // the answer ends before any of these
};

struct TokenChoice {
    TokenId id;
    float logprob = 0;
    std::vector<TokenChance> top;
    double tailMass = 0;
};

// Where in a run a token is drawn: what its random number depends on beside the seed.
struct SamplingPlace {
    SequenceIndex sequence;
    TurnIndex turn;
    StepIndex step;
};

class Sampler {
public:
    Sampler(const SamplingOptions&, std::uint64_t /*seed*/) {}

    TokenChoice choose(std::span<const float> logits, std::span<const TokenId>,
                       const SamplingPlace&) const {
        return given(logits, TokenId::of(std::max_element(logits.begin(), logits.end()) - logits.begin()));
    }
    // A token that was chosen elsewhere.
    TokenChoice given(std::span<const float> logits, TokenId id) const {
        const float most = *std::max_element(logits.begin(), logits.end());
        double sum = 0;
        for (const float z : logits) sum += std::exp(static_cast<double>(z - most));
        const float z = logits[static_cast<std::size_t>(id.value())];
        return {.id = id, .logprob = static_cast<float>(z - most - std::log(sum)), .top = {}};
    }
};

}  // namespace fluxscope
