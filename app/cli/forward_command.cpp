#include "app/cli/arguments.h"
#include "app/cli/commands.h"
#include "app/cli/decisions.h"
#include "app/cli/positions.h"
#include "app/cli/run_output.h"
#include "app/cli/safetensors_writer.h"
#include "app/cli/token_ids.h"
#include "app/serve/engine_host.h"
#include "app/start/version_text.h"

#include <nlohmann/json.hpp>

#include <limits>

namespace fluxscope::cli {
namespace {

struct Options {
    ModelOption model;
    AttentionOptions attention;
    DeviceOptions device;
    std::string ids;
    std::string out;
    std::int32_t chunk = 0;
    std::string positions = "all";
    bool json = false;
};

int forward(const Options& options, Session& session) {
    ForwardRequest wanted;
    wanted.ids = tokenIdsFrom(contentOf(options.ids), options.ids);
    if (wanted.ids.empty()) throw InputError{options.ids, "", "has no token ids", "give at least one"};
    const PositionRange rows = positionsFrom(options.positions, static_cast<std::int64_t>(wanted.ids.size()));
    wanted.sparse = options.attention.sparseForm();
    wanted.chunkTokens = options.chunk;
    wanted.firstPosition = rows.begin;
    wanted.endPosition = rows.end;

    EngineHost host(programLine("fluxscope-cli"));
    HostEvents events;
    events.progress = [&session](const protocol::ProgressEvent& progress) {
        session.terminal.progress(progress.stage + ' ' + byteText(progress.done) + " of " +
                                  byteText(progress.total));
    };
    const protocol::LoadedEvent loaded =
        host.load({options.model.folder().string(), options.device.device, options.device.dtype, "off"},
                  events, session.cancel);
    session.terminal.detail(loadText(loaded));
    wanted.policy = options.attention.policyFor(loaded.model.routerParameters > 0);
    session.terminal.progress("forward, " + std::to_string(wanted.ids.size()) + " tokens");
    const ForwardResult result = host.forward(wanted, session.cancel);
    const LayerDecisions layersDecided = decisionsOf(result.layers);

    const std::vector<std::int32_t> decisions = layerDigits(layersDecided);
    const std::vector<std::int32_t> heads = headDigits(layersDecided, loaded.model.kvHeads);
    std::vector<float> routerLogits;
    for (const std::vector<Decision>& layer : layersDecided)
        if (const auto& logits = layer.front().logits)
            routerLogits.insert(routerLogits.end(), {logits->sparse, logits->full});
    const auto layers = static_cast<std::int64_t>(decisions.size());
    std::vector<NamedTensor> tensors{
        {"logits", {rows.end - rows.begin, loaded.model.vocabulary}, std::span<const float>(result.logits)},
        {"decisions", {layers}, std::span<const std::int32_t>(decisions)}};
    const bool everyLayerRouted = static_cast<std::int64_t>(routerLogits.size()) == 2 * layers;
    if (everyLayerRouted)
        tensors.push_back({"router_logits", {layers, 2}, std::span<const float>(routerLogits)});
    if (wanted.policy.decidesByHead())
        tensors.push_back(
            {"head_decisions", {layers, loaded.model.kvHeads}, std::span<const std::int32_t>(heads)});
    writeSafetensors(options.out, tensors);

    if (options.json)
        session.terminal.resultJson(nlohmann::json{{"out", options.out},
                                                   {"tokens", wanted.ids.size()},
                                                   {"decisions", decisions},
                                                   {"positions", {rows.begin, rows.end}}});
    else
        session.terminal.result(options.out + ": logits of positions " + std::to_string(rows.begin) + " to " +
                                std::to_string(rows.end - 1) + "; layers " + layerLetters(layersDecided) +
                                '\n');
    return 0;
}

}  // namespace

void addForward(CLI::App& app, Session& session) {
    auto options = std::make_shared<Options>();
    CLI::App& command = *app.add_subcommand("forward",
                                            "One forward pass over token ids: logits [T, V], router_logits "
                                            "[L, 2] and decisions [L] (1 is full); of a "
                                            "policy of heads also head_decisions [L, KV heads]");
    options->model.declare(command);
    command.add_option("--ids", options->ids, "Token ids: a JSON file, [ids] or {\"ids\":[...]}; - is stdin")
        ->required();
    command.add_option("--out", options->out, "The .safetensors file to write")->required();
    options->attention.declare(command);
    options->device.declare(command);
    command.add_option("--chunk", options->chunk, "Tokens per prefill chunk; without it the engine chooses")
        ->check(CLI::Range(1, std::numeric_limits<std::int32_t>::max()));
    command.add_option("--positions", options->positions, "Whose logits: all, last, or A:B (B excluded)")
        ->capture_default_str();
    command.add_flag("--json", options->json, "Say what was written as JSON");
    command.footer(
        "Example:\n  printf 'Hello' | fluxscope-cli tokenize sample > ids.json\n"
        "  fluxscope-cli forward sample --ids ids.json --out out.safetensors --policy full");
    command.callback(
        [options, &session] { session.chosen = [options, &session] { return forward(*options, session); }; });
}

}  // namespace fluxscope::cli
