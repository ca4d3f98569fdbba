#include "engine/train/trainer.h"

#include "engine/checkpoint/json_file.h"
#include "engine/contract/error.h"
#include "engine/train/training_file.h"
#include "engine/transformer/threads.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/mean.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <exception>
#include <limits>

namespace fluxscope::train {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// Seeds of one plan that must not meet.
enum Purpose : std::uint64_t { kNoise = 1, kData = 2, kMultipliers = 3 };

Parameters trainedOf(const ModelConfig& config, const Weights& weights, const TrainingPlan& plan) {
    Parameters trained = plan.routers ? routerParameters(weights) : backboneParameters(config, weights);
    if (trained.empty())
        throw UsageError("training", "", "is of routers, and the weights have none",
                         "give the weights new routers first");
    requireGradients(backboneParameters(config, weights), false);
    requireGradients(trained, true);
    return trained;
}

std::vector<double> sharesOf(const TrainingPlan& plan) {
    std::vector<double> shares;
    for (const TaskShare& task : plan.tasks) shares.push_back(task.share);
    return shares;
}

const char* const kNewFolder = "start the training again in a new folder";

std::uint64_t wholeNumber(const JsonFields& fields, const char* field) {
    const std::string text = fields.text(field);
    std::uint64_t number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc() || end != text.data() + text.size())
        fields.refuse(field, "is no number", kNewFolder);
    return number;
}

std::vector<double> creditsOf(const JsonFields& fields, std::size_t tasks) {
    const nlohmann::json& list = fields.at("credits");
    std::vector<double> credits;
    if (list.is_array())
        for (const nlohmann::json& credit : list)
            if (credit.is_number()) credits.push_back(credit.get<double>());
    if (credits.size() != tasks) fields.refuse("credits", "is no list of a number for each task", kNewFolder);
    return credits;
}

}  // namespace

Trainer::Trainer(const ModelConfig& config, const Weights& weights, const SampleSource& source,
                 TrainingPlan plan)
    : config_(config),
      source_(source),
      plan_(std::move(plan)),
      forward_(config, weights, plan_.routers ? plan_.routers->sparse : SparseForm{},
               plan_.bf16 ? at::kBFloat16 : at::kFloat),
      optimizer_(trainedOf(config, weights, plan_), plan_.adamw),
      noise_(seedOf(plan_.seed, kNoise)),
      dealer_(sharesOf(plan_)) {
    if (plan_.tasks.size() != source.tasks().size())
        throw UsageError("training", "tasks",
                         "are as many as " + std::to_string(plan_.tasks.size()) + " and the data has " +
                             std::to_string(source.tasks().size()),
                         "read the plan for this data");
    for (const Stage& stage : plan_.stages)
        if (stage.length > config.context)
            throw UsageError("training", "stages.length",
                             "is " + std::to_string(stage.length) + ", beyond the model's " +
                                 std::to_string(config.context) + " positions",
                             "shorten the stage or raise max_position_embeddings");
    if (!plan_.routers) return;
    // As published: each from 0 to 0.5 at first.
    Random random(seedOf(plan_.seed, kMultipliers));
    multipliers_ = at::empty({static_cast<std::int64_t>(plan_.tasks.size()), 2}, at::kFloat);
    for (std::int64_t i = 0; i < multipliers_.numel(); ++i)
        multipliers_.mutable_data_ptr<float>()[i] = static_cast<float>(random.uniform() / 2);
    multipliers_ = multipliers_.to(forward_.device());
    const Parameters raised = {{.name = "multipliers", .value = multipliers_, .decays = false}};
    requireGradients(raised, true);
    ascent_.emplace(
        raised,
        AdamWOptions{.beta1 = plan_.adamw.beta1, .beta2 = plan_.adamw.beta2, .decay = 0, .ascends = true});
}

