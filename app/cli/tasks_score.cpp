// `tasks score`: what `run --json` printed of a prompt set, judged prompt by prompt by the rule that its `scorer` names.
#include "app/cli/arguments.h"
#include "app/cli/tasks_parts.h"
#include "engine/contract/error.h"
#include "engine/contract/prompt_set.h"
#include "engine/tasks/sample.h"
#include "profiler/analysis/score_interval.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cstdio>
#include <map>
#include <memory>

namespace fluxscope::cli {
namespace {

using nlohmann::json;

struct Options {
    std::string set;
    std::string results;
    bool json = false;
};

struct Group {
    std::string task;
    std::int64_t length = 0;  // 0: the set does not say
    std::vector<double> scores;
};

constexpr const char* kRemedy = "give what 'fluxscope-cli run --prompts SET.jsonl --json' printed";

std::map<std::string, json> resultsById(const std::string& file) {
    const json array = json::parse(contentOf(file), nullptr, false);
    if (!array.is_array()) throw InputError(file, "", "is not a JSON array", kRemedy);
    std::map<std::string, json> byId;
    for (const json& result : array) {
        if (!result.is_object() || !result.contains("id") || !result["id"].is_string() ||
            !result.contains("text") || !result["text"].is_string())
            throw InputError(file, "", "has an entry without an id and a text", kRemedy);
        byId[result["id"].get<std::string>()] = result;
    }
    return byId;
}

double scoreOf(const Prompt& prompt, tasks::Scorer scorer, const json& result, const std::string& file) {
    if (scorer != tasks::Scorer::Likelihood)
        return tasks::score(scorer, prompt.answer, result["text"].get<std::string>());
    const bool forced = result.value("end", json()) == "forced" && result.contains("logprobs") &&
                        result["logprobs"].is_array();
    if (!forced)
        throw InputError(file, "'" + printable(prompt.id) + "'", "was not forced to go on as the text does",
                         "make the set with --answer-ids IDS.json and run it with --force-ids IDS.json");
    std::vector<float> logprobs;
    for (const json& logprob : result["logprobs"]) {
        if (!logprob.is_number())
            throw InputError(file, "logprobs", "has an entry that is not a number", kRemedy);
        logprobs.push_back(logprob.get<float>());
    }
    return tasks::likelihood(logprobs);
}

// In the order of the set.
std::vector<Group> groupsOf(const PromptSet& set, const Options& options) {
    const std::map<std::string, json> results = resultsById(options.results);
    std::vector<Group> groups;
    for (const Prompt& prompt : set.prompts) {
        const tasks::Scorer scorer = tasks::scorerFrom(prompt.scorer, options.set);
        if (scorer == tasks::Scorer::None) continue;
        const auto result = results.find(prompt.id);
        if (result == results.end())
            throw InputError(options.results, "", "has no answer to '" + printable(prompt.id) + "'", kRemedy);
        const tasks::SampleName name = tasks::sampleName(prompt.id);
        const std::string& task = name.length > 0 ? name.kind : prompt.kind;
        auto group = groups.begin();
        while (group != groups.end() && (group->task != task || group->length != name.length)) ++group;
        if (group == groups.end())
            group = groups.insert(group, {.task = task, .length = name.length, .scores = {}});
        group->scores.push_back(scoreOf(prompt, scorer, result->second, options.results));
    }
    if (groups.empty())
        throw InputError(options.set, "", "has no prompt with a scorer",
                         "make one with 'fluxscope-cli tasks generate'");
    return groups;
}

std::string table(const std::vector<Group>& groups) {
    std::size_t width = 4;
    for (const Group& group : groups) width = std::max(width, group.task.size());
    const auto padded = [width](std::string task) {
        task.resize(width, ' ');
        return task;
    };
    std::string text = padded("task") + "    length  samples   score  95 % interval\n";
    for (const Group& group : groups) {
        const ScoreInterval interval = scoreInterval(group.scores);
        const std::string length = group.length > 0 ? std::to_string(group.length) : "-";
        std::array<char, 96> row{};
        std::snprintf(row.data(), row.size(), "  %8s  %7zu  %6.3f  %.3f to %.3f\n", length.c_str(),
                      group.scores.size(), interval.mean, interval.low, interval.high);
        text += padded(printable(group.task, 200)) + row.data();
    }
    return text;
}

json toJson(const std::vector<Group>& groups) {
    json results = json::array();
    for (const Group& group : groups) {
        const ScoreInterval interval = scoreInterval(group.scores);
        results.push_back({{"task", group.task},
                           {"length", group.length > 0 ? json(group.length) : json()},
                           {"samples", group.scores.size()},
                           {"score", interval.mean},
                           {"low", interval.low},
                           {"high", interval.high}});
    }
    return {{"results", results}};
}

int score(const Options& options, Session& session) {
    const std::vector<Group> groups = groupsOf(readPromptSet(options.set), options);
    if (options.json)
        session.terminal.resultJson(toJson(groups));
    else
        session.terminal.result(table(groups));
    return 0;
}

}  // namespace

void addTasksScore(CLI::App& tasks, Session& session) {
    auto options = std::make_shared<Options>();
    CLI::App& command = *tasks.add_subcommand(
        "score", "How well a run answered a prompt set: a row for each task and length");
    command.add_option("SET", options->set, "The prompt set, JSON lines with answer and scorer")->required();
    command.add_option("RESULTS", options->results, "What 'run --json' printed of it; - is stdin")
        ->required();
    command.add_flag("--json", options->json, "{\"results\":[{task, length, samples, score, low, high}]}");
    command.footer(
        "Example:\n  fluxscope-cli run sample --prompts set.jsonl --json | fluxscope-cli tasks score "
        "set.jsonl -");
    command.callback(
        [options, &session] { session.chosen = [options, &session] { return score(*options, session); }; });
}

}  // namespace fluxscope::cli
