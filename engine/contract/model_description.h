// What a model's folder says beyond its shape: what `info` shows. Read from config files and tensor headers alone.
#pragma once

#include "engine/contract/observer.h"
#include "engine/contract/sampling.h"
#include "engine/contract/sparse_form.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fluxscope {

struct RopeDescription {
    std::string kind;                                        // "default", "linear", "yarn", "llama3"
    std::vector<std::pair<std::string, double>> parameters;  // that this kind has, as config.json names them
};

struct ModelDescription {
    ModelFacts facts;
    std::int64_t context = 0;  // positions, a stretched RoPE counted in
    RopeDescription rope;
    std::int64_t slidingWindow = 0;  // tokens that a query sees in the layers that have one; 0: none has
    std::vector<LayerIndex> slidingLayers;
    std::map<std::string, std::int64_t> storedBytes;  // of the tensors, by type as safetensors names it
    std::int64_t weightFiles = 0;
    std::int64_t weightBytes = 0;      // of those files
    std::optional<SparseForm> sparse;  // that its routers were trained for
    std::vector<TokenId> endOfSequence;
    bool chatTemplate = false;
    std::optional<SamplingOptions> recommended;  // absent: no generation_config.json
};

}  // namespace fluxscope
