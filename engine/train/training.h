// A training from files to files, told to an Observer: what programs see of this folder. Knows no LibTorch type.
#pragma once

#include "engine/contract/cancel.h"
#include "engine/contract/observer.h"
#include "engine/engine.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace fluxscope::train {

struct TrainingJob {
    TrainingKind kind = TrainingKind::Backbone;
    std::filesystem::path
        model;  // of routers a model with weights, of a backbone config.json and tokenizer.json
    std::filesystem::path plan;
    std::filesystem::path data;
    std::filesystem::path work;  // checkpoints, which it goes on from, and the result
    DeviceKind device = DeviceKind::Cpu;
};

struct TrainingResult {
    std::filesystem::path result;  // the routers' file, or the model's folder
    std::string backbone;  // of routers: the hash of the backbone's tensors, the same before and after
};

// The observer hears of a training once it takes its first step, and then how it ended. Throws UsageError where the plan is of
// the other kind, InputError for files and numbers that are none, MachineError where memory or disk do not suffice or the GPU is
// lost, CancelledError after a checkpoint was written.
TrainingResult carryOut(const TrainingJob& job, Observer& observer, const CancelToken& cancel);

struct TokenizerJob {
    std::filesystem::path data;
    std::int64_t vocabulary = 0;
    std::vector<std::string> specials;
    std::int64_t bytes = 0;  // of text to learn from, about
    std::uint64_t seed = 0;
};

// A tokenizer.json.
std::string learnedTokenizer(const TokenizerJob& job);

// Copies a model and its routers (a router.safetensors of it) into one new folder, as Flux Attention publishes them.
void mergeRouters(const std::filesystem::path& model, const std::filesystem::path& routers,
                  const std::filesystem::path& into);

}  // namespace fluxscope::train
