// What a training tells its observer: once what it is, then every step, then how it ended.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxscope {

enum class TrainingKind : std::uint8_t { Routers, Backbone };

std::string_view nameOf(TrainingKind kind);

struct TrainingTask {
    std::string name;
    double share = 0;              // of the prompts; all of them are 1
    std::optional<double> target;  // share of sparse layers; of routers only
};

struct TrainingFacts {
    TrainingKind kind = TrainingKind::Backbone;
    std::string model;  // the folder that was trained on
    std::string plan;   // JSON
    std::string data;   // JSON: what the mixture was made of
    std::string device;
    std::string dtype;           // of products and attention
    std::int64_t firstStep = 0;  // above 0: goes on from a checkpoint
    std::int64_t steps = 0;      // of the whole plan
    std::int32_t layers = 0;
    std::vector<TrainingTask> tasks;
};

// What a task had of a step. NaN: the step had no prompt of it.
struct TrainingTaskStep {
    double loss = 0;
    double right = 0;     // of answers' tokens (of plain text: of all) the share that was foretold
    double sparsity = 0;  // share of sparse layers, as they mixed; of routers only
    std::array<double, 2> multipliers{};
};

struct TrainingStep {
    std::int64_t step = 0;    // from 0
    std::int64_t length = 0;  // tokens of a prompt
    double loss = 0;          // of the next tokens
    double penalty = 0;       // of the targets
    double learningRate = 0;
    double gradientNorm = 0;
    double tokensPerSecond = 0;
    double temperature = 0;               // of routers only, as is what follows
    std::vector<TrainingTaskStep> tasks;  // in the order of TrainingFacts::tasks
    std::vector<double> fullByLayer;      // the mean weight of full attention
};

}  // namespace fluxscope
