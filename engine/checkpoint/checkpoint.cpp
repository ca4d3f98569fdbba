#include "engine/checkpoint/checkpoint.h"

#include "engine/checkpoint/json_file.h"
#include "engine/contract/error.h"

#include <array>
#include <cstdio>
#include <set>

namespace fluxscope {
namespace {

const char* const kRightConfig = "use the config.json that came with these weights";
constexpr const char* kRouterMark = ".self_attn.mask_allocator.";

bool isRouterTensor(const std::string& name) { return name.find(kRouterMark) != std::string::npos; }

std::map<std::string, StoredTensor> openShards(const std::filesystem::path& folder) {
    const std::filesystem::path index = folder / "model.safetensors.index.json";
    const nlohmann::json json = readJsonObject(index, std::int64_t{64} << 20);
    const JsonFields map = JsonFields(json, index.string()).object("weight_map");

    std::map<std::string, SafetensorsFile> shards;
    std::map<std::string, StoredTensor> tensors;
    for (const auto& [name, value] : map.json().items()) {
        const auto shard = value.is_string() ? value.get<std::string>() : std::string{};
        // A shard lies beside its index; a path that leads elsewhere is not ours to open.
        if (shard.empty() || shard != std::filesystem::path(shard).filename().string() || shard == "." ||
            shard == "..")
            map.refuse(name.c_str(), "does not name a file beside the index", "download the model again");
        if (!shards.contains(shard)) shards.emplace(shard, openSafetensors(folder / shard));
        const auto found = shards[shard].tensors.find(name);
        if (found == shards[shard].tensors.end())
            map.refuse(name.c_str(), "is not in " + printable(shard, 80), "download the model again");
        tensors.emplace(name, found->second);
    }
    return tensors;
}

std::map<std::string, StoredTensor> openWeights(const std::filesystem::path& folder) {
    if (std::filesystem::exists(folder / "model.safetensors.index.json")) return openShards(folder);
    if (std::filesystem::exists(folder / "model.safetensors"))
        return openSafetensors(folder / "model.safetensors").tensors;
    throw InputError(folder.string(), "", "has no model.safetensors and no model.safetensors.index.json",
                     "convert the weights to safetensors; pickled checkpoints are never read");
}

// The tensors of a Qwen3 backbone and their shapes.
std::map<std::string, std::vector<std::int64_t>> backboneShapes(const ModelConfig& c) {
    std::map<std::string, std::vector<std::int64_t>> shapes = {
        {"model.embed_tokens.weight", {c.vocabulary, c.hidden}},
        {"model.norm.weight", {c.hidden}},
    };
    if (!c.tiedEmbeddings) shapes["lm_head.weight"] = {c.vocabulary, c.hidden};
    for (std::int64_t i = 0; i < c.layers; ++i) {
        const std::string layer = "model.layers." + std::to_string(i) + ".";
        const std::string attention = layer + "self_attn.";
        const auto linear = [&](const std::string& name, std::int64_t outputs, std::int64_t inputs,
                                bool bias) {
            shapes[name + ".weight"] = {outputs, inputs};
            if (bias) shapes[name + ".bias"] = {outputs};
        };
        linear(attention + "q_proj", c.heads * c.headDim, c.hidden, c.attentionBias);
        linear(attention + "k_proj", c.kvHeads * c.headDim, c.hidden, c.attentionBias);
        linear(attention + "v_proj", c.kvHeads * c.headDim, c.hidden, c.attentionBias);
        linear(attention + "o_proj", c.hidden, c.heads * c.headDim, c.attentionBias);
        linear(layer + "mlp.gate_proj", c.inner, c.hidden, false);
        linear(layer + "mlp.up_proj", c.inner, c.hidden, false);
        linear(layer + "mlp.down_proj", c.hidden, c.inner, false);
        shapes[attention + "q_norm.weight"] = {c.headDim};
        shapes[attention + "k_norm.weight"] = {c.headDim};
        shapes[layer + "input_layernorm.weight"] = {c.hidden};
        shapes[layer + "post_attention_layernorm.weight"] = {c.hidden};
    }
    return shapes;
}

// A layer's router: sizes 8d, 2d, 4d, d, then the logits, all linear layers with bias.
std::map<std::string, std::vector<std::int64_t>> routerShapes(std::int64_t d, std::int64_t logits) {
    return {
        {"cls_feat_extractor.0.weight", {8 * d, d}},           {"cls_feat_extractor.0.bias", {8 * d}},
        {"cls_feat_extractor.2.weight", {2 * d, 8 * d}},       {"cls_feat_extractor.2.bias", {2 * d}},
        {"cls_router_head_agnostic.0.weight", {4 * d, 2 * d}}, {"cls_router_head_agnostic.0.bias", {4 * d}},
        {"cls_router_head_agnostic.2.weight", {d, 4 * d}},     {"cls_router_head_agnostic.2.bias", {d}},
        {"cls_router_head_agnostic.4.weight", {logits, d}},    {"cls_router_head_agnostic.4.bias", {logits}}};
}

void requireTensor(const std::map<std::string, StoredTensor>& tensors, const std::string& name,
                   const std::vector<std::int64_t>& shape, const std::string& where,
                   const std::string& because) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) throw InputError(where, name, "is missing", "download the model again");
    const StoredTensor& t = found->second;
    if (t.shape != shape)
        throw InputError(t.file, name,
                         "has shape " + shapeText(t.shape) + " but " + because + " says " + shapeText(shape),
                         kRightConfig);
    if (t.type == StoredType::Other)
        throw InputError(
            t.file, name,
            "is stored as " + printable(t.typeName, 20) + ", and weights are read as F32, F16 or BF16",
            "use the fp32, bf16 or fp16 weights");
}

