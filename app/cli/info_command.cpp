#include "app/cli/arguments.h"
#include "app/cli/commands.h"
#include "app/protocol/messages.h"
#include "app/serve/engine_host.h"
#include "profiler/figure/number.h"

#include <nlohmann/json.hpp>

namespace fluxscope::cli {
namespace {

// What one more token costs in KV, all layers full: K and V of every KV head.
std::int64_t kvValuesPerToken(const ModelFacts& facts) {
    return std::int64_t{2} * facts.layers * facts.kvHeads * facts.headDim;
}

std::string table(const ModelFacts& facts) {
    std::string text;
    const auto row = [&text](std::string name, const std::string& value) {
        name.resize(16, ' ');
        text += name + value + '\n';
    };
    row("model", printable(facts.name));
    row("architecture", printable(facts.architecture));
    row("layers", std::to_string(facts.layers));
    row("heads", std::to_string(facts.heads) + " of " + std::to_string(facts.headDim) + ", KV heads " +
                     std::to_string(facts.kvHeads));
    row("hidden", std::to_string(facts.hidden));
    row("vocabulary", std::to_string(facts.vocabulary));
    row("parameters", formattedCount(facts.parameters));
    row("routers", facts.routerParameters == 0
                       ? "none: only static policies"
                       : formattedCount(facts.routerParameters) + " parameters, pool of " +
                             std::to_string(facts.poolSize) + " tokens at each end of the prompt");
    row("KV per token", byteText(kvValuesPerToken(facts) * 4) + " in fp32, " +
                            byteText(kvValuesPerToken(facts) * 2) + " in bf16, when every layer is full");
    row("hash", printable(facts.hash));
    if (facts.untrained) row("note", "random and untrained: its text and its routing mean nothing");
    return text;
}

int info(const ModelOption& model, bool json, Session& session) {
    const ModelFacts facts = inspectModel(model.folder());
    if (!json) {
        session.terminal.result(table(facts));
        return 0;
    }
    nlohmann::json object = protocol::toJson(facts);
    object["kv_bytes_per_token"] = {{"fp32", kvValuesPerToken(facts) * 4},
                                    {"bf16", kvValuesPerToken(facts) * 2}};
    session.terminal.resultJson(object);
    return 0;
}

}  // namespace

void addInfo(CLI::App& app, Session& session) {
    struct Options {
        ModelOption model;
        bool json = false;
    };
    auto options = std::make_shared<Options>();
    CLI::App& command = *app.add_subcommand("info", "Architecture, parameters, routers, bytes per token");
    options->model.declare(command);
    command.add_flag("--json", options->json, "One JSON object instead of a table");
    command.footer("Example:\n  fluxscope-cli info sample");
    command.callback([options, &session] {
        session.chosen = [options, &session] { return info(options->model, options->json, session); };
    });
}

}  // namespace fluxscope::cli
