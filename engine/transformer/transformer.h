// The parts of a block, in the order of the pass: the same for every family, with norms and biases where its weights have them. Prefill and decode differ in what stands between project() and
// finish(): how they attend.
#pragma once

#include "engine/checkpoint/config.h"
#include "engine/transformer/compute.h"
#include "engine/transformer/rotary.h"
#include "engine/transformer/tracer.h"
#include "engine/transformer/weights.h"

#include <cstdint>

namespace fluxscope {

struct Qkv {
    at::Tensor q;       // [rows, heads, dim], normed, RoPE applied
    at::Tensor k;       // [rows, kvHeads, dim], the same
    at::Tensor v;       // [rows, kvHeads, dim]
    at::Tensor routed;  // [rows, heads, dim]: q before RoPE, as a router sees it
};

class Transformer {
public:
    Transformer(ModelConfig config, Weights weights, Compute compute);

    RotaryTable rotary(std::int64_t positions) const;
    at::Tensor embed(std::span<const TokenId> ids, const Tracer& at) const;  // [ids, hidden]
    at::Tensor embed(const at::Tensor& ids, const Tracer& at) const;  // ids: int64 on the model's device

    // Norm, projections, q-norm and k-norm, RoPE; `rotary` has a row for each of hidden's.
    Qkv project(LayerIndex layer, const at::Tensor& hidden, const RotaryRows& rotary, const Tracer& at) const;
    // The router's view of the same rows: queries after q-norm and before RoPE, [rows, heads, dim].
    at::Tensor routerQueries(LayerIndex layer, const at::Tensor& hidden, const Tracer& at) const;
    // hidden += output(attended); hidden += mlp(norm(hidden)). In place: the caller's rows are a view of the whole prompt's.
    void finish(LayerIndex layer, const at::Tensor& hidden, const at::Tensor& attended,
                const Tracer& at) const;

    at::Tensor logits(const at::Tensor& hidden, const Tracer& at) const;  // [rows, vocabulary], fp32

    const ModelConfig& config() const { return config_; }
    const Weights& weights() const { return weights_; }
    const Compute& compute() const { return compute_; }

private:
    cost::PointwiseShape normShape(std::int64_t rows) const;

    ModelConfig config_;
    Weights weights_;
    Compute compute_;
};

}  // namespace fluxscope