// While a GPU computes a step, the next one's text is made and tokenized: for a small model that takes as long.
Batch Trainer::nextBatch() {
    Drawn now = ahead_ ? ahead_->get() : drawnFor(step_, dealer_, drawn_);
    ahead_.reset();
    dealer_.resume(now.credits);
    drawn_ = now.drawn;
    if (!forward_.device().is_cpu() && step_ + 1 < plan_.steps())
        ahead_ = std::async(std::launch::async, [this, next = step_ + 1, dealer = dealer_, drawn = drawn_] {
            return drawnFor(next, dealer, drawn);
        });
    return batchOf(now.samples, now.tasks, plan_.stageAt(step_).length, config_.vocabulary,
                   plan_.routers ? plan_.routers->poolSize : 1, plan_.mean, forward_.device());
}

Trainer::Drawn Trainer::drawnFor(std::int64_t step, Dealer dealer, std::int64_t drawn) const {
    const Stage& stage = plan_.stageAt(step);
    Drawn now;
    for (std::int64_t i = 0; i < stage.sequences; ++i) now.tasks.push_back(dealer.next());
    now.samples.resize(now.tasks.size());
    std::vector<std::exception_ptr> failures(now.tasks.size());  // none may leave a thread of the pool
    const std::uint64_t data = seedOf(plan_.seed, kData);
    onTorchThreads(stage.sequences, [&](std::int64_t i) {
        const auto at = static_cast<std::size_t>(i);
        try {
            now.samples[at] = source_.draw(now.tasks[at], stage.length,
                                           seedOf(data, static_cast<std::uint64_t>(drawn + i)));
        } catch (...) {
            failures[at] = std::current_exception();
        }
    });
    for (const std::exception_ptr& failure : failures)
        if (failure) std::rethrow_exception(failure);
    now.credits = dealer.credits();
    now.drawn = drawn + stage.sequences;
    return now;
}

std::optional<Routing> Trainer::nextRouting(std::int64_t prompts) {
    if (!plan_.routers) return std::nullopt;
    const RouterPlan& routers = *plan_.routers;
    const at::Tensor noise = at::empty({config_.layers, prompts, 2}, at::kFloat);
    for (std::int64_t i = 0; i < noise.numel(); ++i)
        noise.mutable_data_ptr<float>()[i] = static_cast<float>(noise_.gumbel());
    Routing routing{.noise = noise.to(forward_.device()),
                    .temperature = routers.temperature.at(step_, plan_.steps()),
                    .mixing = routers.mixing,
                    .targets = {},
                    .multipliers = multipliers_,
                    .form = routers.constraint};
    for (const TaskShare& task : plan_.tasks) routing.targets.push_back(task.sparsity);
    return routing;
}

const LengthPlan& Trainer::planFor(std::int64_t length) {
    if (!lengthPlan_ || lengthPlan_->tokens != length) lengthPlan_ = forward_.plan(length);
    return *lengthPlan_;
}

StepReport Trainer::step() {
    const auto began = std::chrono::steady_clock::now();
    const Batch batch = nextBatch();
    const std::optional<Routing> routing = nextRouting(static_cast<std::int64_t>(batch.task.size()));
    const StepLoss loss = addGradients(forward_, planFor(batch.ids.size(1)), batch,
                                       routing ? &*routing : nullptr, plan_.tasks.size(), plan_.recompute);

    StepReport report = reportOf(loss, batch);
    report.learningRate = plan_.schedule.at(step_, plan_.steps());
    report.gradientNorm = optimizer_.clip(plan_.clip);
    if (!std::isfinite(loss.loss + loss.penalty) || !std::isfinite(report.gradientNorm)) {
        optimizer_.forgetGradients();
        if (ascent_) ascent_->forgetGradients();
        throw InputError(
            "training", "step " + std::to_string(step_), "has a loss or a gradient that is no finite number",
            "go on from the last checkpoint with a lower learning_rate, and look at the data of this step");
    }
    if (routing && step_ % kCompareEvery == 0)
        report.rightWhenFull = rightWhenFull(forward_, planFor(batch.ids.size(1)), batch, plan_.tasks.size());
    optimizer_.step(report.learningRate);
    if (ascent_) {
        ascent_->step(plan_.routers->multiplierRate);
        holdMultipliers(multipliers_, plan_.routers->constraint);
        report.temperature = routing->temperature;
        const at::Tensor host = multipliers_.detach().cpu();
        for (std::int64_t task = 0; task < host.size(0); ++task)
            report.multipliers.push_back({host[task][0].item<double>(), host[task][1].item<double>()});
    }
    ++step_;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    report.tokensPerSecond = static_cast<double>(batch.tokens) / seconds;
    return report;
}

