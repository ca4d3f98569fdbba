// Tensors that are trained, by the names under which a checkpoint has them, and where they come from: weights that were loaded,
// or new ones.
#pragma once

#include "engine/transformer/weights.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace fluxscope::train {

struct Parameter {
    std::string name;
    at::Tensor value;
    bool decays = true;  // by weight decay: matrices do, norms and biases do not
};

using Parameters = std::vector<Parameter>;

// The tensors themselves, not copies, in the order of their names.
Parameters backboneParameters(const ModelConfig& config, const Weights& weights);
Parameters routerParameters(const Weights& weights);

// fp32, no tensor shared with another but tied embeddings. Matrices N(0, 0.02), those that write into the stream between the layers
// 1 / sqrt(2 layers) of that; norms 1, biases 0.
Weights newBackbone(const ModelConfig& config, std::uint64_t seed, at::Device device);
// Linear layers whose outputs are as large as their inputs (N(0, 1 / inputs)), biases 0: decisions differ between
// prompts from the first step on. The published code starts at N(0, 0.02), and five layers of that shrink what differs between
// prompts some thousandfold.
std::vector<RouterWeights> newRouters(const ModelConfig& config, std::uint64_t seed, at::Device device);

// Makes them leaves of the graph, or not.
void requireGradients(const Parameters& parameters, bool required);

// 16 hex digits of every byte of these tensors, in their order: what shows that training did not touch them.
std::string contentHash(const Parameters& parameters);

}  // namespace fluxscope::train
