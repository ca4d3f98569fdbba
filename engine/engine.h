// The Flux Attention engine: a model in memory, and runs of it. Read engine/prefill/prefill.h next for the forward pass.
//
// The engine knows nothing of profiling: it tells an Observer what it does (engine/contract/observer.h).
// A Model is used by one thread at a time; a CancelToken may be pulled from any thread.
#pragma once

#include "engine/contract/cancel.h"
#include "engine/contract/observer.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fluxscope {

class Tokenizer;  // engine/tokenizer/tokenizer.h

enum class DeviceKind : std::uint8_t { Cpu, Cuda };

struct LoadOptions {
    DeviceKind device = DeviceKind::Cpu;
    std::optional<cost::DType> dtype;  // absent: fp32 on the CPU, the checkpoint's on CUDA
    std::optional<std::filesystem::path>
        router;  // absent: router.safetensors in the model's folder, if there
};

struct LoadProgress {
    std::int64_t bytesDone = 0;
    std::int64_t bytesTotal = 0;
};

struct RunRequest {
    std::vector<Prompt> prompts;
    Policy policy;
    std::optional<SparseForm> sparse;  // absent: the form the routers were trained for, else SparseForm{}
    std::int32_t maxNew = 64;
    std::int32_t chunkTokens = 0;  // 0: the engine chooses
    std::uint64_t seed = 0;
    RunRole role = RunRole::Timed;
    std::int32_t repeat = 0;
    bool stopAtEos = true;
};

struct LayerRouting {
    Decision decision;
    KvFacts kv;
};

struct SequenceResult {
    std::string promptId;
    std::vector<TokenId> promptIds;
    std::vector<TokenId> ids;  // generated
    std::string text;
    std::vector<float> logprobs;
    std::vector<LayerRouting> layers;
    double prefillSeconds = 0;  // first launch to first token on the host
    double decodeSeconds = 0;
    double ttftSeconds = 0;  // as prefill, tokenising included
    std::int64_t kvBytes = 0;
};

struct RunResult {
    std::vector<SequenceResult> sequences;
};

struct ForwardRequest {
    std::vector<TokenId> ids;
    Policy policy;
    std::optional<SparseForm> sparse;
    std::int32_t chunkTokens = 0;
    std::int64_t firstPosition = 0;  // rows of logits wanted: [firstPosition, endPosition)
    std::int64_t endPosition = 0;
};

struct ForwardResult {
    std::vector<float> logits;  // [endPosition - firstPosition, vocabulary], row major
    std::vector<LayerRouting> layers;
};

class Model {
public:
    // Throws InputError (folder, config, weights), MachineError (no such device, memory), CancelledError.
    static std::unique_ptr<Model> load(const std::filesystem::path& folder, const LoadOptions& options = {},
                                       const std::function<void(const LoadProgress&)>& progress = {},
                                       const CancelToken* cancel = nullptr);
    // What `info` shows; reads config and tensor headers only.
    static ModelFacts inspect(const std::filesystem::path& folder);

    ~Model();
    Model(const Model&) = delete;
    Model& operator=(const Model&) = delete;

    const ModelFacts& facts() const;
    const Tokenizer& tokenizer() const;
    SparseForm defaultSparse() const;
    std::string deviceName() const;  // "cpu", "cuda:0"
    std::string dtypeName() const;

    // A prompt longer than the context, an unfit policy, an unknown token id: UsageError or InputError before anything
    // is told to the observer. Cancelled: the observer hears runEnded(Cancelled), then CancelledError is thrown.
    RunResult run(const RunRequest& request, Observer& observer, const CancelToken& cancel);
    ForwardResult forward(const ForwardRequest& request, const CancelToken& cancel);

private:
    struct Parts;
    explicit Model(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace fluxscope
