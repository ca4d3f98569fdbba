// What config.json and generation_config.json say about a model, checked: whoever holds a ModelConfig need not doubt it.
#pragma once

#include "engine/contract/index.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fluxscope {

struct ModelConfig {
    std::string architecture;
    std::int64_t layers = 0;
    std::int64_t heads = 0;
    std::int64_t kvHeads = 0;
    std::int64_t headDim = 0;
    std::int64_t hidden = 0;
    std::int64_t inner = 0;  // of the feed-forward block
    std::int64_t vocabulary = 0;
    std::int64_t context = 0;
    double normEps = 1e-6;
    double ropeTheta = 10000;
    bool attentionBias = false;
    bool tiedEmbeddings = false;
    bool untrained = false;                // fluxscope_untrained: random weights made by a test
    std::optional<std::int64_t> poolSize;  // of routers that lie in the checkpoint itself
    std::vector<TokenId> endOfSequence;
};

// Reads FOLDER/config.json and, if there, FOLDER/generation_config.json. `raw` receives config.json.
ModelConfig readConfig(const std::filesystem::path& folder, nlohmann::json* raw = nullptr);

}  // namespace fluxscope
