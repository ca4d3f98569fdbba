// A training, step by step: of a backbone from scratch, or of routers on a backbone that stays as it is. The same plan, data and
// weights give the same numbers, in one go or resumed (tests/train/resume_oracle.py).
#pragma once

#include "engine/contract/cancel.h"
#include "engine/train/gradients.h"
#include "engine/train/plan.h"
#include "engine/train/random.h"

#include <array>
#include <filesystem>
#include <functional>
#include <future>
#include <optional>

namespace fluxscope::train {

struct StepReport {
    std::int64_t step = 0;  // from 0
    std::int64_t steps = 0;
    std::int64_t length = 0;
    double loss = 0;
    double penalty = 0;
    double learningRate = 0;
    double gradientNorm = 0;
    double tokensPerSecond = 0;
    std::vector<double> lossByTask;  // of this step; where the step had none of a task, NaN
    std::vector<double>
        rightByTask;  // the share of answers' tokens (of plain text: of all) that was foretold
    // While routers learn; by task NaN likewise.
    double temperature = 0;
    std::vector<double> sparsityByTask;              // the share of sparse layers, as they mixed
    std::vector<std::array<double, 2>> multipliers;  // by task
    std::vector<double> fullByLayer;                 // the mean weight of full attention
    // rightByTask of the same prompts with all layers full; every kCompareEvery steps, else empty.
    std::vector<double> rightWhenFull;
};

inline constexpr std::int64_t kCompareEvery = 25;

class Trainer {
public:
    // `weights` are trained in place: all of them, or with plan.routers their routers only. What is trained must be fp32. Keeps
    // references to all but the plan.
    Trainer(const ModelConfig& config, const Weights& weights, const SampleSource& source, TrainingPlan plan);

    bool finished() const { return step_ >= plan_.steps(); }
    // Throws InputError when the loss is no number: parameters are as before the step.
    StepReport step();

    void save(const std::filesystem::path& file) const;
    // Throws InputError when the file belongs to another plan.
    void resume(const std::filesystem::path& file);

    std::int64_t stepsDone() const { return step_; }
    const TrainingPlan& plan() const { return plan_; }

private:
    // A step's samples, and the state of dealing after them.
    struct Drawn {
        std::vector<std::int32_t> tasks;
        std::vector<Sample> samples;
        std::vector<double> credits;
        std::int64_t drawn = 0;
    };

    Batch nextBatch();
    Drawn drawnFor(std::int64_t step, Dealer dealer, std::int64_t drawn) const;
    std::optional<Routing> nextRouting(std::int64_t prompts);
    const LengthPlan& planFor(std::int64_t length);
    Parameters everything() const;
    StepReport reportOf(const StepLoss& loss, const Batch& batch) const;

    const ModelConfig& config_;
    const SampleSource& source_;
    TrainingPlan plan_;
    Forward forward_;
    AdamW optimizer_;
    at::Tensor multipliers_;       // [tasks, 2], undefined without routers
    std::optional<AdamW> ascent_;  // of the multipliers
    Random noise_;
    Dealer dealer_;
    std::int64_t step_ = 0;
    std::int64_t drawn_ = 0;  // prompts so far
    std::optional<LengthPlan> lengthPlan_;
    std::optional<std::future<Drawn>> ahead_;  // of the step after the one begun last
};

// Steps until the plan is through. Checkpoints go to FOLDER/training.safetensors, and where one lies there already the training
// goes on from it. Throws CancelledError after saving.
void runTraining(Trainer& trainer, const std::filesystem::path& folder,
                 const std::function<void(const StepReport&)>& onStep, const CancelToken& cancel);

}  // namespace fluxscope::train
