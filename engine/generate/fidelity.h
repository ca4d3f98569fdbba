// How far a policy's distributions are from those of full attention, given the same tokens before.
#pragma once

#include "engine/engine.h"

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

namespace fluxscope {

// Both [rows, vocabulary], fp32; `decoded` is the token that each row went on with. Row by row on the device that computed
// them: two rows are all that is ever held of a distribution.
std::vector<FidelityStep> fidelityOf(const at::Tensor& logits, const at::Tensor& full,
                                     std::span<const TokenId> decoded);

}  // namespace fluxscope
