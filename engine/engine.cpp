#include "engine/engine.h"

#include "engine/checkpoint/checkpoint.h"
#include "engine/contract/error.h"
#include "engine/generate/chunk_size.h"
#include "engine/generate/failures.h"
#include "engine/generate/generate.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>

namespace fluxscope {

struct Model::Parts {
    LoadedModel loaded;
};

namespace {

cost::DType storedTypeOf(const Checkpoint& checkpoint) {
    switch (checkpoint.tensor("model.embed_tokens.weight").type) {
        case StoredType::F16: return cost::DType::F16;
        case StoredType::BF16: return cost::DType::BF16;
        default: return cost::DType::F32;
    }
}

Tokenizer loadTokenizer(const std::filesystem::path& folder, const ModelConfig& config) {
    const std::filesystem::path file = folder / "tokenizer.json";
    Tokenizer tokenizer = Tokenizer::load(file);
    if (tokenizer.endOfIds() > config.vocabulary)
        throw InputError(file.string(), "vocab",
                         "has ids up to " + std::to_string(tokenizer.endOfIds() - 1) +
                             " but config.json says a vocabulary of " + std::to_string(config.vocabulary),
                         "use the tokenizer.json that came with these weights");
    return tokenizer;
}

// A GPU's libraries set themselves up and load kernels when they are first used, which takes longer than a chunk of a prompt may
// (docs/performance.md, Cancelling). So they are used here, before anybody waits for a first token: every layer as a full and
// as a sparse one, on a whole chunk, for a product of many rows has other kernels than one of a few, on the begin of a second, and
// on steps that are computed, recorded and replayed.
void warmUp(const LoadedModel& model, const CancelToken& cancel) {
    constexpr std::int64_t kSecondChunk = 64;
    constexpr std::int32_t kNew = 4;
    const std::int64_t chunk = chunkTokensOf(0, model.transformer, model.defaultSparse);
    const std::int64_t tokens = std::min(chunk + kSecondChunk, model.transformer.config().context - kNew);
    if (tokens < 1) return;
    Prompt prompt;
    prompt.content = std::vector<TokenId>(static_cast<std::size_t>(tokens));
    Observer nobody;
    try {
        for (const Policy& policy : {Policy{FullPolicy{}}, Policy{SparsePolicy{}}}) {
            RunRequest request;
            request.prompts = {prompt};
            request.policy = policy;
            request.maxNew = kNew;
            request.stopAtEos = false;
            generate(model, request, nobody, cancel);
        }
    } catch (const CancelledError&) {
        throw;
    } catch (const Error&) {
        // No room for so many tokens, weights that are no numbers: a shorter prompt may still do, and a run says what is wrong.
        releaseCachedMemory();
    }
}

}  // namespace

std::unique_ptr<Model> Model::load(const std::filesystem::path& folder, const LoadOptions& options,
                                   const std::function<void(const LoadProgress&)>& progress,
                                   const CancelToken* cancel) {
    const c10::InferenceMode inference;
    Checkpoint checkpoint = openCheckpoint(folder, options.router);
    const Compute compute = chooseCompute(options, storedTypeOf(checkpoint));
    Tokenizer tokenizer = loadTokenizer(folder, checkpoint.config);
    Weights weights = loadWeights(checkpoint, compute, progress, cancel);
    const SparseForm sparse =
        checkpoint.router && checkpoint.router->sparse ? *checkpoint.router->sparse : SparseForm{};
    auto parts = std::make_unique<Parts>(Parts{
        LoadedModel{.facts = std::move(checkpoint.facts),
                    .transformer = Transformer(std::move(checkpoint.config), std::move(weights), compute),
                    .tokenizer = std::move(tokenizer),
                    .defaultSparse = sparse,
                    .chat = ChatTemplate::load(folder)}});
    const CancelToken never;
    if (compute.isCuda()) warmUp(parts->loaded, cancel != nullptr ? *cancel : never);
    return std::unique_ptr<Model>(new Model(std::move(parts)));
}

Model::Model(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Model::~Model() = default;

const ModelFacts& Model::facts() const { return parts_->loaded.facts; }
const Tokenizer& Model::tokenizer() const { return parts_->loaded.tokenizer; }
SparseForm Model::defaultSparse() const { return parts_->loaded.defaultSparse; }
std::string Model::deviceName() const { return parts_->loaded.transformer.compute().deviceName(); }
const LoadProgress& Model::loading() const { return parts_->loaded.transformer.weights().read; }
std::string Model::dtypeName() const { return parts_->loaded.transformer.compute().typeName(); }

RunResult Model::run(const RunRequest& request, Observer& observer, const CancelToken& cancel) {
    return generate(parts_->loaded, request, observer, cancel);
}

ForwardResult Model::forward(const ForwardRequest& request, const CancelToken& cancel) {
    return forwardPass(parts_->loaded, request, cancel);
}

Forecast Model::forecast(const RunRequest& request) const { return forecastRun(parts_->loaded, request); }

}  // namespace fluxscope
