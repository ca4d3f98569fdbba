#include "engine/transformer/transformer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/silu.h>

namespace fluxscope {

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

// Of single queries or keys; families without such norms have no weights for them.
at::Tensor Transformer::headNorm(const at::Tensor& x, const at::Tensor& weight) const {
    return weight.defined() ? norm(x, weight) : x;
}

RotaryTable Transformer::rotary(std::int64_t positions) const {
    return rotaryTable(config_.rope, config_.headDim, positions, compute_.device);
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
                                             .bias = config_.qkvBias,
                                             .weights = compute_.costType,
                                             .activations = compute_.costType});
        qkv.q = w.q(x).view({rows, config_.heads, dim});
        qkv.k = w.k(x).view({rows, config_.kvHeads, dim});
        qkv.v = w.v(x).view({rows, config_.kvHeads, dim});
    }
    {
        // The norms of single queries and keys belong to this step: four operations an element, and three to turn it.
        const std::int64_t flopsEach = config_.queryKeyNorm ? 7 : 3;
        const auto op =
            at.op(Op::Rope, cost::PointwiseShape{.elements = rows * (config_.heads + config_.kvHeads) * dim,
                                                 .reads = 1,
                                                 .flopsEach = flopsEach,
                                                 .type = compute_.costType});
        qkv.routed = headNorm(qkv.q, w.qNorm);
        qkv.q = turned(qkv.routed, rotary);
        qkv.k = turned(headNorm(qkv.k, w.kNorm), rotary);
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
                                                     .bias = config_.qkvBias,
                                                     .weights = compute_.costType,
                                                     .activations = compute_.costType});
    return headNorm(w.q(x).view({rows, config_.heads, config_.headDim}), w.qNorm);
}

void Transformer::finish(LayerIndex layer, const at::Tensor& hidden, const at::Tensor& attended,
                         const Tracer& at) const {
    const LayerWeights& w = weights_.layers[static_cast<std::size_t>(layer.value())];
    const std::int64_t rows = hidden.size(0);
    {
        const auto op = at.op(Op::Output, cost::LinearShape{.rows = rows,
                                                            .inputs = config_.heads * config_.headDim,
                                                            .outputs = config_.hidden,
                                                            .bias = config_.outputBias,
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
                                                       .bias = config_.mlpBias,
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
