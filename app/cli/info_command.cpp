#include "app/cli/arguments.h"
#include "app/cli/commands.h"
#include "app/protocol/messages.h"
#include "app/serve/engine_host.h"
#include "profiler/figure/number.h"

#include <nlohmann/json.hpp>

#include <cmath>

namespace fluxscope::cli {
namespace {

// What one more token costs in KV, all layers full: K and V of every KV head.
std::int64_t kvValuesPerToken(const ModelFacts& facts) {
    return std::int64_t{2} * facts.layers * facts.kvHeads * facts.headDim;
}

std::string numberText(double value) { return nlohmann::json(value).dump(); }

nlohmann::json toJson(const RopeDescription& rope) {
    nlohmann::json object{{"rope_type", rope.kind}};
    for (const auto& [name, value] : rope.parameters) {
        const bool whole = std::floor(value) == value && std::abs(value) < 1e15;
        object[name] = whole ? nlohmann::json(static_cast<std::int64_t>(value)) : nlohmann::json(value);
    }
    return object;
}

std::string ropeText(const RopeDescription& rope) {
    std::string text = rope.kind;
    const nlohmann::json fields = toJson(rope);
    for (const auto& [name, value] : fields.items())
        if (name != "rope_type") text += ", " + name + ' ' + value.dump();
    return text;
}

std::string windowText(const ModelDescription& model) {
    if (model.slidingLayers.empty()) return "none";
    std::string text = formattedCount(model.slidingWindow) + " tokens in ";
    if (std::ssize(model.slidingLayers) == model.facts.layers) return text + "every layer";
    text +=
        std::to_string(model.slidingLayers.size()) + " of " + std::to_string(model.facts.layers) + " layers:";
    for (const LayerIndex layer : model.slidingLayers) text += ' ' + std::to_string(layer.value());
    return text;
}

std::string weightsText(const ModelDescription& model) {
    std::string types;
    for (const auto& [type, bytes] : model.storedBytes)
        types += (types.empty() ? "" : ", ") + printable(type, 20) +
                 (model.storedBytes.size() > 1 ? " (" + byteText(bytes) + ")" : "");
    return byteText(model.weightBytes) + " in " + std::to_string(model.weightFiles) +
           (model.weightFiles == 1 ? " file" : " files") + ", stored as " + types;
}

std::string idsText(const std::vector<TokenId>& ids) {
    std::string text;
    for (const TokenId id : ids) text += (text.empty() ? "" : ", ") + std::to_string(id.value());
    return text.empty() ? "none: answers end at --max-new" : text;
}

std::string samplingText(const std::optional<SamplingOptions>& sampling) {
    if (!sampling) return "nothing: no generation_config.json";
    const SamplingOptions plain;
    std::string text = sampling->greedy() ? "greedy" : "temperature " + numberText(sampling->temperature);
    if (sampling->topK != plain.topK) text += ", top-k " + std::to_string(sampling->topK);
    if (sampling->topP != plain.topP) text += ", top-p " + numberText(sampling->topP);
    if (sampling->minP != plain.minP) text += ", min-p " + numberText(sampling->minP);
    if (sampling->repetitionPenalty != plain.repetitionPenalty)
        text += ", repetition penalty " + numberText(sampling->repetitionPenalty);
    if (!sampling->stop.empty()) text += ", " + std::to_string(sampling->stop.size()) + " stop strings";
    return text + "; run --sampling model takes it";
}

std::string routerText(const ModelDescription& model) {
    if (model.facts.routerParameters == 0) return "none: only static policies";
    std::string text = formattedCount(model.facts.routerParameters) + " parameters, pool of " +
                       std::to_string(model.facts.poolSize) + " tokens at each end of the prompt";
    if (model.sparse) text += ", trained for " + shortForm(*model.sparse);
    return text;
}

std::string table(const ModelDescription& model) {
    const ModelFacts& facts = model.facts;
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
    row("context", formattedCount(model.context) + " tokens");
    row("RoPE", ropeText(model.rope));
    row("sliding window", windowText(model));
    row("parameters", formattedCount(facts.parameters));
    row("weights", weightsText(model));
    row("routers", routerText(model));
    row("KV per token", byteText(kvValuesPerToken(facts) * 4) + " in fp32, " +
                            byteText(kvValuesPerToken(facts) * 2) + " in bf16, when every layer is full");
    row("end tokens", idsText(model.endOfSequence));
    row("chat template", model.chatTemplate ? "yes: texts are what a user says, unless --raw" : "no");
    row("recommended", samplingText(model.recommended));
    row("hash", printable(facts.hash));
    if (facts.untrained) row("note", "random and untrained: its text and its routing mean nothing");
    return text;
}

nlohmann::json toJson(const ModelDescription& model) {
    using nlohmann::json;
    const ModelFacts& facts = model.facts;
    const auto valuesOf = [](const auto& indices) {
        json array = json::array();
        for (const auto& index : indices) array.push_back(index.value());
        return array;
    };
    json object = protocol::toJson(facts);
    object["kv_bytes_per_token"] = {{"fp32", kvValuesPerToken(facts) * 4},
                                    {"bf16", kvValuesPerToken(facts) * 2}};
    object["context"] = model.context;
    object["rope"] = toJson(model.rope);
    object["sliding_window"] = model.slidingLayers.empty() ? json()
                                                           : json{{"tokens", model.slidingWindow},
                                                                  {"layers", valuesOf(model.slidingLayers)}};
    object["weights"] = {
        {"bytes", model.weightBytes}, {"files", model.weightFiles}, {"tensor_bytes", model.storedBytes}};
    object["sparse"] = model.sparse ? json(shortForm(*model.sparse)) : json();
    object["eos_token_ids"] = valuesOf(model.endOfSequence);
    object["chat_template"] = model.chatTemplate;
    object["recommended_sampling"] = model.recommended ? fluxscope::toJson(*model.recommended) : json();
    return object;
}

int info(const ModelOption& model, bool json, Session& session) {
    const ModelDescription description = inspectModel(model.folder());
    if (json)
        session.terminal.resultJson(toJson(description));
    else
        session.terminal.result(table(description));
    return 0;
}

}  // namespace

void addInfo(CLI::App& app, Session& session) {
    struct Options {
        ModelOption model;
        bool json = false;
    };
    auto options = std::make_shared<Options>();
    CLI::App& command = *app.add_subcommand(
        "info", "Architecture, RoPE, weights, routers, bytes per token, and how its makers would sample");
    options->model.declare(command);
    command.add_flag("--json", options->json, "One JSON object instead of a table");
    command.footer("Example:\n  fluxscope-cli info sample\n  fluxscope-cli info models/Qwen3-8B --json");
    command.callback([options, &session] {
        session.chosen = [options, &session] { return info(options->model, options->json, session); };
    });
}

}  // namespace fluxscope::cli
