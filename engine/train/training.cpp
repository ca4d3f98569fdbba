#include "engine/train/training.h"

#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/json_file.h"
#include "engine/contract/error.h"
#include "engine/generate/failures.h"
#include "engine/tokenizer/learn.h"
#include "engine/train/mix_source.h"
#include "engine/train/outputs.h"
#include "engine/train/stages.h"
#include "engine/train/watch.h"

#include <ATen/ops/from_blob.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <limits>
#include <numeric>

namespace fluxscope::train {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kGoOn = "the same command goes on from the last checkpoint";

// Turns the trainer's reports into what an observer is told.
class Teller {
public:
    Teller(const TrainingJob& job, const TrainingPlan& plan, const MixSource& source,
           const ModelConfig& config, Observer& observer)
        : plan_(plan), observer_(observer), watch_(watchedOf(plan, source.tasks())) {
        facts_.kind = job.kind;
        facts_.model = job.model.string();
        facts_.plan = readJsonObject(job.plan, 1 << 20).dump();
        facts_.data = source.fingerprint();
        facts_.device = job.device == DeviceKind::Cuda ? "cuda:0" : "cpu";
        facts_.dtype = plan.bf16 ? "bf16" : "fp32";
        facts_.steps = plan.steps();
        facts_.layers = static_cast<std::int32_t>(config.layers);
        double sum = 0;
        for (const TaskShare& task : plan.tasks) sum += task.share;
        for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
            TrainingTask task{.name = source.tasks()[i], .share = plan.tasks[i].share / sum, .target = {}};
            if (plan.routers) task.target = plan.tasks[i].sparsity;
            facts_.tasks.push_back(std::move(task));
        }
    }

    void stepped(const StepReport& report) {
        if (!told_) {
            facts_.firstStep = report.step;
            observer_.trainingBegan(facts_);
            told_ = true;
        }
        observer_.trainingStepped(stepOf(report));
        if (!plan_.routers) return;
        std::vector<std::string> warnings = watch_.look(report.sparsityByTask);
        // While most decisions are still drawn at random, a loss of accuracy says nothing.
        if (!report.rightWhenFull.empty() && report.step >= report.steps / 3)
            for (std::string& warning : watch_.compare(report.rightByTask, report.rightWhenFull))
                warnings.push_back(std::move(warning));
        for (const std::string& warning : warnings) observer_.trainingWarned(report.step, warning);
    }

    void ended(RunOutcome outcome, const std::string& reason) {
        if (told_) observer_.trainingEnded(outcome, reason);
    }

private:
    static std::vector<WatchedTask> watchedOf(const TrainingPlan& plan,
                                              const std::vector<std::string>& names) {
        std::vector<WatchedTask> watched;
        for (std::size_t i = 0; i < names.size(); ++i)
            watched.push_back({.name = names[i], .target = plan.tasks[i].sparsity});
        return watched;
    }

    static TrainingStep stepOf(const StepReport& report) {
        TrainingStep step{.step = report.step,
                          .length = report.length,
                          .loss = report.loss,
                          .penalty = report.penalty,
                          .learningRate = report.learningRate,
                          .gradientNorm = report.gradientNorm,
                          .tokensPerSecond = report.tokensPerSecond,
                          .temperature = report.temperature,
                          .tasks = {},
                          .fullByLayer = report.fullByLayer};
        for (std::size_t i = 0; i < report.lossByTask.size(); ++i) {
            TrainingTaskStep task{
                .loss = report.lossByTask[i], .right = report.rightByTask[i], .sparsity = kNone};
            if (!report.sparsityByTask.empty()) {
                task.sparsity = report.sparsityByTask[i];
                task.multipliers = report.multipliers[i];
            }
            step.tasks.push_back(task);
        }
        return step;
    }

    const TrainingPlan& plan_;
    Observer& observer_;
    Watch watch_;
    TrainingFacts facts_;
    bool told_ = false;
};

