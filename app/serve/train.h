// Trainings for programs that do not see the engine: files in, a model that loads out, and on the way everything told to an
// observer, the recorder of a capture among them.
#pragma once

#include "engine/contract/cancel.h"
#include "engine/contract/observer.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fluxscope {

struct TrainingWanted {
    TrainingKind kind = TrainingKind::Backbone;
    std::filesystem::path
        model;  // of routers a model with weights, of a backbone config.json and tokenizer.json
    std::filesystem::path plan;
    std::filesystem::path data;
    std::filesystem::path work;     // checkpoints, which it goes on from, and the result
    std::string device = "cpu";     // or "cuda"
    std::filesystem::path capture;  // empty: nothing is recorded
    std::string program;            // written into captures
};

struct TrainingDone {
    std::filesystem::path result;  // the routers' file, or the model's folder
    std::string backbone;  // of routers: the hash of the backbone's tensors, the same before and after
    std::optional<std::string> recordingProblem;  // the training is fine, its capture is not whole
};

// `listener` hears what the capture gets. Cancelled: after a checkpoint was written.
TrainingDone trainModel(const TrainingWanted& wanted, Observer& listener, const CancelToken& cancel);

struct TokenizerWanted {
    std::filesystem::path data;
    std::int64_t vocabulary = 0;
    std::vector<std::string> specials;
    std::int64_t bytes = 0;  // of text to learn from, about
    std::uint64_t seed = 0;
};

// A tokenizer.json.
std::string learnTokenizer(const TokenizerWanted& wanted);

// Copies a model and its routers (a router.safetensors of it) into one new folder, as Flux Attention publishes them.
void mergeRouters(const std::filesystem::path& model, const std::filesystem::path& routers,
                  const std::filesystem::path& into);

}  // namespace fluxscope
