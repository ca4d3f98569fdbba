#include "engine/train/plan.h"

#include "engine/checkpoint/json_file.h"
#include "engine/contract/error.h"
#include "engine/train/attention.h"

#include <algorithm>
#include <initializer_list>

namespace fluxscope::train {
namespace {

const char* const kSee = "docs/training.md lists the fields";
constexpr std::int64_t kMost = std::int64_t{1} << 40;

void refuseUnknown(const JsonFields& fields, std::initializer_list<const char*> known) {
    for (const auto& [name, value] : fields.json().items())
        if (std::none_of(known.begin(), known.end(), [&n = name](const char* k) { return n == k; }))
            throw InputError(fields.file(), fields.prefix() + printable(name, 40),
                             "is no field of a training plan", kSee);
}

// One of two names.
bool isFirst(const JsonFields& fields, const char* field, const char* first, const char* second,
             bool otherwise) {
    const std::string name = fields.textOr(field, otherwise ? first : second);
    if (name != first && name != second)
        fields.refuse(field, "is " + printable(name, 40) + ", not " + first + " or " + second, kSee);
    return name == first;
}

std::vector<Stage> stagesOf(const JsonFields& fields) {
    const nlohmann::json& list = fields.at("stages");
    if (!list.is_array() || list.empty()) fields.refuse("stages", "is not a list of stages", kSee);
    std::vector<Stage> stages;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const std::string prefix = fields.prefix() + "stages[" + std::to_string(i) + "].";
        if (!list[i].is_object()) fields.refuse("stages", "is not a list of stages", kSee);
        const JsonFields stage(list[i], fields.file(), prefix);
        refuseUnknown(stage, {"length", "steps", "sequences"});
        stages.push_back({.length = stage.integer("length", 2, 1 << 24),
                          .steps = stage.integer("steps", 1, kMost),
                          .sequences = stage.integerOr("sequences", 1, 1 << 20, 1)});
    }
    return stages;
}

// A task that the plan is silent about is not trained on, unless it is silent about all of them.
std::vector<TaskShare> tasksOf(const JsonFields& fields, const std::vector<std::string>& names,
                               bool routers) {
    std::vector<TaskShare> tasks(names.size());
    if (!fields.has("tasks")) return tasks;
    const JsonFields given = fields.object("tasks");
    for (TaskShare& task : tasks) task.share = 0;
    for (const auto& [name, value] : given.json().items()) {
        const auto found = std::find(names.begin(), names.end(), name);
        if (found == names.end() || !value.is_object())
            throw InputError(given.file(), given.prefix() + printable(name, 40),
                             "is no task of the training data", kSee);
        const JsonFields task(value, given.file(), given.prefix() + name + ".");
        refuseUnknown(task, {"share", "sparsity"});
        TaskShare& share = tasks[static_cast<std::size_t>(found - names.begin())];
        share.share = task.numberOr("share", 0, 1e9, 1);
        if (task.has("sparsity") && !routers)
            task.refuse("sparsity", "is a target of routers, and this plan trains a backbone",
                        "leave it out");
        share.sparsity = task.numberOr("sparsity", 0, 1, 1);
    }
    double sum = 0;
    for (const TaskShare& task : tasks) sum += task.share;
    if (!(sum > 0)) fields.refuse("tasks", "gives no task a share", kSee);
    return tasks;
}

RouterPlan routersOf(const JsonFields& fields) {
    refuseUnknown(fields, {"sparse", "pool_size", "mixing", "temperature", "constraint", "multiplier_rate"});
    RouterPlan plan;
    if (fields.has("sparse")) plan.sparse = parseSparseForm(fields.text("sparse"), fields.file());
    requireTrainable(plan.sparse, fields.file());
    plan.poolSize = fields.integerOr("pool_size", 1, 1 << 20, plan.poolSize);
    plan.mixing =
        isFirst(fields, "mixing", "straight-through", "soft", true) ? Mixing::StraightThrough : Mixing::Soft;
    plan.constraint = isFirst(fields, "constraint", "paper", "published", true) ? ConstraintForm::Paper
                                                                                : ConstraintForm::Published;
    plan.multiplierRate = fields.numberOr("multiplier_rate", 0, 1e3, plan.multiplierRate);
    if (fields.has("temperature")) {
        const JsonFields t = fields.object("temperature");
        refuseUnknown(t, {"first", "last", "share", "curve"});
        plan.temperature.first = t.numberOr("first", 1e-3, 1e3, plan.temperature.first);
        plan.temperature.last = t.numberOr("last", 1e-3, 1e3, plan.temperature.last);
        plan.temperature.share = t.numberOr("share", 0, 1, plan.temperature.share);
        plan.temperature.cosine = isFirst(t, "curve", "cosine", "linear", false);
    }
    return plan;
}

}  // namespace

