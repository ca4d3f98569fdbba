#include "engine/checkpoint/config.h"

#include "engine/checkpoint/json_file.h"
#include "engine/contract/error.h"

#include <algorithm>

namespace fluxscope {
namespace {

constexpr std::int64_t kMostConfigBytes = std::int64_t{16} << 20;
const char* const kReadable = "use a model whose architecture is Qwen3ForCausalLM, the one read so far";

std::string architectureOf(const JsonFields& config) {
    const nlohmann::json& names = config.at("architectures");
    if (!names.is_array() || names.empty() || !names.front().is_string())
        config.refuse("architectures", "is not a list of names", kReadable);
    const auto name = names.front().get<std::string>();
    if (name != "Qwen3ForCausalLM")
        config.refuse("architectures", "names " + printable(name, 60) + ", which is not read yet", kReadable);
    return name;
}

// Older files have rope_theta and rope_scaling, newer ones rope_parameters with both.
double ropeThetaOf(const JsonFields& config) {
    if (config.has("rope_scaling"))
        config.refuse("rope_scaling", "asks for a scaled rotary embedding, which is not read yet", kReadable);
    if (config.has("rope_parameters")) {
        const JsonFields rope = config.object("rope_parameters");
        if (rope.textOr("rope_type", "default") != "default")
            rope.refuse("rope_type", "asks for a scaled rotary embedding, which is not read yet", kReadable);
        return rope.number("rope_theta", 1, 1e12);
    }
    return config.number("rope_theta", 1, 1e12);
}

void refuseWhatIsNotRead(const JsonFields& config) {
    if (config.flagOr("use_sliding_window", false))
        config.refuse("use_sliding_window", "is true, which is not read yet",
                      "use a model without sliding windows");
    if (const std::string act = config.textOr("hidden_act", "silu"); act != "silu")
        config.refuse("hidden_act", "is " + printable(act, 40) + ", and only silu is read", kReadable);
    if (config.has("quantization_config"))
        config.refuse("quantization_config", "says that the weights are quantized, which is not read yet",
                      "use the fp32, bf16 or fp16 weights");
}

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

ModelConfig readConfig(const std::filesystem::path& folder, nlohmann::json* raw) {
    const std::filesystem::path file = folder / "config.json";
    const nlohmann::json json = readJsonObject(file, kMostConfigBytes);
    const JsonFields config(json, file.string());

    ModelConfig c;
    c.architecture = architectureOf(config);
    refuseWhatIsNotRead(config);
    c.layers = config.integer("num_hidden_layers", 1, 1024);
    c.heads = config.integer("num_attention_heads", 1, 1024);
    c.kvHeads = config.integerOr("num_key_value_heads", 1, 1024, c.heads);
    c.hidden = config.integer("hidden_size", 1, 1 << 17);
    c.inner = config.integer("intermediate_size", 1, 1 << 20);
    c.vocabulary = config.integer("vocab_size", 1, 1 << 24);
    c.context = config.integer("max_position_embeddings", 1, 1 << 24);
    c.headDim = config.integerOr("head_dim", 2, 256, 128);  // Qwen3's own default, not hidden / heads
    c.normEps = config.number("rms_norm_eps", 0, 1);
    c.ropeTheta = ropeThetaOf(config);
    c.attentionBias = config.flagOr("attention_bias", false);
    c.tiedEmbeddings = config.flagOr("tie_word_embeddings", false);
    c.untrained = config.flagOr("fluxscope_untrained", false);
    if (config.has("pool_size")) c.poolSize = config.integer("pool_size", 1, 1 << 20);
    if (c.headDim % 2 != 0) config.refuse("head_dim", "is odd, and rotary embedding turns pairs", kReadable);
    if (c.heads % c.kvHeads != 0)
        config.refuse("num_key_value_heads",
                      "is " + std::to_string(c.kvHeads) + ", which does not divide " +
                          std::to_string(c.heads) + " heads",
                      "use the config.json that came with these weights");
    c.endOfSequence = endOfSequenceOf(config, c.vocabulary);

    const std::filesystem::path generation = folder / "generation_config.json";
    if (std::filesystem::exists(generation)) {
        const nlohmann::json g = readJsonObject(generation, kMostConfigBytes);
        auto ids = endOfSequenceOf(JsonFields(g, generation.string()), c.vocabulary);
        if (!ids.empty()) c.endOfSequence = std::move(ids);
    }
    if (raw) *raw = json;
    return c;
}

}  // namespace fluxscope
