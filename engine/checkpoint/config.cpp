#include "engine/checkpoint/config.h"

#include "engine/checkpoint/families.h"
#include "engine/checkpoint/foreign.h"
#include "engine/checkpoint/json_file.h"
#include "engine/contract/error.h"

#include <algorithm>

namespace fluxscope {
namespace {

constexpr std::int64_t kMostConfigBytes = std::int64_t{16} << 20;

std::vector<TokenId> endOfSequenceOf(const JsonFields& config, std::int64_t vocabulary) {
    std::vector<TokenId> ids;
    if (!config.has("eos_token_id")) return ids;
    const nlohmann::json& value = config.at("eos_token_id");
    const auto add = [&](const nlohmann::json& id) {
        if (!id.is_number_integer() || id.get<std::int64_t>() < 0 || id.get<std::int64_t>() >= vocabulary)
            config.refuse("eos_token_id", "is not a token id of the vocabulary",
                          "remove it or set it to the end token's id");
        ids.push_back(TokenId::of(id.get<std::int64_t>()));
    };
    if (value.is_array())
        std::for_each(value.begin(), value.end(), add);
    else
        add(value);
    return ids;
}

}  // namespace

std::optional<std::int64_t> ModelConfig::slidingWindow(LayerIndex layer) const {
    const auto l = static_cast<std::size_t>(layer.value());
    if (windows.empty() || windows[l] == 0) return std::nullopt;
    return windows[l];
}

ModelConfig readConfig(const std::filesystem::path& folder, nlohmann::json* raw) {
    const std::filesystem::path file = folder / "config.json";
    const nlohmann::json json = readJsonObject(file, kMostConfigBytes);
    const JsonFields config(json, file.string());

    ModelConfig c;
    c.architecture = readArchitecture(config);
    refuseQuantized(config);
    if (const std::string act = config.textOr("hidden_act", "silu"); act != "silu" && act != "swish")
        config.refuse("hidden_act", "is " + printable(act, 40) + ", and only silu is read",
                      "use a model whose hidden_act is silu");
    c.layers = config.integer("num_hidden_layers", 1, 1024);
    c.heads = config.integer("num_attention_heads", 1, 1024);
    c.hidden = config.integer("hidden_size", 1, 1 << 17);
    c.inner = config.integer("intermediate_size", 1, 1 << 20);
    c.vocabulary = config.integer("vocab_size", 1, 1 << 24);
    c.normEps = config.numberOr("rms_norm_eps", 0, 1, 1e-6);
    c.tiedEmbeddings = config.flagOr("tie_word_embeddings", false);
    c.untrained = config.flagOr("fluxscope_untrained", false);
    readFamily(c, config);
    const std::int64_t context = config.integer("max_position_embeddings", 1, 1 << 24);
    c.rope = readRope(config, context);
    c.context = c.rope.reach(context);
    c.endOfSequence = endOfSequenceOf(config, c.vocabulary);

    const std::filesystem::path generation = folder / "generation_config.json";
    std::error_code absent;
    if (std::filesystem::exists(generation, absent)) {
        const nlohmann::json g = readJsonObject(generation, kMostConfigBytes);
        auto ids = endOfSequenceOf(JsonFields(g, generation.string()), c.vocabulary);
        if (!ids.empty()) c.endOfSequence = std::move(ids);
    }
    if (raw) *raw = json;
    return c;
}

}  // namespace fluxscope
