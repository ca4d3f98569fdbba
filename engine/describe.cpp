#include "engine/describe.h"

#include "engine/chat/chat_template.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/json_file.h"

#include <set>

namespace fluxscope {
namespace {

constexpr std::int64_t kMostConfigBytes = std::int64_t{16} << 20;

RopeDescription describe(const RopeForm& rope) {
    const std::pair<std::string, double> theta{"rope_theta", rope.theta};
    const std::pair<std::string, double> factor{"factor", rope.factor};
    const std::pair<std::string, double> original{"original_max_position_embeddings",
                                                  static_cast<double>(rope.originalContext)};
    switch (rope.kind) {
        case RopeKind::Default: return {"default", {theta}};
        case RopeKind::Linear: return {"linear", {theta, factor}};
        case RopeKind::Yarn:
            return {"yarn",
                    {theta,
                     factor,
                     original,
                     {"beta_fast", rope.betaFast},
                     {"beta_slow", rope.betaSlow},
                     {"attention_factor", rope.attentionFactor}}};
        case RopeKind::Llama3:
            return {"llama3",
                    {theta,
                     factor,
                     original,
                     {"low_freq_factor", rope.lowFrequencyFactor},
                     {"high_freq_factor", rope.highFrequencyFactor}}};
    }
    return {};
}

void addWeights(ModelDescription& description, const Checkpoint& checkpoint) {
    std::set<const MappedFile*> files;
    for (const auto& [name, tensor] : checkpoint.tensors) {
        description.storedBytes[tensor.typeName] += tensor.bytes;
        if (files.insert(tensor.mapping.get()).second) description.weightBytes += tensor.mapping->size();
    }
    description.weightFiles = std::ssize(files);
}

}  // namespace

ModelDescription describeModel(const std::filesystem::path& folder) {
    const Checkpoint checkpoint = openCheckpoint(folder);
    const ModelConfig& config = checkpoint.config;
    ModelDescription description{.facts = checkpoint.facts,
                                 .context = config.context,
                                 .rope = describe(config.rope),
                                 .slidingWindow = 0,
                                 .slidingLayers = {},
                                 .storedBytes = {},
                                 .sparse = {},
                                 .endOfSequence = config.endOfSequence,
                                 .chatTemplate = ChatTemplate::load(folder).has_value(),
                                 .recommended = recommendedSampling(folder)};
    for (std::int64_t l = 0; l < config.layers; ++l)
        if (const auto window = config.slidingWindow(LayerIndex::of(l))) {
            description.slidingWindow = *window;
            description.slidingLayers.push_back(LayerIndex::of(l));
        }
    if (checkpoint.router) description.sparse = checkpoint.router->sparse;
    addWeights(description, checkpoint);
    return description;
}

std::optional<SamplingOptions> recommendedSampling(const std::filesystem::path& folder) {
    const std::filesystem::path file = folder / "generation_config.json";
    std::error_code absent;
    if (!std::filesystem::exists(file, absent)) return std::nullopt;
    return samplingOfGenerationConfig(readJsonObject(file, kMostConfigBytes), file.string());
}

}  // namespace fluxscope