// What LibTorch throws while it trains, as our errors.
template <class Work>
void translatedTraining(const TrainingJob& job, Work work) {
    try {
        work();
    } catch (const c10::OutOfMemoryError&) {
        throw MachineError(job.plan.string(), "stages", "take more memory than the GPU has left",
                           "take fewer sequences a step or shorter ones");
    } catch (const c10::Error& e) {
        const std::string text = firstLine(e.what_without_backtrace());
        if (text.find("CUDA") != std::string::npos)
            throw MachineError("the GPU", "", "failed or was lost (" + text + ")", kGoOn);
        throw FaultError("the training", "", "failed in LibTorch (" + text + ")",
                         std::string("report it; ") + kGoOn);
    }
}

void requireKind(const TrainingJob& job, const TrainingPlan& plan) {
    if ((job.kind == TrainingKind::Routers) == plan.routers.has_value()) return;
    throw UsageError(
        job.plan.string(), "routers",
        plan.routers ? "are in the plan, and a backbone is to be trained" : "are missing in the plan",
        plan.routers ? "train routers with it, once the backbone is there"
                     : "say under \"routers\" how they are trained");
}

}  // namespace

TrainingResult carryOut(const TrainingJob& job, Observer& observer, const CancelToken& cancel) {
    const ModelConfig config = readConfig(job.model);
    const Tokenizer tokenizer = Tokenizer::load(job.model / "tokenizer.json");
    std::optional<TokenId> end;
    if (!config.endOfSequence.empty()) end = config.endOfSequence.front();
    const MixSource source(readMix(job.data), tokenizer, end);
    const TrainingPlan plan = readPlan(job.plan, source.tasks());
    requireKind(job, plan);

    Teller teller(job, plan, source, config, observer);
    const auto onStep = [&teller](const StepReport& report) { teller.stepped(report); };
    const TrainingRequest request{.model = job.model, .work = job.work, .device = job.device};
    TrainingResult result{.result = job.work, .backbone = ""};
    try {
        translatedTraining(job, [&] {
            if (plan.routers) {
                const RouterStageResult trained = trainRouters(request, source, plan, onStep, cancel);
                result = {.result = trained.file, .backbone = trained.backboneAfter};
            } else {
                trainBackbone(request, source, plan, onStep, cancel);
            }
        });
    } catch (const CancelledError&) {
        teller.ended(RunOutcome::Cancelled, "");
        throw;
    } catch (const std::exception& e) {
        teller.ended(RunOutcome::Failed, e.what());
        throw;
    }
    teller.ended(RunOutcome::Finished, "");
    return result;
}

std::string learnedTokenizer(const TokenizerJob& job) {
    BpeLearner learner;
    readTextOf(readMix(job.data), job.bytes, job.seed,
               [&learner](std::string_view text) { learner.read(text); });
    return learner.learn(job.vocabulary, job.specials);
}

void mergeRouters(const std::filesystem::path& model, const std::filesystem::path& routers,
                  const std::filesystem::path& into) {
    const Checkpoint checkpoint = openCheckpoint(model, routers);
    if (!checkpoint.router)
        throw InputError(routers.string(), "", "holds no routers of this model",
                         "give the router.safetensors of a training of it");
    RouterPlan plan;
    plan.poolSize = checkpoint.router->poolSize;
    plan.sparse = checkpoint.router->sparse.value_or(plan.sparse);
    Parameters parameters;
    for (const auto& [name, tensor] : checkpoint.tensors) {
        if (!isRouterTensor(name)) continue;
        const at::ScalarType type = tensor.type == StoredType::BF16  ? at::kBFloat16
                                    : tensor.type == StoredType::F16 ? at::kHalf
                                                                     : at::kFloat;
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): a tensor of a mapped file, and only read
        parameters.push_back({name, at::from_blob(const_cast<void*>(static_cast<const void*>(tensor.data)),
                                                  tensor.shape, type)});
    }
    writePawFolder(into, model, parameters, plan);
}

}  // namespace fluxscope::train