std::int64_t TrainingPlan::steps() const {
    std::int64_t sum = 0;
    for (const Stage& stage : stages) sum += stage.steps;
    return sum;
}

const Stage& TrainingPlan::stageAt(std::int64_t step) const {
    for (const Stage& stage : stages) {
        if (step < stage.steps) return stage;
        step -= stage.steps;
    }
    return stages.back();
}

TrainingPlan planOf(const nlohmann::json& json, const std::string& where,
                    const std::vector<std::string>& tasks) {
    const JsonFields fields(json, where);
    refuseUnknown(fields, {"seed", "stages", "tasks", "loss_mean", "learning_rate", "warm_up", "floor",
                           "beta1", "beta2", "epsilon", "weight_decay", "clip", "dtype", "recompute",
                           "checkpoint_every", "routers"});
    TrainingPlan plan;
    plan.seed = static_cast<std::uint64_t>(fields.integerOr("seed", 0, INT64_MAX, 0));
    plan.stages = stagesOf(fields);
    if (fields.has("routers")) plan.routers = routersOf(fields.object("routers"));
    const bool routers = plan.routers.has_value();
    plan.tasks = tasksOf(fields, tasks, routers);
    plan.mean =
        isFirst(fields, "loss_mean", "tokens", "tasks", !routers) ? LossMean::Tokens : LossMean::Tasks;
    plan.schedule.peak = fields.number("learning_rate", 0, 1e3);
    plan.schedule.warmUp = fields.integerOr("warm_up", 0, kMost, 0);
    plan.schedule.floor = fields.numberOr("floor", 0, 1, plan.schedule.floor);
    plan.adamw.beta1 = fields.numberOr("beta1", 0, 1, plan.adamw.beta1);
    plan.adamw.beta2 = fields.numberOr("beta2", 0, 1, plan.adamw.beta2);
    plan.adamw.epsilon = fields.numberOr("epsilon", 0, 1, plan.adamw.epsilon);
    plan.adamw.decay = fields.numberOr("weight_decay", 0, 1e3, plan.adamw.decay);
    plan.clip = fields.numberOr("clip", 0, 1e9, plan.clip);
    plan.bf16 = isFirst(fields, "dtype", "bf16", "fp32", false);
    plan.recompute = fields.flagOr("recompute", plan.recompute);
    plan.checkpointEvery = fields.integerOr("checkpoint_every", 0, kMost, plan.checkpointEvery);
    return plan;
}

TrainingPlan readPlan(const std::filesystem::path& file, const std::vector<std::string>& tasks) {
    return planOf(readJsonObject(file, 1 << 20), file.string(), tasks);
}

std::string fingerprintOf(const TrainingPlan& plan, const SampleSource& source) {
    const std::vector<std::string>& tasks = source.tasks();
    // checkpointEvery and recompute are missing on purpose: they change no number of the training.
    nlohmann::json json = {
        {"seed", plan.seed},
        {"data", source.fingerprint()},
        {"mean", plan.mean == LossMean::Tasks},
        {"schedule", {plan.schedule.peak, plan.schedule.warmUp, plan.schedule.floor}},
        {"adamw", {plan.adamw.beta1, plan.adamw.beta2, plan.adamw.epsilon, plan.adamw.decay}},
        {"clip", plan.clip},
        {"bf16", plan.bf16}};
    for (const Stage& stage : plan.stages)
        json["stages"].push_back({stage.length, stage.steps, stage.sequences});
    for (std::size_t i = 0; i < tasks.size(); ++i)
        json["tasks"].push_back({tasks[i], plan.tasks[i].share, plan.tasks[i].sparsity});
    if (const auto& r = plan.routers)
        json["routers"] = {
            shortForm(r->sparse),
            r->poolSize,
            r->mixing == Mixing::Soft,
            r->constraint == ConstraintForm::Published,
            r->multiplierRate,
            {r->temperature.first, r->temperature.last, r->temperature.share, r->temperature.cosine}};
    return json.dump();
}

}  // namespace fluxscope::train
