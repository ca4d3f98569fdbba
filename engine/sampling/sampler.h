// Which token comes next, given the logits of a step.
//
// A token is drawn with a random number that is a pure function of the seed and of where the token stands: the same run twice
// draws the same, and a sequence draws the same whatever else is in its batch.
#pragma once

#include "engine/contract/observer.h"
#include "engine/contract/sampling.h"

#include <cstdint>
#include <span>
#include <vector>

namespace fluxscope {

inline constexpr std::size_t kTopChances = 32;

struct TokenChoice {
    TokenId id;
    float logprob = 0;  // as the model thinks of it, before any step of sampling; NaN when its logits are
    std::vector<TokenChance> top;  // the most probable tokens, first of all; of equal ones the lower id first
    double tailMass = 0;           // the probability of all others
};

// What drawing a token is counted as, on the host and on a device: every logit read once, and four operations for each.
cost::PointwiseShape sampleShape(std::int64_t rows, std::int64_t vocabulary);

// Where in a run a token is drawn: what its random number depends on beside the seed.
struct SamplingPlace {
    SequenceIndex sequence;
    TurnIndex turn;
    StepIndex step;
};

// A token that may be drawn, and how probable that is.
struct Candidate {
    TokenId id;
    double probability = 0;
};

class Sampler {
public:
    Sampler(const SamplingOptions& options, std::uint64_t seed) : options_(options), seed_(seed) {}

    // `logits` has one for every token, `history` what the text so far is made of. Takes O(vocabulary).
    TokenChoice choose(std::span<const float> logits, std::span<const TokenId> history,
                       const SamplingPlace& place) const;
    // A token that was chosen elsewhere.
    TokenChoice given(std::span<const float> logits, TokenId id) const;

    // What choose draws from: probabilities that sum to 1, in no order. With a temperature of 0 one token.
    std::vector<Candidate> candidates(std::span<const float> logits, std::span<const TokenId> history) const;

private:
    SamplingOptions options_;
    std::uint64_t seed_;
};

// In [0, 1), with 53 random bits.
double uniformAt(std::uint64_t seed, const SamplingPlace& place);

}  // namespace fluxscope
