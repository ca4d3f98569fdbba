#include "engine/sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace fluxscope {
namespace {

using Scored = std::pair<float, std::int32_t>;  // a score and its token's id

// Of equals the lower id.
bool better(const Scored& a, const Scored& b) {
    return a.first > b.first || (a.first == b.first && a.second < b.second);
}

struct Distribution {
    float most = 0;
    double logSum = 0;  // of exp(logit - most)

    double logprob(float logit) const { return static_cast<double>(logit - most) - logSum; }
};

Distribution distributionOf(std::span<const float> logits) {
    Distribution distribution{.most = *std::max_element(logits.begin(), logits.end())};
    double sum = 0;
    for (const float logit : logits) sum += std::exp(static_cast<double>(logit - distribution.most));
    distribution.logSum = std::log(sum);
    return distribution;
}

TokenChoice described(std::span<const float> logits, const Distribution& distribution, TokenId id) {
    TokenChoice choice{.id = id};
    choice.logprob = static_cast<float>(distribution.logprob(logits[static_cast<std::size_t>(id.value())]));
    if (!std::isfinite(distribution.logSum)) {
        choice.logprob = std::numeric_limits<float>::quiet_NaN();
        return choice;
    }
    // A heap of the best so far, its worst on top: most tokens are passed by with one comparison.
    std::vector<Scored> best;
    for (std::size_t i = 0; i < logits.size(); ++i) {
        const Scored candidate{logits[i], static_cast<std::int32_t>(i)};
        if (best.size() == kTopChances && !better(candidate, best.front())) continue;
        if (best.size() == kTopChances) {
            std::pop_heap(best.begin(), best.end(), better);
            best.pop_back();
        }
        best.push_back(candidate);
        std::push_heap(best.begin(), best.end(), better);
    }
    std::sort_heap(best.begin(), best.end(), better);

    double mass = 0;
    for (const auto& [logit, token] : best) {
        choice.top.push_back(
            {.id = TokenId(token), .logprob = static_cast<float>(distribution.logprob(logit))});
        mass += std::exp(distribution.logprob(logit));
    }
    choice.tailMass = logits.size() > best.size() ? std::max(0.0, 1 - mass) : 0;
    return choice;
}

// In single precision, as transformers computes it, so that the same tokens pass the same thresholds.
std::vector<float> penalized(std::span<const float> logits, std::span<const TokenId> history,
                             double penalty) {
    std::vector<float> scores(logits.begin(), logits.end());
    if (penalty == 1) return scores;
    const auto by = static_cast<float>(penalty);
    for (const TokenId id : history) {
        const auto place = static_cast<std::size_t>(id.value());
        if (id.value() < 0 || place >= scores.size()) continue;
        const float logit = logits[place];  // of the model, so that a token said twice is penalized once
        scores[place] = logit < 0 ? logit * by : logit / by;
    }
    return scores;
}

// Those not below the k-th largest; of equals all.
void keepTopK(std::vector<Scored>& tokens, std::int32_t k) {
    if (k <= 0 || static_cast<std::size_t>(k) >= tokens.size()) return;
    std::vector<Scored> ordered = tokens;
    const auto kth = ordered.begin() + (k - 1);
    std::nth_element(ordered.begin(), kth, ordered.end(),
                     [](const Scored& a, const Scored& b) { return a.first > b.first; });
    const float least = kth->first;
    std::erase_if(tokens, [least](const Scored& token) { return token.first < least; });
}

double sumOf(const std::vector<Scored>& tokens, float most) {
    return std::accumulate(tokens.begin(), tokens.end(), 0.0, [most](double sum, const Scored& token) {
        return sum + std::exp(static_cast<double>(token.first - most));
    });
}

float mostOf(const std::vector<Scored>& tokens) {
    return std::max_element(tokens.begin(), tokens.end())->first;
}

// The fewest most probable tokens with a mass of p. Sorts only as many as that takes, in growing parts.
void keepTopP(std::vector<Scored>& tokens, double p) {
    if (p >= 1) return;
    const float most = mostOf(tokens);
    const double wanted = p * sumOf(tokens, most);
    double mass = 0;
    std::size_t sorted = 0;
    for (std::size_t part = 256; sorted < tokens.size(); part *= 4) {
        const std::size_t end = std::min(tokens.size(), sorted + part);
        const auto begin = tokens.begin() + static_cast<std::ptrdiff_t>(sorted);
        std::partial_sort(begin, tokens.begin() + static_cast<std::ptrdiff_t>(end), tokens.end(), better);
        for (; sorted < end; ++sorted) {
            mass += std::exp(static_cast<double>(tokens[sorted].first - most));
            if (mass < wanted) continue;
            tokens.resize(sorted + 1);
            return;
        }
    }
}

void keepMinP(std::vector<Scored>& tokens, double p) {
    if (p <= 0) return;
    const float most = mostOf(tokens);
    std::erase_if(tokens, [&](const Scored& token) {
        return token.first != most && std::exp(static_cast<double>(token.first - most)) < p;
    });
}

std::uint64_t mixed(
    std::uint64_t x) {  // splitmix64's finisher: every bit of the input changes half of the output's
    x += 0x9E3779B97F4A7C15U;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
    return x ^ (x >> 31);
}

}  // namespace

