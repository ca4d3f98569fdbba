#include "engine/train/stages.h"

#include "engine/contract/error.h"
#include "engine/train/outputs.h"

#include <ATen/Context.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <system_error>

namespace fluxscope::train {
namespace {

constexpr std::int64_t kLogitBytes =
    (std::int64_t{1} << 26) * 4;  // gradients.cpp computes so many logits at a time

// LibTorch picks kernels that give the same sums every time, and refuses where it has none. Merely warned it would leave
// attention's backward as it is, and cuBLAS wants its workspace fixed before it is first used.
class Deterministic {
public:
    Deterministic()
        : before_(at::globalContext().deterministicAlgorithms()),
          warned_(at::globalContext().deterministicAlgorithmsWarnOnly()),
          filled_(at::globalContext().deterministicFillUninitializedMemory()) {
        ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
        at::globalContext().setDeterministicAlgorithms(true, false);
        at::globalContext().setDeterministicFillUninitializedMemory(
            false);  // for those who read what nobody wrote
    }
    ~Deterministic() {
        at::globalContext().setDeterministicAlgorithms(before_, warned_);
        at::globalContext().setDeterministicFillUninitializedMemory(filled_);
    }
    Deterministic(const Deterministic&) = delete;
    Deterministic& operator=(const Deterministic&) = delete;

private:
    bool before_;
    bool warned_;
    bool filled_;
};

std::string gigabytes(std::int64_t bytes) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.2f GB", static_cast<double>(bytes) / 1e9);
    return text.data();
}

void requireRoom(const Compute& compute, std::int64_t wanted) {
    const std::int64_t free = compute.freeBytes();
    if (wanted > free)
        throw MachineError(
            compute.deviceName(), "",
            "has " + gigabytes(free) + " of memory free, and a step takes up to " + gigabytes(wanted),
            "take fewer sequences a step or shorter ones");
}

void makeFolder(const std::filesystem::path& folder) {
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    if (failed)
        throw MachineError(folder.string(), "", "cannot be made (" + failed.message() + ")",
                           "name a folder that may be written");
}

std::int64_t optimizerBytes(const Parameters& trained) {
    std::int64_t elements = 0;
    for (const Parameter& parameter : trained) elements += parameter.value.numel();
    return elements * 12;  // gradients and two moments
}

bool hasWeights(const std::filesystem::path& folder) {
    std::error_code absent;
    return std::filesystem::exists(folder / "model.safetensors", absent) ||
           std::filesystem::exists(folder / "model.safetensors.index.json", absent);
}

Compute computeOf(DeviceKind device, cost::DType stored) {
    // A frozen backbone stays in the type that it is stored in, and fp32 on a CPU.
    return chooseCompute({.device = device, .dtype = std::nullopt, .router = std::nullopt}, stored);
}

}  // namespace

std::int64_t stepBytes(const ModelConfig& c, const TrainingPlan& plan) {
    std::int64_t most = 0;
    const std::int64_t wide = plan.bf16 ? 2 : 4;
    for (const Stage& stage : plan.stages) {
        const std::int64_t tokens = stage.length * stage.sequences;
        const std::int64_t between = (c.layers + 4) * tokens * c.hidden * 4;
        const std::int64_t heads = (4 * c.heads + 3 * c.kvHeads) * c.headDim;
        // What a layer keeps for its gradient: norms, queries, keys and values as fp32 and as computed with, both kinds of
        // attention, the feed-forward block; and its gradients on the way back.
        const std::int64_t layer =
            tokens * ((8 * c.hidden + 2 * heads) * 4 + (4 * heads + 6 * c.inner) * wide);
        most = std::max(most, between + (plan.recompute ? 2 : c.layers + 1) * layer);
    }
    return most + 3 * kLogitBytes;
}

RouterStageResult trainRouters(const TrainingRequest& request, const SampleSource& source,
                               const TrainingPlan& plan, const std::function<void(const StepReport&)>& onStep,
                               const CancelToken& cancel) {
    if (!plan.routers)
        throw UsageError("training", "routers", "are missing in the plan",
                         "say under \"routers\" how they are trained");
    const Deterministic deterministic;
    makeFolder(request.work);
    const Checkpoint checkpoint = openCheckpoint(request.model);
    const StoredType stored = checkpoint.tensor("model.embed_tokens.weight").type;
    const Compute compute = computeOf(request.device, stored == StoredType::BF16  ? cost::DType::BF16
                                                      : stored == StoredType::F16 ? cost::DType::F16
                                                                                  : cost::DType::F32);
    Weights weights = loadWeights(checkpoint, compute, {}, &cancel);
    weights.routers = newRouters(checkpoint.config, seedOf(plan.seed, 11), compute.device);
    const Parameters backbone = backboneParameters(checkpoint.config, weights);
    const Parameters routers = routerParameters(weights);
    requireRoom(compute, stepBytes(checkpoint.config, plan) + optimizerBytes(routers));

    RouterStageResult result;
    result.backboneBefore = contentHash(backbone);
    Trainer trainer(checkpoint.config, weights, source, plan);
    runTraining(trainer, request.work, onStep, cancel);
    result.backboneAfter = contentHash(backbone);
    if (result.backboneAfter != result.backboneBefore)
        throw FaultError(request.model.string(), "",
                         "has changed in memory while its routers were trained (" + result.backboneBefore +
                             " before, " + result.backboneAfter + " after)",
                         "report it; the routers were not written");
    result.file = request.work / "router.safetensors";
    writeRouterFile(result.file, checkpoint, routers, *plan.routers);
    return result;
}

void trainBackbone(const TrainingRequest& request, const SampleSource& source, const TrainingPlan& plan,
                   const std::function<void(const StepReport&)>& onStep, const CancelToken& cancel) {
    if (plan.routers)
        throw UsageError("training", "routers", "are in the plan of a backbone",
                         "train them afterwards, with a plan of their own");
    const Deterministic deterministic;
    makeFolder(request.work);
    const ModelConfig config = readConfig(request.model);
    const Compute compute = computeOf(request.device, cost::DType::F32);
    const Weights weights = hasWeights(request.model)
                                ? loadWeights(openCheckpoint(request.model), compute, {}, &cancel)
                                : newBackbone(config, seedOf(plan.seed, 12), compute.device);
    const Parameters backbone = backboneParameters(config, weights);
    for (const Parameter& parameter : backbone)
        parameter.value.set_data(parameter.value.clone());  // loaded ones may be a file's own pages
    requireRoom(compute, stepBytes(config, plan) + optimizerBytes(backbone));
    Trainer trainer(config, weights, source, plan);
    runTraining(trainer, request.work, onStep, cancel);
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator(request.model))
        if (entry.is_regular_file() && entry.path().extension() != ".safetensors" &&
            !std::filesystem::equivalent(request.model, request.work, failed))
            std::filesystem::copy_file(entry.path(), request.work / entry.path().filename(),
                                       std::filesystem::copy_options::overwrite_existing);
    writeBackbone(request.work, backbone);
}

}  // namespace fluxscope::train
