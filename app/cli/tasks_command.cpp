// `tasks list|generate|score`: what can be asked of a model, prompt sets of it, and how well a run answered one.
#include "app/cli/commands.h"
#include "app/cli/tasks_parts.h"
#include "engine/tasks/tasks.h"

#include <nlohmann/json.hpp>

#include <memory>
#include <string>

namespace fluxscope::cli {
namespace {

using nlohmann::json;
using tasks::Parameter;
using tasks::TaskInfo;

json jsonOf(const TaskInfo& info) {
    json parameters = json::array();
    for (const Parameter& parameter : info.parameters)
        parameters.push_back({{"name", parameter.name},
                              {"default", tasks::textOf(parameter, parameter.byDefault)},
                              {"range", tasks::rangeOf(parameter)},
                              {"meaning", parameter.meaning}});
    return {{"task", info.name},
            {"description", info.description},
            {"scorer", tasks::nameOf(info.scorer)},
            {"parameters", parameters}};
}

std::string textOf(const TaskInfo& info) {
    std::string text = std::string(info.name) + ": " + std::string(info.description) + "; scored by " +
                       std::string(tasks::nameOf(info.scorer)) + '\n';
    for (const Parameter& parameter : info.parameters) {
        std::string name(parameter.name);
        name.resize(std::max<std::size_t>(name.size(), 12), ' ');
        text += "    " + name + ' ' + std::string(parameter.meaning) + "; " + tasks::rangeOf(parameter) +
                ", by default " + tasks::textOf(parameter, parameter.byDefault) + '\n';
    }
    return text;
}

int list(bool asJson, Terminal& terminal) {
    json all = json::array();
    std::string text;
    for (const TaskInfo& info : tasks::allTasks()) {
        all.push_back(jsonOf(info));
        text += textOf(info);
    }
    if (asJson)
        terminal.resultJson(all);
    else
        terminal.result(text);
    return 0;
}

}  // namespace

void addTasks(CLI::App& app, Session& session) {
    CLI::App& command = *app.add_subcommand(
        "tasks", "Tasks to ask a model about: list them, make prompt sets, score answers");
    command.require_subcommand(1);
    command.footer(
        "Example:\n  fluxscope-cli tasks generate sample --task needle two-hop --length 1024 2048 --samples "
        "20 --out set.jsonl\n"
        "  fluxscope-cli run sample --prompts set.jsonl --json > results.json\n"
        "  fluxscope-cli tasks score set.jsonl results.json");

    auto asJson = std::make_shared<bool>(false);
    CLI::App& lists = *command.add_subcommand("list", "Every task with its parameters");
    lists.add_flag("--json", *asJson, "An array of {task, description, scorer, parameters}");
    lists.footer("Example:\n  fluxscope-cli tasks list");
    lists.callback([asJson, &session] {
        session.chosen = [asJson, &session] { return list(*asJson, session.terminal); };
    });
#ifdef FLUXSCOPE_ENGINE
    addTasksGenerate(command, session);
#endif
    addTasksScore(command, session);
}

}  // namespace fluxscope::cli