std::int64_t elementsOf(const std::vector<std::int64_t>& shape) {
    std::int64_t n = 1;
    for (const std::int64_t size : shape) n *= size;
    return n;
}

RouterSource readRouterMetadata(const SafetensorsFile& file, const std::string& where,
                                const std::string& backbone) {
    const auto value = [&](const char* key) -> std::string {
        const auto found = file.metadata.find(key);
        if (found == file.metadata.end())
            throw InputError(where, std::string("__metadata__.") + key, "is missing",
                             "write the router file again");
        return found->second;
    };
    RouterSource source;
    try {
        std::size_t used = 0;
        const std::string pool = value("pool_size");
        const double size = std::stod(pool, &used);  // some writers store 150.0
        if (used != pool.size() || !(size >= 1 && size <= 1 << 20)) throw std::invalid_argument(pool);
        source.poolSize = static_cast<std::int64_t>(size);
    } catch (const std::logic_error&) {
        throw InputError(where, "__metadata__.pool_size", "is no count of tokens",
                         "write the router file again");
    }
    if (const auto sparse = file.metadata.find("sparse"); sparse != file.metadata.end()) {
        try {
            source.sparse = parseSparseForm(sparse->second, where);
        } catch (const Error& e) {
            throw InputError(where, "__metadata__.sparse", "is no sparse form (" + e.problem() + ")",
                             "write the router file again");
        }
    }
    if (const auto hash = file.metadata.find("backbone");
        hash != file.metadata.end() && hash->second != backbone)
        throw InputError(where, "__metadata__.backbone",
                         "is " + printable(hash->second, 40) + " but this model's is " + backbone +
                             ": it was trained for another model",
                         "use the router that was trained for this model, or move it out of the folder");
    return source;
}