StepReport Trainer::reportOf(const StepLoss& loss, const Batch& batch) const {
    StepReport report{.step = step_,
                      .steps = plan_.steps(),
                      .length = batch.ids.size(1),
                      .loss = loss.loss,
                      .penalty = loss.penalty,
                      .lossByTask = loss.lossByTask,
                      .rightByTask = loss.rightByTask};
    for (std::size_t task = 0; task < report.lossByTask.size(); ++task)
        if (loss.weightByTask[task] == 0) report.lossByTask[task] = kNone;
    if (!loss.gates.defined()) return report;
    const at::Tensor full = at::mean(loss.gates, 0).contiguous();  // by prompt
    std::vector<double> sums(plan_.tasks.size());
    std::vector<double> counts(plan_.tasks.size());
    for (std::size_t i = 0; i < batch.task.size(); ++i) {
        sums[static_cast<std::size_t>(batch.task[i])] += 1 - full.const_data_ptr<float>()[i];
        counts[static_cast<std::size_t>(batch.task[i])] += 1;
    }
    for (std::size_t task = 0; task < sums.size(); ++task)
        report.sparsityByTask.push_back(counts[task] == 0 ? kNone : sums[task] / counts[task]);
    for (std::int64_t l = 0; l < config_.layers; ++l)
        report.fullByLayer.push_back(at::mean(loss.gates[l]).item<double>());
    return report;
}

Parameters Trainer::everything() const {
    Parameters all = optimizer_.parameters();
    const auto append = [&all](const Parameters& more) { all.insert(all.end(), more.begin(), more.end()); };
    append(optimizer_.state());
    if (ascent_) {
        append(ascent_->parameters());
        append(ascent_->state());
    }
    return all;
}

void Trainer::save(const std::filesystem::path& file) const {
    // 64-bit numbers as text: JSON readers round them.
    const nlohmann::json state = {{"step", step_},
                                  {"drawn", drawn_},
                                  {"noise", std::to_string(noise_.state())},
                                  {"credits", dealer_.credits()},
                                  {"plan", fingerprintOf(plan_, source_)}};
    saveTraining(file, everything(), state.dump());
}

void Trainer::resume(const std::filesystem::path& file) {
    const TrainingFile checkpoint(file);
    const nlohmann::json state = parseJsonObject(checkpoint.state(), file.string());
    const JsonFields fields(state, file.string(), "__metadata__.state.");
    if (fields.text("plan") != fingerprintOf(plan_, source_))
        fields.refuse("plan", "is of another plan, or of other data, than this training's",
                      "resume with what it was begun with, or start in a new folder");
    const std::int64_t step = fields.integer("step", 0, plan_.steps());
    const std::int64_t prompts = fields.integer("drawn", 0, INT64_MAX);
    const Random noise(wholeNumber(fields, "noise"));
    std::vector<double> credits = creditsOf(fields, plan_.tasks.size());
    checkpoint.copyTo(everything());
    step_ = step;
    drawn_ = prompts;
    noise_ = noise;
    dealer_.resume(std::move(credits));
}

void runTraining(Trainer& trainer, const std::filesystem::path& folder,
                 const std::function<void(const StepReport&)>& onStep, const CancelToken& cancel) {
    const std::filesystem::path file = folder / "training.safetensors";
    std::error_code absent;
    if (std::filesystem::exists(file, absent)) trainer.resume(file);
    const std::int64_t every = trainer.plan().checkpointEvery;
    while (!trainer.finished()) {
        if (cancel.cancelled()) {
            trainer.save(file);
            throw CancelledError("training");
        }
        const StepReport report = trainer.step();
        if (onStep) onStep(report);  // before it is saved: killed in between, it is done and told again
        if (trainer.finished() || (every > 0 && trainer.stepsDone() % every == 0)) trainer.save(file);
    }
}

}  // namespace fluxscope::train
