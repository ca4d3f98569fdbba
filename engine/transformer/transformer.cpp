#include "engine/transformer/transformer.h"

#include "engine/transformer/layer_ops.h"

#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>

#include <array>

namespace fluxscope {

Transformer::Transformer(ModelConfig config, Weights weights, Compute compute)
    : config_(std::move(config)), weights_(std::move(weights)), compute_(compute) {}

cost::PointwiseShape Transformer::normShape(std::int64_t rows) const {
    return {.elements = rows * config_.hidden, .reads = 1, .flopsEach = 4, .type = compute_.costType};
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
        x = rmsNorm(hidden, w.inputNorm, config_.normEps);
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
        const std::vector<at::Tensor> made = products(std::array{&w.q, &w.k, &w.v}, x);
        qkv.q = made[0].view({rows, config_.heads, dim});
        qkv.k = made[1].view({rows, config_.kvHeads, dim});
        qkv.v = made[2].view({rows, config_.kvHeads, dim});
    }
    {
        // The norms of single queries and keys belong to this step: four operations an element, and three to turn it.
        const std::int64_t flopsEach = config_.queryKeyNorm ? 7 : 3;
        const auto op =
            at.op(Op::Rope, cost::PointwiseShape{.elements = rows * (config_.heads + config_.kvHeads) * dim,
                                                 .reads = 1,
                                                 .flopsEach = flopsEach,
                                                 .type = compute_.costType});
        TurnedHeads queries = normAndTurn(qkv.q, w.qNorm, config_.normEps, rotary);
        qkv.routed = std::move(queries.normed);
        qkv.q = std::move(queries.turned);
        qkv.k = normAndTurn(qkv.k, w.kNorm, config_.normEps, rotary).turned;
    }
    return qkv;
}

at::Tensor Transformer::routerQueries(LayerIndex layer, const at::Tensor& hidden, const Tracer& at) const {
    const LayerWeights& w = weights_.layers[static_cast<std::size_t>(layer.value())];
    const std::int64_t rows = hidden.size(0);
    at::Tensor x;  // [rows, hidden]
    {
        const auto op = at.op(Op::Norm, normShape(rows));
        x = rmsNorm(hidden, w.inputNorm, config_.normEps);
    }
    const auto op = at.op(Op::Qkv, cost::LinearShape{.rows = rows,
                                                     .inputs = config_.hidden,
                                                     .outputs = config_.heads * config_.headDim,
                                                     .bias = config_.qkvBias,
                                                     .weights = compute_.costType,
                                                     .activations = compute_.costType});
    const at::Tensor q = w.q(x).view({rows, config_.heads, config_.headDim});
    return w.qNorm.defined() ? rmsNorm(q, w.qNorm, config_.normEps) : q;
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
        addProduct(hidden, w.output, attended.view({rows, config_.heads * config_.headDim}));
    }
    at::Tensor x;  // [rows, hidden]
    {
        const auto op = at.op(Op::Norm, normShape(rows));
        x = rmsNorm(hidden, w.postNorm, config_.normEps);
    }
    const auto op = at.op(Op::Mlp, cost::GatedMlpShape{.rows = rows,
                                                       .hidden = config_.hidden,
                                                       .inner = config_.inner,
                                                       .bias = config_.mlpBias,
                                                       .weights = compute_.costType,
                                                       .activations = compute_.costType});
    addProduct(hidden, w.down, gatedProduct(w.gate, w.up, x));  // [rows, inner] between them
}

at::Tensor Transformer::logits(const at::Tensor& hidden, const Tracer& at) const {
    const std::int64_t rows = hidden.size(0);
    at::Tensor x;  // [rows, hidden]
    {
        const auto op = at.op(Op::Norm, normShape(rows));
        x = rmsNorm(hidden, weights_.finalNorm, config_.normEps);
    }
    const auto op = at.op(Op::Head, cost::LinearShape{.rows = rows,
                                                      .inputs = config_.hidden,
                                                      .outputs = config_.vocabulary,
                                                      .bias = false,
                                                      .weights = compute_.costType,
                                                      .activations = compute_.costType});
    return products(std::array{&weights_.head}, x).front().to(at::kFloat);
}

}  // namespace fluxscope
