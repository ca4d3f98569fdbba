#include "engine/checkpoint/checkpoint.h"

#include "engine/checkpoint/foreign.h"
#include "engine/checkpoint/json_file.h"
#include "engine/checkpoint/shards.h"
#include "engine/contract/error.h"

#include <array>
#include <cstdio>

namespace fluxscope {
namespace {

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

ModelFacts factsOf(const ModelConfig& c, const std::filesystem::path& folder) {
    std::error_code error;
    const std::filesystem::path canonical = std::filesystem::weakly_canonical(folder, error);
    const std::filesystem::path& whole = error ? folder : canonical;
    ModelFacts facts;
    facts.name = whole.filename().string();
    facts.path = whole.string();
    facts.architecture = c.architecture;
    facts.layers = static_cast<std::int32_t>(c.layers);
    facts.heads = static_cast<std::int32_t>(c.heads);
    facts.kvHeads = static_cast<std::int32_t>(c.kvHeads);
    facts.headDim = static_cast<std::int32_t>(c.headDim);
    facts.hidden = static_cast<std::int32_t>(c.hidden);
    facts.vocabulary = static_cast<std::int32_t>(c.vocabulary);
    facts.untrained = c.untrained;
    return facts;
}

}  // namespace

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
    refuseForeignFiles(folder);
    Checkpoint checkpoint;
    nlohmann::json raw;
    checkpoint.config = readConfig(folder, &raw);
    checkpoint.tensors = openWeights(folder);
    refuseQuantizedTensors(checkpoint.tensors);

    checkpoint.facts = factsOf(checkpoint.config, folder);
    checkpoint.facts.hash = backboneHash(raw, checkpoint.tensors);
    for (const auto& [name, shape] : backboneShapes(checkpoint.config)) {
        requireTensor(checkpoint.tensors, name, shape, folder.string(), "config.json");
        checkpoint.facts.parameters += elementsOf(shape);
    }
    const JsonFields fields(raw, (folder / "config.json").string());
    checkpoint.router = openRouters(checkpoint.config, fields,
                                    {.folder = folder, .given = router, .backbone = checkpoint.facts.hash},
                                    checkpoint.tensors);
    if (checkpoint.router) {
        checkpoint.facts.routerParameters = checkpoint.router->parameters;
        checkpoint.facts.poolSize = static_cast<std::int32_t>(checkpoint.router->poolSize);
    }
    return checkpoint;
}

}  // namespace fluxscope
