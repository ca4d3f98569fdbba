// Truncated matrix entropy: how many directions a layer's hidden states use. The policy entropy:K ranks layers by it.
//
//   Sigma = X X^T / tr(X X^T),  E = - sum over the largest eigenvalues of l log l
//
// X [tokens, dim] is what goes into a layer. X X^T and X^T X have the same eigenvalues but for zeros, which add nothing, so
// the smaller of both is decomposed, in fp64.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

namespace fluxscope {

// More tokens than these are represented by so many of them at even distances, the first and the last included: the largest
// eigenvalues need no more, and a decomposition costs the cube of it (0.35 s a layer at 1024).
inline constexpr std::int64_t kEntropyRows = 1024;

// `eigenvalues` of a Gram matrix, of any order and scale; negative ones are rounding and count as 0. 0 for a zero matrix.
double truncatedEntropy(std::span<const double> eigenvalues, std::int64_t largest);

// `hidden` [tokens, dim] of any type, on any device. Not a number when it holds what is none.
double truncatedMatrixEntropy(const at::Tensor& hidden, std::int64_t eigenvalues);

}  // namespace fluxscope
