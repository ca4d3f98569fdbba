// The parts of a Qwen3 block, in the order of the pass. Prefill and decode differ in what stands between project() and
// finish(): how they attend.
#pragma once

#include "engine/checkpoint/config.h"
#include "engine/transformer/compute.h"
#include "engine/transformer/tracer.h"
#include "engine/transformer/weights.h"

#include <cstdint>

namespace fluxscope {

// Rotary embedding of positions 0 .. positions-1, in fp32.
struct RotaryTable {
    at::Tensor cos;  // [positions, 1, dim / 2]
    at::Tensor sin;
};

struct Qkv {
    at::Tensor q;  // [rows, heads, dim], normed, RoPE applied
    at::Tensor k;  // [rows, kvHeads, dim], the same
    at::Tensor v;  // [rows, kvHeads, dim]
};

class Transformer {
public:
    Transformer(ModelConfig config, Weights weights, Compute compute);

    RotaryTable rotary(std::int64_t positions) const;
    at::Tensor embed(std::span<const TokenId> ids, const Tracer& at) const;  // [ids, hidden]

    // Norm, projections, q-norm and k-norm, RoPE of rows that stand at positions begin, begin + 1, ...
    Qkv project(LayerIndex layer, const at::Tensor& hidden, std::int64_t begin, const RotaryTable& rotary,
                const Tracer& at) const;
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
    at::Tensor norm(const at::Tensor& x, const at::Tensor& weight) const;
    at::Tensor turn(const at::Tensor& x, std::int64_t begin, const RotaryTable& rotary) const;
    cost::PointwiseShape normShape(std::int64_t rows) const;

    ModelConfig config_;
    Weights weights_;
    Compute compute_;
};

}  // namespace fluxscope
