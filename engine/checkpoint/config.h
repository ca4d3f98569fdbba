// What config.json and generation_config.json say about a model, checked: whoever holds a ModelConfig need not doubt it.
#pragma once

#include "engine/checkpoint/rope.h"
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
    std::int64_t context = 0;  // positions, a stretched rotary embedding counted in
    double normEps = 1e-6;
    RopeForm rope;
    bool qkvBias = false;
    bool outputBias = false;
    bool mlpBias = false;
    bool queryKeyNorm = false;  // RMS norms over each head's queries and keys, before RoPE
    bool tiedEmbeddings = false;
    bool flux = false;                  // published by Flux Attention: its routers lie in the checkpoint
    bool untrained = false;             // fluxscope_untrained: random weights made by a test
    std::vector<std::int64_t> windows;  // of each layer, 0 where it sees all keys; empty: none has one
    std::vector<TokenId> endOfSequence;

    // How many keys up to itself a query sees at most in a layer's full attention; absent: all.
    std::optional<std::int64_t> slidingWindow(LayerIndex layer) const;
};

// Reads FOLDER/config.json and, if there, FOLDER/generation_config.json. `raw` receives config.json.
ModelConfig readConfig(const std::filesystem::path& folder, nlohmann::json* raw = nullptr);

}  // namespace fluxscope
