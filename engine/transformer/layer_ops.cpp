#include "engine/transformer/layer_ops.h"

#include "engine/transformer/threads.h"
#include "kernels/matmul/matmul.h"
#include "kernels/matvec/matvec.h"
#include "kernels/pointwise/pointwise.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/silu.h>

namespace fluxscope {
namespace {

cost::DType costTypeOf(const at::Tensor& t) {
    switch (t.scalar_type()) {
        case at::kHalf: return cost::DType::F16;
        case at::kBFloat16: return cost::DType::BF16;
        default: return cost::DType::F32;
    }
}

bool isForMatvec(const at::Tensor& input) {
    return input.is_cpu() && input.dim() == 2 && input.size(0) <= kMatvecRows;
}

Matvec matvecOf(const Linear& linear, const at::Tensor& out, bool add) {
    return {.weight = linear.weight.const_data_ptr(),
            .bias = linear.bias.defined() ? linear.bias.const_data_ptr() : nullptr,
            .out = out.mutable_data_ptr(),
            .outputs = linear.weight.size(0),
            .add = add};
}

MatvecShape matvecShapeOf(const at::Tensor& input) {
    return {.rows = input.size(0), .inputs = input.size(1), .type = costTypeOf(input)};
}

bool isForMatmul(const at::Tensor& input) {
    return input.is_cpu() && input.dim() == 2 && input.scalar_type() == at::kFloat;
}

Matmul matmulOf(const Linear& linear, float* out, bool add) {
    return {.weight = linear.weight.const_data_ptr<float>(),
            .bias = linear.bias.defined() ? linear.bias.const_data_ptr<float>() : nullptr,
            .out = out,
            .outputs = linear.weight.size(0),
            .add = add};
}

MatmulShape matmulShapeOf(const at::Tensor& input) {
    return {.rows = input.size(0), .inputs = input.size(1)};
}

// silu(gate) * up; both may be written over.
at::Tensor gated(const at::Tensor& gate, const at::Tensor& up) {
    if (!gate.is_cpu()) return at::silu(gate) * up;
    gateCpu({.elements = gate.numel(), .type = costTypeOf(gate)}, gate.mutable_data_ptr(),
            up.const_data_ptr(), onTorchThreads);
    return gate;
}

at::Tensor emptyOutputs(const Linear& linear, const at::Tensor& input) {
    return at::empty({input.size(0), linear.weight.size(0)}, input.options());
}

}  // namespace

at::Tensor rmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps) {
    if (!x.is_cpu()) {
        const at::Tensor wide = x.to(at::kFloat);
        const at::Tensor scale = at::rsqrt(at::mean(wide * wide, -1, true) + eps);
        return (wide * scale).to(x.scalar_type()) * weight;
    }
    const at::Tensor rows = x.contiguous();
    at::Tensor out = at::empty_like(rows);
    const std::int64_t columns = x.size(-1);
    rmsNormCpu({.rows = x.numel() / columns,
                .columns = columns,
                .eps = static_cast<float>(eps),
                .type = costTypeOf(x)},
               rows.const_data_ptr(), weight.const_data_ptr(), out.mutable_data_ptr(), onTorchThreads);
    return out;
}

TurnedHeads normAndTurn(const at::Tensor& x, const at::Tensor& weight, double eps, const RotaryRows& rotary) {
    if (!x.is_cpu()) {
        const at::Tensor normed = weight.defined() ? rmsNorm(x, weight, eps) : x;
        return {normed, turned(normed, rotary)};
    }
    const at::Tensor heads = x.contiguous();
    at::Tensor out = at::empty_like(heads);
    turnHeadsCpu({.rows = x.size(0),
                  .heads = x.size(1),
                  .dim = x.size(2),
                  .eps = static_cast<float>(eps),
                  .type = costTypeOf(x)},
                 heads.mutable_data_ptr(), weight.defined() ? weight.const_data_ptr() : nullptr,
                 rotary.cos.contiguous().const_data_ptr<float>(),
                 rotary.sin.contiguous().const_data_ptr<float>(), out.mutable_data_ptr(), onTorchThreads);
    return {heads, out};
}

std::vector<at::Tensor> products(std::span<const Linear* const> linears, const at::Tensor& input) {
    std::vector<at::Tensor> outs;
    outs.reserve(linears.size());
    if (!isForMatvec(input) && !isForMatmul(input)) {
        for (const Linear* linear : linears) outs.push_back((*linear)(input));
        return outs;
    }
    const at::Tensor rows = input.contiguous();
    for (const Linear* linear : linears) outs.push_back(emptyOutputs(*linear, rows));
    if (isForMatvec(rows)) {
        std::vector<Matvec> matrices;
        matrices.reserve(linears.size());
        for (std::size_t i = 0; i < linears.size(); ++i)
            matrices.push_back(matvecOf(*linears[i], outs[i], false));
        matvecCpu(matvecShapeOf(rows), rows.const_data_ptr(), matrices, onTorchThreads);
    } else {
        std::vector<Matmul> matrices;
        matrices.reserve(linears.size());
        for (std::size_t i = 0; i < linears.size(); ++i)
            matrices.push_back(matmulOf(*linears[i], outs[i].mutable_data_ptr<float>(), false));
        matmulCpu(matmulShapeOf(rows), rows.const_data_ptr<float>(), matrices, onTorchThreads);
    }
    return outs;
}

at::Tensor gatedProduct(const Linear& gate, const Linear& up, const at::Tensor& input) {
    if (isForMatvec(input) || !isForMatmul(input)) {
        const std::vector<at::Tensor> both = products(std::array{&gate, &up}, input);
        return gated(both[0], both[1]);
    }
    const at::Tensor rows = input.contiguous();
    at::Tensor out = emptyOutputs(gate, rows);
    gatedMatmulCpu(matmulShapeOf(rows), rows.const_data_ptr<float>(),
                   {.gate = matmulOf(gate, nullptr, false),
                    .up = matmulOf(up, nullptr, false),
                    .out = out.mutable_data_ptr<float>()},
                   onTorchThreads);
    return out;
}

void addProduct(const at::Tensor& hidden, const Linear& linear, const at::Tensor& input) {
    const bool few = isForMatvec(input);
    if (!hidden.is_contiguous() || (!few && !isForMatmul(input))) {
        if (linear.bias.defined() || !hidden.is_cpu())
            hidden.add_(linear(input));
        else
            hidden.addmm_(input, linear.weight.t());  // the product is added where it is made
        return;
    }
    const at::Tensor rows = input.contiguous();
    if (few) {
        const std::array<Matvec, 1> matrix = {matvecOf(linear, hidden, true)};
        matvecCpu(matvecShapeOf(rows), rows.const_data_ptr(), matrix, onTorchThreads);
    } else {
        const std::array<Matmul, 1> matrix = {matmulOf(linear, hidden.mutable_data_ptr<float>(), true)};
        matmulCpu(matmulShapeOf(rows), rows.const_data_ptr<float>(), matrix, onTorchThreads);
    }
}

}  // namespace fluxscope
