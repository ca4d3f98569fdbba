#pragma once
#include "engine/contract/observer.h"
#include <span>
#include <string>
#include <vector>
#include <cmath>
#include <algorithm>
#include <numeric>
namespace fluxscope {
struct SamplingOptions { std::vector<std::string> stop; };
struct TokenChoice { TokenId id; float logprob; std::vector<TokenChance> top; double tailMass; };
struct SamplePlace { SequenceIndex s; TurnIndex t; StepIndex n; };
class Sampler {
public:
    Sampler(const SamplingOptions&, std::uint64_t) {}
    TokenChoice given(std::span<const float> l, TokenId id) const {
        const float m = *std::max_element(l.begin(), l.end());
        double sum = 0;
        for (float z : l) sum += std::exp(static_cast<double>(z - m));
        return {id, static_cast<float>(l[static_cast<std::size_t>(id.value())] - m - std::log(sum)), {}, 0};
    }
    TokenChoice choose(std::span<const float> l, const std::vector<TokenId>&, SamplePlace) const {
        return given(l, TokenId::of(std::max_element(l.begin(), l.end()) - l.begin()));
    }
};
}
