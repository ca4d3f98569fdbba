// The forward pass with a gradient: the engine's own architectures over a batch of prompts of one length, on the engine's own
// weights. What engine/prefill computes with kernels is computed here with LibTorch's operations; with every layer full, or every
// layer sparse, both give the same logits (tests/train/forward_test.cpp).
//
// A layer computes both kinds of attention and mixes them by a weight for each prompt:  w * full + (1 - w) * sparse.
//
// Norms, softmax and the stream between the layers are fp32; products and attention are computed in `type`, to which weights
// are brought where they are stored in another one.
#pragma once

#include "engine/train/attention.h"
#include "engine/transformer/rotary.h"
#include "engine/transformer/weights.h"

#include <functional>
#include <vector>

namespace fluxscope::train {

// What depends on the length alone.
struct LengthPlan {
    std::int64_t tokens = 0;
    RotaryRows rotary;
    std::vector<Band> bands;
    std::vector<std::size_t> full;  // by layer: its band
    std::vector<std::size_t> sparse;
};

// A layer's weight w [batch], fp32, from its queries [batch, tokens, heads, dim] as a router sees them. Empty: all full, and no
// sparse attention is computed.
using MixOf = std::function<at::Tensor(const at::Tensor& queries)>;

struct LayerPass {
    at::Tensor hidden;  // [batch, tokens, hidden], fp32
    at::Tensor mix;     // [batch], undefined without a MixOf
};

class Forward {
public:
    // Keeps references to both. Weights must not be inference tensors: load them outside of c10::InferenceMode.
    Forward(const ModelConfig& config, const Weights& weights, const SparseForm& sparse, at::ScalarType type);

    LengthPlan plan(std::int64_t tokens) const;
    at::Tensor embed(const at::Tensor& ids) const;  // int64 [batch, tokens] to fp32 [batch, tokens, hidden]
    LayerPass layer(std::int64_t layer, const at::Tensor& hidden, const LengthPlan& plan,
                    const MixOf& mix) const;
    at::Tensor logits(const at::Tensor& rows) const;  // [..., hidden] to fp32 [..., vocabulary]

    const ModelConfig& config() const { return config_; }
    const Weights& weights() const { return weights_; }
    const SparseForm& sparse() const { return sparse_; }
    at::Device device() const { return weights_.embedding.device(); }

private:
    const ModelConfig& config_;
    const Weights& weights_;
    SparseForm sparse_;
    at::ScalarType type_;
};

// x [..., columns] over its last dimension, in fp32.
at::Tensor rmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps);

}  // namespace fluxscope::train
