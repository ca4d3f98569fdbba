// The two trainings as they are asked for: a model's folder and a plan in, a model that loads out.
#pragma once

#include "engine/engine.h"
#include "engine/train/trainer.h"

namespace fluxscope::train {

struct TrainingRequest {
    std::filesystem::path
        model;  // a folder: of the router stage with weights, of a backbone config.json and tokenizer.json
    std::filesystem::path work;  // checkpoints and result; made where it is missing
    DeviceKind device = DeviceKind::Cpu;
};

struct RouterStageResult {
    std::filesystem::path file;  // WORK/router.safetensors
    std::string backboneBefore;  // contentHash() of every tensor of the backbone
    std::string backboneAfter;   // the same, or FaultError
};

// Routers for a model that stays as it is. Throws MachineError before the first step when the device has not the memory.
RouterStageResult trainRouters(const TrainingRequest& request, const SampleSource& source,
                               const TrainingPlan& plan, const std::function<void(const StepReport&)>& onStep,
                               const CancelToken& cancel);

// A model from scratch, or from the weights that lie in its folder: WORK becomes a folder that loads, with model.safetensors in bf16.
void trainBackbone(const TrainingRequest& request, const SampleSource& source, const TrainingPlan& plan,
                   const std::function<void(const StepReport&)>& onStep, const CancelToken& cancel);

// Bytes that a step of the plan's largest stage takes beside the weights: an estimate from above.
std::int64_t stepBytes(const ModelConfig& config, const TrainingPlan& plan);

}  // namespace fluxscope::train
