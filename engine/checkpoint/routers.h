// A model's layer routers: from router.safetensors beside a plain model, or from inside a checkpoint that Flux Attention
// published. Opening checks that every layer has one of the right shape, and says what it was trained for.
#pragma once

#include "engine/checkpoint/config.h"
#include "engine/checkpoint/safetensors.h"
#include "engine/contract/sparse_form.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace fluxscope {

class JsonFields;

struct RouterSource {
    std::int64_t poolSize = 0;         // prompt tokens pooled at each end
    std::int64_t logits = 2;           // rows of the last linear layer: 2, or 1 for a sigmoid head
    std::optional<SparseForm> sparse;  // the form it was trained for
    std::int64_t parameters = 0;
};

struct RouterPlace {
    std::filesystem::path folder;
    std::optional<std::filesystem::path> given;  // replaces FOLDER/router.safetensors
    std::string backbone;                        // this model's backboneHash()
};

// Adds the routers' tensors to the model's. Absent: the model has none. `fields` is config.json.
std::optional<RouterSource> openRouters(const ModelConfig& config, const JsonFields& fields,
                                        const RouterPlace& place,
                                        std::map<std::string, StoredTensor>& tensors);

}  // namespace fluxscope
