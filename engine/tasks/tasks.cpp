#include "engine/tasks/tasks.h"

#include "engine/contract/error.h"
#include "engine/tasks/detail/fit.h"
#include "engine/tasks/detail/generator.h"
#include "engine/tasks/detail/prose.h"

#include <vector>

namespace fluxscope::tasks {
namespace {

constexpr std::int64_t kMostTokens = std::int64_t{1} << 22;

const std::vector<Generator>& generators() {
    static const std::vector<Generator> all = [] {
        std::vector<Generator> list = {kNeedleTask,  kTwoHopTask,  kArithmeticTask, kListOpsTask,
                                       kFewShotTask, kDensityTask, kCodeTask,       kProseTask};
        for (const auto& more :
             {rulerNeedleTasks(), std::span(&kRulerVariableTask, 1), rulerWordTasks(), rulerQuestionTasks()})
            list.insert(list.end(), more.begin(), more.end());
        return list;
    }();
    return all;
}

const Generator& generatorOf(std::string_view name, const std::string& where) {
    for (const Generator& generator : generators())
        if (generator.info.name == name) return generator;
    throw UsageError(
        where, "", "'" + printable(name) + "' is not a task",
        "use needle, two-hop, arithmetic, listops, few-shot, density, code, prose or ruler:NAME");
}

// Any name and number of a stream, well mixed.
std::uint64_t seedOf(const TaskSpec& spec) {
    std::uint64_t seed = Random::mixed(spec.seed + 1);
    seed = Random::mixed(seed ^ Random::hashOf(shortForm(spec)));
    seed = Random::mixed(seed ^ static_cast<std::uint64_t>(spec.length));
    return Random::mixed(seed + static_cast<std::uint64_t>(spec.number) * 0x9E3779B97F4A7C15U);
}

}  // namespace

double Draft::place(std::string_view name, Random& random) const {
    const double drawn =
        random.unit();  // in any case, so that a place that is given leaves the rest as it was
    const double given = parameters.number(name);
    return given == kAnyPlace ? drawn : given;
}

std::int64_t Draft::documentBytes(const std::vector<Question>& questions) const {
    std::int64_t left = bytes;
    for (const Question& question : questions) {
        left -= static_cast<std::int64_t>(question.text.size());
        if (form == TextForm::Training) left -= static_cast<std::int64_t>(question.answer.size()) + 2;
    }
    return left;
}

std::string questionText(std::string_view text) {
    return std::string("Question: ").append(text).append("\nAnswer:");
}

std::vector<std::size_t> questionOrder(std::size_t count, std::int64_t queries, Random& random) {
    std::vector<std::size_t> round(count);
    for (std::size_t i = 0; i < count; ++i) round[i] = i;
    std::vector<std::size_t> order;
    while (order.size() < static_cast<std::size_t>(queries)) {
        random.shuffle(round);
        order.insert(order.end(), round.begin(), round.end());
    }
    order.resize(static_cast<std::size_t>(queries));
    order.front() = 0;
    return order;
}

TokenCounter calibrated(std::function<std::int64_t(std::string_view)> count) {
    std::string text;
    Prose prose(Random(0, "calibration"));
    FillerWriter(text, 8192, prose, 0).finish();
    const std::int64_t tokens = count(text);
    const double rate = tokens > 0 ? double(text.size()) / double(tokens) : TokenCounter{}.bytesPerToken;
    return {.count = std::move(count), .bytesPerToken = rate};
}

std::span<const TaskInfo> allTasks() {
    static const std::vector<TaskInfo> all = [] {
        std::vector<TaskInfo> list;
        for (const Generator& generator : generators()) list.push_back(generator.info);
        return list;
    }();
    return all;
}

TaskSpec parseTask(std::string_view text, const std::string& where) {
    // The name ends at the first ':' or ','; behind "ruler" it has one more part.
    constexpr std::string_view kRuler = "ruler:";
    const std::size_t end = text.find_first_of(":,", text.starts_with(kRuler) ? kRuler.size() : 0);
    TaskSpec spec{.name = std::string(text.substr(0, end))};
    spec.parameters = Parameters(generatorOf(spec.name, where).info.parameters);
    if (end == std::string_view::npos) return spec;
    std::vector<std::string_view> seen;
    for (std::string_view rest = text.substr(end + 1);;) {
        const std::size_t comma = rest.find(',');
        const std::string_view option = rest.substr(0, comma);
        const std::size_t equals = option.find('=');
        if (equals == std::string_view::npos)
            throw UsageError(where, "", "'" + printable(option) + "' is not NAME=VALUE",
                             "write a task as needle:depth=0.5,facts=4");
        const std::string_view name = option.substr(0, equals);
        for (const std::string_view before : seen)
            if (before == name) throw UsageError(where, printable(name), "is given twice", "give it once");
        seen.push_back(name);
        spec.parameters.set(name, option.substr(equals + 1), where);
        if (comma == std::string_view::npos) return spec;
        rest = rest.substr(comma + 1);
    }
}

std::string shortForm(const TaskSpec& spec) {
    const std::string parameters = spec.parameters.shortForm();
    if (parameters.empty()) return spec.name;
    return spec.name + (spec.name.starts_with("ruler:") ? "," : ":") + parameters;
}

TaskSample generate(const TaskSpec& spec, const TokenCounter& counter) {
    const Generator& generator = generatorOf(spec.name, "task");
    if (spec.length < 1 || spec.length > kMostTokens)
        throw UsageError(spec.name, "length", "is " + std::to_string(spec.length) + " tokens",
                         "it is from 1 to " + std::to_string(kMostTokens));
    const std::uint64_t seed = seedOf(spec);
    const std::string kind = shortForm(spec);
    const FitGoal goal{.tokens = spec.length, .form = spec.form, .task = kind, .seed = seed};
    TaskSample sample = fitted(goal, counter, [&](std::int64_t bytes) {
        return generator.compose(
            {.parameters = spec.parameters, .form = spec.form, .seed = seed, .bytes = bytes});
    });
    sample.kind = kind;
    sample.id = sampleId({.kind = kind, .length = spec.length, .number = spec.number});
    return sample;
}

}  // namespace fluxscope::tasks
