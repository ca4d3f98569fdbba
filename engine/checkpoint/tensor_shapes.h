// Which tensors a model needs, and in which shapes: what config.json promises and the weights must keep.
#pragma once

#include "engine/checkpoint/config.h"
#include "engine/checkpoint/safetensors.h"

#include <map>
#include <string>
#include <vector>

namespace fluxscope {

using TensorShapes = std::map<std::string, std::vector<std::int64_t>>;

TensorShapes backboneShapes(const ModelConfig& config);

// A layer's router by the names behind routerTensorName(): sizes 8d, 2d, 4d, d, then the logits, all linear with bias.
TensorShapes routerShapes(std::int64_t headDim, std::int64_t logits);

std::string routerTensorName(std::int64_t layer,
                             const std::string& rest);  // "model.layers.3.self_attn.mask_allocator." + rest
bool isRouterTensor(const std::string& name);

// Throws InputError unless `tensors` has it in this shape and in a type that is computed with. `where` is named when it is
// missing, `because` is who says the shape.
void requireTensor(const std::map<std::string, StoredTensor>& tensors, const std::string& name,
                   const std::vector<std::int64_t>& shape, const std::string& where,
                   const std::string& because);

std::int64_t elementsOf(const std::vector<std::int64_t>& shape);

}  // namespace fluxscope
