// A training as a value, and as the JSON file that states it (docs/training.md lists the fields).
#pragma once

#include "engine/contract/sparse_form.h"
#include "engine/train/adamw.h"
#include "engine/train/constraint.h"
#include "engine/train/gate.h"
#include "engine/train/sample.h"
#include "engine/train/schedule.h"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fluxscope::train {

// Prompts get longer from stage to stage: what is to be found far away is learned near by first.
struct Stage {
    std::int64_t length = 0;  // tokens
    std::int64_t steps = 0;
    std::int64_t sequences = 1;  // a step
};

struct TaskShare {
    double share = 1;     // of the prompts
    double sparsity = 1;  // target: the share of sparse layers; of routers only
};

struct RouterPlan {
    SparseForm sparse;
    std::int64_t poolSize = 100;
    Mixing mixing = Mixing::StraightThrough;
    Temperature temperature;
    ConstraintForm constraint = ConstraintForm::Paper;
    double multiplierRate = 1e-3;
};

struct TrainingPlan {
    std::uint64_t seed = 0;
    std::vector<Stage> stages;
    std::vector<TaskShare> tasks;  // as many as the source has
    LossMean mean = LossMean::Tokens;
    Schedule schedule;
    AdamWOptions adamw;
    double clip = 1;
    bool recompute = true;               // a layer's insides are computed again on the way back, not kept
    bool bf16 = false;                   // products and attention; what is trained stays fp32
    std::int64_t checkpointEvery = 100;  // steps; 0: at the end only
    std::optional<RouterPlan> routers;   // absent: the backbone is trained

    std::int64_t steps() const;
    // The stage of a step.
    const Stage& stageAt(std::int64_t step) const;
};

// `tasks`: the source's names. Throws InputError naming file and field; a field that nobody knows is refused.
TrainingPlan readPlan(const std::filesystem::path& file, const std::vector<std::string>& tasks);
TrainingPlan planOf(const nlohmann::json& json, const std::string& where,
                    const std::vector<std::string>& tasks);

// What a checkpoint is held against: the same plan and data give the same text.
std::string fingerprintOf(const TrainingPlan& plan, const SampleSource& source);

}  // namespace fluxscope::train
