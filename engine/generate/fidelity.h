// How far a policy's distributions are from those of full attention, given the same tokens before.
#pragma once

#include "engine/engine.h"

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

namespace fluxscope {

// Rows to compare at once: a vocabulary of 152,000 in fp64 has 74 MiB in so many, and there are five of that.
inline constexpr std::int64_t kComparedAtOnce = 64;

// Both [rows, vocabulary], fp32; `decoded` is the token that each row went on with. Computed in fp64 where they lie.
std::vector<FidelityStep> fidelityOf(const at::Tensor& logits, const at::Tensor& full,
                                     std::span<const TokenId> decoded);

}  // namespace fluxscope
