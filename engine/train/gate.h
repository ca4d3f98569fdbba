// From a router's logits to the weight with which a layer mixes its two kinds of attention while it is trained: a Gumbel-softmax
// over {sparse, full}, annealed from a soft choice to a hard one.
//
//   p = softmax((logits + noise) / temperature)[full]
//   StraightThrough   forward 1 where p > 1/2, else 0; backward as if it had been p     (the published code)
//   Soft              p itself                                                          (the paper)
//
// Inference has no noise and no temperature: the argmax of the logits.
#pragma once

#include "engine/transformer/weights.h"

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace fluxscope::train {

enum class Mixing : std::uint8_t { StraightThrough, Soft };

// pooled [batch, dim], fp32, to [batch, 2]: {sparse, full}, as engine/router computes them.
at::Tensor routerLogits(const RouterWeights& router, const at::Tensor& pooled);

// What a router looks at: queries [batch, tokens, heads, dim] averaged over heads and, by `pool` [batch, tokens], over tokens;
// [batch, dim], fp32.
at::Tensor pooledQueries(const at::Tensor& queries, const at::Tensor& pool);

// logits, noise [batch, 2]; returns w [batch].
at::Tensor gateOf(const at::Tensor& logits, const at::Tensor& noise, double temperature, Mixing mixing);

// From `first` to `last` over the first `share` of the steps, then `last`: linear, as the paper says, or along a cosine.
struct Temperature {
    double first = 1.0;
    double last = 0.4;
    double share = 1.0;
    bool cosine = false;

    double at(std::int64_t step, std::int64_t steps) const;
};

}  // namespace fluxscope::train
