// A model's folder as Hugging Face writes it: config.json, model.safetensors (or shards named by an index), and the layer
// routers, from router.safetensors or from the checkpoint itself. Opening reads headers only and checks that every tensor
// the model needs is there with the right shape; the data stays in the mapped files.
#pragma once

#include "engine/checkpoint/config.h"
#include "engine/checkpoint/routers.h"
#include "engine/checkpoint/safetensors.h"
#include "engine/checkpoint/tensor_shapes.h"
#include "engine/contract/observer.h"

#include <map>
#include <optional>

namespace fluxscope {

struct Checkpoint {
    ModelConfig config;
    std::map<std::string, StoredTensor> tensors;
    std::optional<RouterSource> router;
    ModelFacts facts;

    const StoredTensor& tensor(const std::string& name) const;
};

// `router` replaces FOLDER/router.safetensors.
Checkpoint openCheckpoint(const std::filesystem::path& folder,
                          const std::optional<std::filesystem::path>& router = std::nullopt);

// 16 hex digits of config.json and of the names, types and shapes of the tensors: what a router was trained for. Fields of
// config.json that only describe the file ("_name_or_path", "transformers_version", "fluxscope_untrained") do not count.
std::string backboneHash(const nlohmann::json& config, const std::map<std::string, StoredTensor>& tensors);

}  // namespace fluxscope