// Adds the routers' tensors to the checkpoint's. Absent: the model has no routers.
std::optional<RouterSource> openRouters(Checkpoint& checkpoint, const std::filesystem::path& folder,
                                        const std::optional<std::filesystem::path>& given) {
    const std::filesystem::path file = given.value_or(folder / "router.safetensors");
    RouterSource source;
    std::string where = folder.string();
    if (given || std::filesystem::exists(file)) {
        SafetensorsFile side = openSafetensors(file);
        where = file.string();
        source = readRouterMetadata(side, where, checkpoint.facts.hash);
        for (auto& [name, tensor] : side.tensors)
            if (isRouterTensor(name)) checkpoint.tensors.insert_or_assign(name, std::move(tensor));
    } else if (checkpoint.tensors.contains(routerTensorName(0, "cls_feat_extractor.0.weight"))) {
        source.poolSize = checkpoint.config.poolSize.value_or(100);  // the published class's default
    } else {
        return std::nullopt;
    }
    const auto last = checkpoint.tensors.find(routerTensorName(0, "cls_router_head_agnostic.4.weight"));
    if (last != checkpoint.tensors.end() && last->second.shape.size() == 2 && last->second.shape[0] == 1)
        source.logits = 1;
    for (std::int64_t i = 0; i < checkpoint.config.layers; ++i) {
        for (const auto& [rest, shape] : routerShapes(checkpoint.config.headDim, source.logits)) {
            requireTensor(checkpoint.tensors, routerTensorName(i, rest), shape, where,
                          "a router of this model");
            checkpoint.facts.routerParameters += elementsOf(shape);
        }
    }
    return source;
}

// FNV-1a: it names a model, it protects nothing.
class Fingerprint {
public:
    void add(const std::string& text) {
        for (const char c : text) step(static_cast<std::uint8_t>(c));
        step(0);
    }
    std::string hex() const {
        std::array<char, 17> text{};
        std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(state_));
        return text.data();
    }

private:
    void step(std::uint8_t byte) { state_ = (state_ ^ byte) * 0x100000001B3ULL; }
    std::uint64_t state_ = 0xCBF29CE484222325ULL;
};

}  // namespace

std::string routerTensorName(std::int64_t layer, const std::string& rest) {
    return "model.layers." + std::to_string(layer) + kRouterMark + rest;
}

const StoredTensor& Checkpoint::tensor(const std::string& name) const { return tensors.at(name); }

std::string backboneHash(const nlohmann::json& config, const std::map<std::string, StoredTensor>& tensors) {
    nlohmann::json described = config;
    for (const char* field : {"_name_or_path", "transformers_version", "fluxscope_untrained"})
        described.erase(field);
    Fingerprint print;
    print.add(described.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    for (const auto& [name, tensor] : tensors) {
        if (isRouterTensor(name)) continue;
        print.add(name);
        print.add(tensor.typeName);
        print.add(shapeText(tensor.shape));
    }
    return print.hex();
}

Checkpoint openCheckpoint(const std::filesystem::path& folder,
                          const std::optional<std::filesystem::path>& router) {
    if (!std::filesystem::is_directory(folder))
        throw InputError(folder.string(), "", "is not a folder", "give the folder of a Hugging Face model");
    Checkpoint checkpoint;
    nlohmann::json raw;
    checkpoint.config = readConfig(folder, &raw);
    checkpoint.tensors = openWeights(folder);

    const ModelConfig& c = checkpoint.config;
    ModelFacts& facts = checkpoint.facts;
    const std::filesystem::path whole = std::filesystem::weakly_canonical(folder);
    facts.name = whole.filename().string();
    facts.path = whole.string();
    facts.architecture = c.architecture;
    facts.hash = backboneHash(raw, checkpoint.tensors);
    facts.layers = static_cast<std::int32_t>(c.layers);
    facts.heads = static_cast<std::int32_t>(c.heads);
    facts.kvHeads = static_cast<std::int32_t>(c.kvHeads);
    facts.headDim = static_cast<std::int32_t>(c.headDim);
    facts.hidden = static_cast<std::int32_t>(c.hidden);
    facts.vocabulary = static_cast<std::int32_t>(c.vocabulary);
    facts.untrained = c.untrained;
    for (const auto& [name, shape] : backboneShapes(c)) {
        requireTensor(checkpoint.tensors, name, shape, folder.string(), "config.json");
        facts.parameters += elementsOf(shape);
    }
    checkpoint.router = openRouters(checkpoint, folder, router);
    if (checkpoint.router) facts.poolSize = static_cast<std::int32_t>(checkpoint.router->poolSize);
    return checkpoint;
}

}  // namespace fluxscope
