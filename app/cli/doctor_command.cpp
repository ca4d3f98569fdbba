#include "app/cli/commands.h"
#include "app/cli/doctor/finding.h"

#include <nlohmann/json.hpp>

namespace fluxscope::cli {
namespace {

int doctor(bool json, Session& session) {
    std::vector<Finding> findings = machineFindings();
    for (const auto& more : {acceleratorFindings(), displayFindings()})
        findings.insert(findings.end(), more.begin(), more.end());

    if (json) {
        nlohmann::json array = nlohmann::json::array();
        for (const Finding& finding : findings)
            array.push_back({{"name", finding.name},
                             {"found", finding.found},
                             {"ok", finding.ok},
                             {"remedy", finding.remedy}});
        session.terminal.resultJson(nlohmann::json{{"findings", array}});
        return 0;
    }
    std::string text;
    for (const Finding& finding : findings) {
        std::string name = finding.name;
        name.resize(10, ' ');
        text += name + (finding.ok ? "ok       " : "missing  ") + finding.found + '\n';
        if (!finding.ok) text += std::string(19, ' ') + "-> " + finding.remedy + '\n';
    }
    session.terminal.result(text);
    return 0;
}

}  // namespace

void addDoctor(CLI::App& app, Session& session) {
    auto json = std::make_shared<bool>(false);
    CLI::App& command =
        *app.add_subcommand("doctor", "What this machine can do, and the remedy for what it cannot");
    command.add_flag("--json", *json, "{\"findings\":[{\"name\",\"found\",\"ok\",\"remedy\"}]}");
    command.footer("Example:\n  fluxscope-cli doctor");
    command.callback(
        [json, &session] { session.chosen = [json, &session] { return doctor(*json, session); }; });
}

}  // namespace fluxscope::cli
