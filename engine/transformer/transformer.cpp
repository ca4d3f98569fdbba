#include "engine/transformer/transformer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/sin.h>

namespace fluxscope {

RotaryRows RotaryTable::rows(std::int64_t begin, std::int64_t count) const {
    return {cos.slice(0, begin, begin + count), sin.slice(0, begin, begin + count)};
}

RotaryRows RotaryTable::rows(const at::Tensor& positions) const {
    return {at::index_select(cos, 0, positions), at::index_select(sin, 0, positions)};
}

Transformer::Transformer(ModelConfig config, Weights weights, Compute compute)
    : config_(std::move(config)), weights_(std::move(weights)), compute_(compute) {}

cost::PointwiseShape Transformer::normShape(std::int64_t rows) const {
    return {.elements = rows * config_.hidden, .reads = 1, .flopsEach = 4, .type = compute_.costType};
}

// RMS norm over the last dimension. The square is taken in fp32 whatever x is in.
at::Tensor Transformer::norm(const at::Tensor& x, const at::Tensor& weight) const {
    const at::Tensor wide = x.to(at::kFloat);
    const at::Tensor scale = at::rsqrt(at::mean(wide * wide, -1, true) + config_.normEps);
    return (wide * scale).to(x.scalar_type()) * weight;
}

RotaryTable Transformer::rotary(std::int64_t positions) const {
    const auto options = at::TensorOptions().device(compute_.device).dtype(at::kFloat);
    const at::Tensor exponent =
        at::arange(0, config_.headDim, 2, options) / static_cast<double>(config_.headDim);
    const at::Tensor frequency = at::pow(config_.ropeTheta, exponent).reciprocal();  // [dim / 2]
    const at::Tensor angle =
        at::outer(at::arange(positions, options), frequency).unsqueeze(1);  // [positions, 1, dim / 2]
    return {at::cos(angle), at::sin(angle)};
}

// Turns the pair (x[i], x[i + dim/2]) by the position's angle i: the halves' layout of Hugging Face, not neighbours'.
at::Tensor Transformer::turn(const at::Tensor& x, const RotaryRows& rotary) const {
    const std::int64_t half = config_.headDim / 2;
    const at::Tensor wide = x.to(at::kFloat);
    const at::Tensor a = wide.slice(-1, 0, half);
    const at::Tensor b = wide.slice(-1, half);
    return at::cat({a * rotary.cos - b * rotary.sin, b * rotary.cos + a * rotary.sin}, -1)
        .to(x.scalar_type());
}

at::Tensor Transformer::embed(std::span<const TokenId> ids, const Tracer& at) const {
    const auto rows = static_cast<std::int64_t>(ids.size());
    const at::Tensor index = at::empty({rows}, at::kLong);
    for (std::int64_t i = 0; i < rows; ++i)
        index.mutable_data_ptr<std::int64_t>()[i] = ids[static_cast<std::size_t>(i)].value();
    return embed(index.to(compute_.device), at);
}

at::Tensor Transformer::embed(const at::Tensor& ids, const Tracer& at) const {
    const auto op = at.op(
        Op::Embed,
        cost::PointwiseShape{
            .elements = ids.numel() * config_.hidden, .reads = 1, .flopsEach = 0, .type = compute_.costType});
    return at::embedding(weights_.embedding, ids);  // [rows, hidden]
}

Qkv Transformer::project(LayerIndex layer, const at::Tensor& hidden, const RotaryRows& rotary,
                         const Tracer& at) const {
    const LayerWeights& w = weights_.layers[static_cast<std::size_t>(layer.value())];
    const std::int64_t rows = hidden.size(0);
    const std::int64_t dim = config_.headDim;

    at::Tensor x;  // [rows, hidden]
    {
        const auto op = at.op(Op::Norm, normShape(rows));
        x = norm(hidden, w.inputNorm);
    }
    Qkv qkv;
    {
        const auto op =
            at.op(Op::Qkv, cost::LinearShape{.rows = rows,
                                             .inputs = config_.hidden,
                                             .outputs = (config_.heads + 2 * config_.kvHeads) * dim,
                                             .bias = config_.attentionBias,
                                             .weights = compute_.costType,
                                             .activations = compute_.costType});
        qkv.q = w.q(x).view({rows, config_.heads, dim});
        qkv.k = w.k(x).view({rows, config_.kvHeads, dim});
        qkv.v = w.v(x).view({rows, config_.kvHeads, dim});
    }
    {
        // The norms of single queries and keys belong to this step: four operations an element, and three to turn it.
        const auto op =
            at.op(Op::Rope, cost::PointwiseShape{.elements = rows * (config_.heads + config_.kvHeads) * dim,
                                                 .reads = 1,
                                                 .flopsEach = 7,
                                                 .type = compute_.costType});
        qkv.routed = norm(qkv.q, w.qNorm);
        qkv.q = turn(qkv.routed, rotary);
        qkv.k = turn(norm(qkv.k, w.kNorm), rotary);
    }
    return qkv;
}

at::Tensor Transformer::routerQueries(LayerIndex layer, const at::Tensor& hidden, const Tracer& at) const {
    const LayerWeights& w = weights_.layers[static_cast<std::size_t>(layer.value())];
    const std::int64_t rows = hidden.size(0);
    at::Tensor x;  // [rows, hidden]
    {
        const auto op = at.op(Op::Norm, normShape(rows));
        x = norm(hidden, w.inputNorm);
    }
    const auto op = at.op(Op::Qkv, cost::LinearShape{.rows = rows,
                                                     .inputs = config_.hidden,
                                                     .outputs = config_.heads * config_.headDim,
                                                     .bias = config_.attentionBias,
                                                     .weights = compute_.costType,
                                                     .activations = compute_.costType});
    return norm(w.q(x).view({rows, config_.heads, config_.headDim}), w.qNorm);
}

void Transformer::finish(LayerIndex layer, const at::Tensor& hidden, const at::Tensor& attended,
                         const Tracer& at) const {
    const LayerWeights& w = weights_.layers[static_cast<std::size_t>(layer.value())];
    const std::int64_t rows = hidden.size(0);
    {
        const auto op = at.op(Op::Output, cost::LinearShape{.rows = rows,
                                                            .inputs = config_.heads * config_.headDim,
                                                            .outputs = config_.hidden,
                                                            .bias = config_.attentionBias,
                                                            .weights = compute_.costType,
                                                            .activations = compute_.costType});
        hidden.add_(w.output(attended.view({rows, config_.heads * config_.headDim})));
    }
    at::Tensor x;  // [rows, hidden]
    {
        const auto op = at.op(Op::Norm, normShape(rows));
        x = norm(hidden, w.postNorm);
    }
    const auto op = at.op(Op::Mlp, cost::GatedMlpShape{.rows = rows,
                                                       .hidden = config_.hidden,
                                                       .inner = config_.inner,
                                                       .bias = false,
                                                       .weights = compute_.costType,
                                                       .activations = compute_.costType});
    hidden.add_(w.down(at::silu(w.gate(x)) * w.up(x)));
}

at::Tensor Transformer::logits(const at::Tensor& hidden, const Tracer& at) const {
    const std::int64_t rows = hidden.size(0);
    at::Tensor x;  // [rows, hidden]
    {
        const auto op = at.op(Op::Norm, normShape(rows));
        x = norm(hidden, weights_.finalNorm);
    }
    const auto op = at.op(Op::Head, cost::LinearShape{.rows = rows,
                                                      .inputs = config_.hidden,
                                                      .outputs = config_.vocabulary,
                                                      .bias = false,
                                                      .weights = compute_.costType,
                                                      .activations = compute_.costType});
    return weights_.head(x).to(at::kFloat);
}

}  // namespace fluxscope
