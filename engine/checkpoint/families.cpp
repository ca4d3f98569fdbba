#include "engine/checkpoint/families.h"

#include "engine/checkpoint/json_file.h"
#include "engine/contract/error.h"

#include <array>
#include <string_view>

namespace fluxscope {
namespace {

const char* const kReadable =
    "use a Llama, Mistral, Qwen2, Qwen3, PawLlama or PawQwen3 model for causal language modelling";
const char* const kRightConfig = "use the config.json that came with these weights";
constexpr std::int64_t kWidest = 1 << 24;

enum class Family : std::uint8_t { Llama, Mistral, Qwen2, Qwen3 };

struct Architecture {
    std::string_view name;
    Family family;
    bool flux;  // published by Flux Attention, its routers inside the checkpoint
};

constexpr std::array<Architecture, 6> kArchitectures = {{{"LlamaForCausalLM", Family::Llama, false},
                                                         {"MistralForCausalLM", Family::Mistral, false},
                                                         {"Qwen2ForCausalLM", Family::Qwen2, false},
                                                         {"Qwen3ForCausalLM", Family::Qwen3, false},
                                                         {"PawLlamaForCausalLM", Family::Llama, true},
                                                         {"PawQwen3ForCausalLM", Family::Qwen3, true}}};

const Architecture* find(std::string_view name) {
    for (const Architecture& a : kArchitectures)
        if (a.name == name) return &a;
    return nullptr;
}

// Absent: the family's own default. null: as many as heads.
std::int64_t kvHeadsOf(const ModelConfig& config, Family family, const JsonFields& fields) {
    const char* const field = "num_key_value_heads";
    const bool silent = family == Family::Llama || fields.json().contains(field);
    const std::int64_t kvHeads =
        silent ? fields.integerOr(field, 1, 1024, config.heads) : fields.integer(field, 1, 1024);
    if (config.heads % kvHeads != 0)
        fields.refuse(field,
                      "is " + std::to_string(kvHeads) + ", which does not divide " +
                          std::to_string(config.heads) + " heads",
                      kRightConfig);
    return kvHeads;
}

std::int64_t headDimOf(const ModelConfig& config, Family family, const JsonFields& fields) {
    std::int64_t dim = 0;
    if (fields.has("head_dim")) {
        dim = fields.integer("head_dim", 2, 256);
    } else if (family == Family::Qwen3) {
        dim = 128;  // Qwen3's own default, not hidden / heads
    } else {
        if (config.hidden % config.heads != 0)
            fields.refuse("hidden_size",
                          "is " + std::to_string(config.hidden) + ", which " + std::to_string(config.heads) +
                              " heads do not divide, and there is no head_dim",
                          kRightConfig);
        dim = config.hidden / config.heads;
        if (dim < 2 || dim > 256)
            fields.refuse("hidden_size",
                          "makes heads of " + std::to_string(dim) + " numbers, and 2 to 256 are computed",
                          kReadable);
    }
    if (dim % 2 != 0) fields.refuse("head_dim", "is odd, and rotary embedding turns pairs", kReadable);
    return dim;
}

// One entry a layer: which of them have a window. Absent: the first max_window_layers have none.
std::vector<bool> windowedLayers(const ModelConfig& config, const JsonFields& fields) {
    std::vector<bool> windowed;
    if (!fields.has("layer_types")) {
        const std::int64_t full = fields.integerOr("max_window_layers", 0, kWidest, 28);
        for (std::int64_t l = 0; l < config.layers; ++l) windowed.push_back(l >= full);
        return windowed;
    }
    const nlohmann::json& types = fields.at("layer_types");
    if (!types.is_array() || static_cast<std::int64_t>(types.size()) != config.layers)
        fields.refuse("layer_types", "is not a list of " + std::to_string(config.layers) + " kinds of layer",
                      kRightConfig);
    for (const nlohmann::json& type : types) {
        const std::string name = type.is_string() ? type.get<std::string>() : std::string("no text");
        if (name != "full_attention" && name != "sliding_attention")
            fields.refuse(
                "layer_types",
                "names " + printable(name, 40) + ", and only full_attention and sliding_attention are read",
                kReadable);
        windowed.push_back(name == "sliding_attention");
    }
    return windowed;
}

// In Qwen2 and Qwen3 a window counts only where use_sliding_window says so.
std::vector<std::int64_t> qwenWindows(const ModelConfig& config, const JsonFields& fields) {
    const bool used = fields.flagOr("use_sliding_window", false) &&
                      !(fields.json().contains("sliding_window") && !fields.has("sliding_window"));
    const std::vector<bool> windowed =
        used || fields.has("layer_types") ? windowedLayers(config, fields) : std::vector<bool>{};
    std::vector<std::int64_t> windows;
    for (const bool has : windowed) {
        if (has && !used)
            fields.refuse("layer_types", "names sliding_attention, but use_sliding_window is not true",
                          kRightConfig);
        windows.push_back(has ? fields.integerOr("sliding_window", 1, kWidest, 4096) : 0);
    }
    return windows;
}

// Mistral's window holds for every layer; null means none, and a file that is silent means 4096.
std::vector<std::int64_t> mistralWindows(const ModelConfig& config, const JsonFields& fields) {
    const bool none = fields.json().contains("sliding_window") && !fields.has("sliding_window");
    if (fields.has("layer_types")) {
        for (const bool has : windowedLayers(config, fields))
            if (has == none)
                fields.refuse("layer_types", "gives layers different windows, which Mistral has not",
                              kReadable);
    }
    if (none) return {};
    return std::vector<std::int64_t>(static_cast<std::size_t>(config.layers),
                                     fields.integerOr("sliding_window", 1, kWidest, 4096));
}

}  // namespace

std::string readArchitecture(const JsonFields& fields) {
    const nlohmann::json& names = fields.at("architectures");
    if (!names.is_array() || names.empty() || !names.front().is_string())
        fields.refuse("architectures", "is not a list of names", kReadable);
    auto name = names.front().get<std::string>();
    if (!find(name))
        fields.refuse("architectures", "names " + printable(name, 60) + ", which is not read", kReadable);
    return name;
}

void readFamily(ModelConfig& config, const JsonFields& fields) {
    const Architecture& architecture = *find(config.architecture);
    const Family family = architecture.family;
    config.flux = architecture.flux;
    config.kvHeads = kvHeadsOf(config, family, fields);
    config.headDim = headDimOf(config, family, fields);
    switch (family) {
        case Family::Llama:
            config.qkvBias = config.outputBias = fields.flagOr("attention_bias", false);
            config.mlpBias = fields.flagOr("mlp_bias", false);
            break;
        case Family::Mistral: config.windows = mistralWindows(config, fields); break;
        case Family::Qwen2:
            config.qkvBias = true;
            config.windows = qwenWindows(config, fields);
            break;
        case Family::Qwen3:
            config.qkvBias = config.outputBias = fields.flagOr("attention_bias", false);
            config.queryKeyNorm = true;
            config.windows = qwenWindows(config, fields);
            break;
    }
}

}  // namespace fluxscope