cost::PointwiseShape sampleShape(std::int64_t rows, std::int64_t vocabulary) {
    return {.elements = rows, .reads = vocabulary, .flopsEach = 4 * vocabulary, .type = cost::DType::F32};
}

double uniformAt(std::uint64_t seed, const SamplingPlace& place) {
    std::uint64_t bits = mixed(seed);
    for (const auto part :
         {static_cast<std::uint64_t>(place.sequence.value()), static_cast<std::uint64_t>(place.turn.value()),
          static_cast<std::uint64_t>(place.step.value())})
        bits = mixed(bits ^ part);
    return static_cast<double>(bits >> 11) * 0x1p-53;
}

std::vector<Candidate> Sampler::candidates(std::span<const float> logits,
                                           std::span<const TokenId> history) const {
    std::vector<float> scores = penalized(logits, history, options_.repetitionPenalty);
    if (options_.greedy()) {
        const auto best = std::max_element(scores.begin(), scores.end());
        return {{.id = TokenId::of(best - scores.begin()), .probability = 1}};
    }
    const auto temperature = static_cast<float>(options_.temperature);
    std::vector<Scored> tokens;
    tokens.reserve(scores.size());
    for (std::size_t i = 0; i < scores.size(); ++i)
        tokens.emplace_back(scores[i] / temperature, static_cast<std::int32_t>(i));
    keepTopK(tokens, options_.topK);
    keepTopP(tokens, options_.topP);
    keepMinP(tokens, options_.minP);

    const float most = mostOf(tokens);
    const double sum = sumOf(tokens, most);
    std::vector<Candidate> kept;
    kept.reserve(tokens.size());
    for (const auto& [score, token] : tokens)
        kept.push_back(
            {.id = TokenId(token), .probability = std::exp(static_cast<double>(score - most)) / sum});
    return kept;
}

TokenChoice Sampler::choose(std::span<const float> logits, std::span<const TokenId> history,
                            const SamplingPlace& place) const {
    const Distribution distribution = distributionOf(logits);
    if (!std::isfinite(distribution.logSum)) return described(logits, distribution, TokenId(0));
    const std::vector<Candidate> kept = candidates(logits, history);
    const double drawn = uniformAt(seed_, place);
    double mass = 0;
    for (const Candidate& candidate : kept) {
        mass += candidate.probability;
        if (drawn < mass) return described(logits, distribution, candidate.id);
    }
    // Rounding left the sum a little short of 1. The last one that can be drawn at all is meant.
    const auto last =
        std::find_if(kept.rbegin(), kept.rend(), [](const Candidate& c) { return c.probability > 0; });
    return described(logits, distribution, last->id);
}

TokenChoice Sampler::given(std::span<const float> logits, TokenId id) const {
    return described(logits, distributionOf(logits), id);
}

}  // namespace fluxscope
