// What a layer does beside attention, on tensors. On the CPU our kernels do it, in one pass over memory each, products in fp32
// or of a few rows too; LibTorch does the rest, and all of it on CUDA.
#pragma once

#include "engine/transformer/rotary.h"
#include "engine/transformer/weights.h"

#include <ATen/core/Tensor.h>

#include <array>
#include <span>
#include <vector>

namespace fluxscope {

// x [..., columns] over its last dimension. The square is taken in fp32 whatever x is in.
at::Tensor rmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps);

struct TurnedHeads {
    at::Tensor normed;  // [rows, heads, dim]: x itself where there is no norm
    at::Tensor turned;
};
// x [rows, heads, dim], fresh from its product: it may be written over. An undefined weight: no norm.
TurnedHeads normAndTurn(const at::Tensor& x, const at::Tensor& weight, double eps, const RotaryRows& rotary);

// Products that share their input [rows, inputs].
std::vector<at::Tensor> products(std::span<const Linear* const> linears, const at::Tensor& input);
// silu(gate(input)) * up(input)
at::Tensor gatedProduct(const Linear& gate, const Linear& up, const at::Tensor& input);
// hidden += linear(input), in place.
void addProduct(const at::Tensor& hidden, const Linear& linear, const at::Tensor& input);

}  // namespace fluxscope
