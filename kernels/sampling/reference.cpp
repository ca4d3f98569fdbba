#include "kernels/sampling/sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace fluxscope {
namespace {

RowChoice described(const float* logits, std::int64_t vocabulary, std::int64_t given) {
    const double most = *std::max_element(logits, logits + vocabulary);
    double sum = 0;
    for (std::int64_t i = 0; i < vocabulary; ++i) sum += std::exp(static_cast<double>(logits[i]) - most);
    RowChoice choice;
    if (!std::isfinite(sum)) {
        choice.id = static_cast<std::int32_t>(std::max<std::int64_t>(given, 0));
        choice.logprob = std::numeric_limits<float>::quiet_NaN();
        return choice;
    }
    const auto logprob = [&](std::int64_t id) {
        return static_cast<double>(logits[id]) - most - std::log(sum);
    };
    std::vector<std::int32_t> order(static_cast<std::size_t>(vocabulary));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [logits](std::int32_t a, std::int32_t b) { return logits[a] > logits[b]; });

    choice.id = given < 0 ? order.front() : static_cast<std::int32_t>(given);
    choice.logprob = static_cast<float>(logprob(choice.id));
    choice.tops = static_cast<std::int32_t>(std::min<std::int64_t>(vocabulary, kTopTokens));
    double mass = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(choice.tops); ++i) {
        choice.topIds[i] = order[i];
        choice.topLogprobs[i] = static_cast<float>(logprob(order[i]));
        mass += std::exp(logprob(order[i]));
    }
    choice.tailMass = vocabulary > choice.tops ? std::max(0.0, 1 - mass) : 0;
    return choice;
}

}  // namespace

void describeReference(const DescribeShape& s, const float* logits, const std::int64_t* given,
                       std::int64_t* chosen, RowChoice* out) {
    for (std::int64_t r = 0; r < s.rows; ++r) {
        out[r] = described(logits + r * s.vocabulary, s.vocabulary, given[r]);
        chosen[r] = out[r].id;
    }
}

}  // namespace fluxscope
