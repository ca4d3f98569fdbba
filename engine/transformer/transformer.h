// The parts of a Qwen3 block, in the order of the pass. Prefill and decode differ in what stands between project() and
// finish(): how they attend.
#pragma once

#include "engine/checkpoint/config.h"
#include "engine/transformer/compute.h"
#include "engine/transformer/tracer.h"
#include "engine/transformer/weights.h"

#include <cstdint>

namespace fluxscope {

// What turns the rows of one call: one row of angles for each.
struct RotaryRows {
    at::Tensor cos;  // [rows, 1, dim / 2], fp32
    at::Tensor sin;
};

// Rotary embedding of positions 0 .. positions-1, in fp32.
struct RotaryTable {
    at::Tensor cos;  // [positions, 1, dim / 2]
    at::Tensor sin;

    RotaryRows rows(std::int64_t begin, std::int64_t count) const;  // of neighbours: views
    // Of any positions, an int64 tensor [rows] on the model's device: what a captured graph replays with other numbers in it.
    RotaryRows rows(const at::Tensor& positions) const;
};

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
    at::Tensor norm(const at::Tensor& x, const at::Tensor& weight) const;
    at::Tensor turn(const at::Tensor& x, const RotaryRows& rotary) const;
    cost::PointwiseShape normShape(std::int64_t rows) const;

    ModelConfig config_;
    Weights weights_;
    Compute compute_;
};

}  // namespace fluxscope
