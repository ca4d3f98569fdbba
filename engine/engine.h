// The Flux Attention engine: a model in memory, and runs of it. Read engine/prefill/prefill.h next for the forward pass.
//
// The engine knows nothing of profiling: it tells an Observer what it does (engine/contract/observer.h).
// A Model is used by one thread at a time; a CancelToken may be pulled from any thread.
#pragma once

#include "engine/contract/cancel.h"
#include "engine/contract/run.h"

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
    double seconds = 0;  // since the first byte was asked for
};

class Model {
public:
    // Throws InputError (folder, config, weights), MachineError (no such device, memory), CancelledError.
    static std::unique_ptr<Model> load(const std::filesystem::path& folder, const LoadOptions& options = {},
                                       const std::function<void(const LoadProgress&)>& progress = {},
                                       const CancelToken* cancel = nullptr);

    ~Model();
    Model(const Model&) = delete;
    Model& operator=(const Model&) = delete;

    const ModelFacts& facts() const;
    const Tokenizer& tokenizer() const;
    SparseForm defaultSparse() const;
    std::string deviceName() const;  // "cpu", "cuda:0"
    std::string dtypeName() const;
    const LoadProgress& loading() const;  // how reading the weights went

    // A prompt longer than the context, an unfit policy, an unknown token id: UsageError or InputError before anything
    // is told to the observer. Cancelled: the observer hears runEnded(Cancelled), then CancelledError is thrown.
    RunResult run(const RunRequest& request, Observer& observer, const CancelToken& cancel);
    ForwardResult forward(const ForwardRequest& request, const CancelToken& cancel);
    // Throws as run() does for what cannot be run at all; says nothing about whether it fits.
    Forecast forecast(const RunRequest& request) const;

private:
    struct Parts;
    explicit Model(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace fluxscope
