// The model's tensors on its device, in the type it computes in. On the CPU, weights that are stored in that type are used
// where they lie in the mapped file (weight_stream.h).
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "engine/transformer/compute.h"

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

namespace fluxscope {

struct Linear {
    at::Tensor weight;  // [outputs, inputs]
    at::Tensor bias;    // [outputs], undefined when there is none

    at::Tensor operator()(const at::Tensor& input) const;
};

struct LayerWeights {
    at::Tensor inputNorm;     // [hidden]
    Linear q, k, v;           // [heads * dim, hidden], [kvHeads * dim, hidden] twice
    at::Tensor qNorm, kNorm;  // [dim], undefined where the family has none
    Linear output;            // [hidden, heads * dim]
    at::Tensor postNorm;      // [hidden]
    Linear gate, up, down;    // [inner, hidden] twice, [hidden, inner]
};

// fp32 whatever the model computes in: small, and its answer is a decision.
struct RouterWeights {
    Linear feature0, feature2;   // [8d, d], [2d, 8d]
    Linear head0, head2, head4;  // [4d, 2d], [d, 4d], [2 or 1, d]
};

struct Weights {
    at::Tensor embedding;  // [vocabulary, hidden]
    std::vector<LayerWeights> layers;
    std::vector<RouterWeights> routers;  // empty: the model has none
    at::Tensor finalNorm;                // [hidden]
    Linear head;                         // [vocabulary, hidden]
    LoadProgress read;                   // how long it took, at the end
};

Weights loadWeights(const Checkpoint& checkpoint, const Compute& compute,
                    const std::function<void(const LoadProgress&)>& progress, const CancelToken* cancel);

}  // namespace fluxscope
