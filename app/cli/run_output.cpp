#include "app/cli/run_output.h"

#include "app/cli/decisions.h"
#include "app/cli/terminal.h"
#include "engine/contract/error.h"

#include <nlohmann/json.hpp>

#include <iomanip>
#include <sstream>
#include <string_view>

namespace fluxscope::cli {
namespace {

using nlohmann::json;

template <class Value>
json valuesOf(const std::vector<Value>& indices) {
    json array = json::array();
    for (const Value& index : indices) array.push_back(index.value());
    return array;
}

// [layers][kvHeads]
json headRows(const LayerDecisions& decisions, std::int32_t kvHeads) {
    json rows = json::array();
    for (const std::vector<Decision>& layer : decisions) rows.push_back(headDigits({layer}, kvHeads));
    return rows;
}

// By layer; null where a layer has no router.
json probabilities(const LayerDecisions& decisions) {
    json array = json::array();
    for (const std::vector<Decision>& layer : decisions) {
        const auto& logits = layer.front().logits;
        array.push_back(logits ? json(fullProbability(*logits)) : json());
    }
    return array;
}

void addDecisions(json& object, const LayerDecisions& decisions, const RunShape& shape) {
    object["decisions"] = layerDigits(decisions);
    if (shape.byHead) object["head_decisions"] = headRows(decisions, shape.kvHeads);
    object["p_full"] = probabilities(decisions);
}

struct FidelityMeans {
    double kl = 0;
    double sameTop = 0;
    double logprobChange = 0;
};

FidelityMeans meansOf(const std::vector<FidelityStep>& steps) {
    FidelityMeans sum;
    for (const FidelityStep& step : steps) {
        sum.kl += step.kl;
        sum.sameTop += step.sameTop ? 1 : 0;
        sum.logprobChange += step.logprobChange;
    }
    const auto count = static_cast<double>(steps.size());
    return {sum.kl / count, sum.sameTop / count, sum.logprobChange / count};
}

json toJson(const std::vector<FidelityStep>& steps) {
    const FidelityMeans means = meansOf(steps);
    json object{{"mean_kl", means.kl},
                {"top1_agreement", means.sameTop},
                {"mean_logprob_change", means.logprobChange},
                {"kl", json::array()},
                {"same_top1", json::array()},
                {"logprob_change", json::array()}};
    for (const FidelityStep& step : steps) {
        object["kl"].push_back(step.kl);
        object["same_top1"].push_back(step.sameTop);
        object["logprob_change"].push_back(step.logprobChange);
    }
    return object;
}

json toJson(const PromptFidelity& prompt) {
    return {{"mean_kl", prompt.meanKl},
            {"top1_agreement", prompt.top1Agreement},
            {"mean_logprob_change", prompt.meanLogprobChange},
            {"positions", prompt.positions}};
}

json toJson(const StepChoices& choices) {
    json ids = json::array();
    json logprobs = json::array();
    for (const TokenChance& chance : choices.top) {
        ids.push_back(chance.id.value());
        logprobs.push_back(chance.logprob);
    }
    return {{"ids", ids}, {"logprobs", logprobs}, {"tail_mass", choices.tailMass}};
}

json toJson(const TurnResult& turn, const RunShape& shape) {
    json object{{"prompt_ids", valuesOf(turn.promptIds)},
                {"ids", valuesOf(turn.ids)},
                {"text", turn.text},
                {"logprobs", turn.logprobs},
                {"prefill_s", turn.prefillSeconds},
                {"decode_s", turn.decodeSeconds},
                {"ttft_s", turn.ttftSeconds},
                {"kv_bytes", turn.kvBytes},
                {"end", nameOf(turn.end)}};
    addDecisions(object, decisionsOf(turn.layers), shape);
    for (const ProbedStep& probed : turn.probes) {
        json probe{{"step", probed.step.value()}};
        addDecisions(probe, probed.layers, shape);
        object["probes"].push_back(probe);
    }
    if (!turn.fidelity.empty()) object["fidelity"] = toJson(turn.fidelity);
    if (turn.promptFidelity) object["fidelity"]["prompt"] = toJson(*turn.promptFidelity);
    if (shape.choices)
        for (const StepChoices& choices : turn.choices) object["top"].push_back(toJson(choices));
    return object;
}

// Its generated text goes to a terminal: control characters must not.
std::string shownText(std::string_view text) {
    std::string shown;
    while (!text.empty()) {
        const std::size_t newline = text.find('\n');
        shown += printable(text.substr(0, newline), std::string::npos);
        if (newline == std::string_view::npos) break;
        shown += '\n';
        text.remove_prefix(newline + 1);
    }
    return shown;
}

std::string fidelityText(const std::string& name, const FidelityMeans& means, const std::string& counted) {
    std::ostringstream text;
    text << std::setprecision(3) << "  " << name << " against full: mean KL " << means.kl
         << " nats, same first choice in " << 100 * means.sameTop << " % of " << counted
         << ", mean log-probability change " << std::showpos << means.logprobChange << '\n';
    return text.str();
}

std::string fidelityText(const TurnResult& turn) {
    std::string text;
    if (const auto& prompt = turn.promptFidelity)
        text += fidelityText("prompt", {prompt->meanKl, prompt->top1Agreement, prompt->meanLogprobChange},
                             std::to_string(prompt->positions) + " positions");
    if (!turn.fidelity.empty())
        text +=
            fidelityText("answer", meansOf(turn.fidelity), std::to_string(turn.fidelity.size()) + " steps");
    return text;
}

std::string paragraph(const TurnResult& turn, const std::string& name) {
    std::string text = name + ": " + std::to_string(turn.promptIds.size()) + " prompt tokens, " +
                       std::to_string(turn.ids.size()) + " generated; layers " +
                       layerLetters(decisionsOf(turn.layers)) + "; prefill " + timeText(turn.prefillSeconds) +
                       ", decode " + timeText(turn.decodeSeconds) + "; KV " + byteText(turn.kvBytes) + '\n';
    for (const ProbedStep& probed : turn.probes)
        text += "  probe at step " + std::to_string(probed.step.value()) + ": layers " +
                layerLetters(probed.layers) + '\n';
    text += fidelityText(turn);
    return text + "  " + shownText(turn.text) + '\n';
}

}  // namespace

nlohmann::json toJson(const SequenceResult& sequence, const RunShape& shape) {
    json object = toJson(sequence.turns.front(), shape);
    object["id"] = sequence.promptId;
    for (std::size_t n = 1; n < sequence.turns.size(); ++n) {
        const TurnResult& turn = sequence.turns[n];
        json later = toJson(turn, shape);
        later["kept_cache"] = turn.keptCache;
        if (!turn.redoneWhy.empty()) later["redone_why"] = turn.redoneWhy;
        object["turns"].push_back(later);
    }
    return object;
}

std::string paragraph(const SequenceResult& sequence) {
    const std::string id = printable(sequence.promptId);
    std::string text = paragraph(sequence.turns.front(), id);
    for (std::size_t n = 1; n < sequence.turns.size(); ++n) {
        const TurnResult& turn = sequence.turns[n];
        std::string name = id + ", turn " + std::to_string(n + 1);
        name += turn.keptCache ? " on the kept cache" : " from the start";
        if (!turn.redoneWhy.empty()) name += " (" + turn.redoneWhy + ')';
        text += paragraph(turn, name);
    }
    return text;
}

namespace {

// Beside the weights, which are there already.
std::int64_t leastOf(const Forecast& forecast) { return forecast.activations + forecast.kvAllSparse; }
std::int64_t mostOf(const Forecast& forecast) { return forecast.activations + forecast.kvAllFull; }

}  // namespace

std::string loadText(const protocol::LoadedEvent& loaded) {
    std::string text = "read " + byteText(loaded.bytes) + " of weights";
    if (loaded.seconds > 0)
        text += " in " + timeText(loaded.seconds) + ": " + rateText(loaded.bytes, loaded.seconds);
    return text;
}

nlohmann::json toJson(const Forecast& forecast) {
    return {{"weights_bytes", forecast.weights},
            {"activation_bytes", forecast.activations},
            {"kv_bytes_all_sparse", forecast.kvAllSparse},
            {"kv_bytes_all_full", forecast.kvAllFull},
            {"needed_bytes", {leastOf(forecast), mostOf(forecast)}},
            {"available_bytes", forecast.available},
            {"fits_all_sparse", leastOf(forecast) <= forecast.available},
            {"fits_all_full", mostOf(forecast) <= forecast.available}};
}

std::string table(const Forecast& forecast) {
    std::string text;
    const auto row = [&text](std::string name, const std::string& value) {
        name.resize(16, ' ');
        text += name + value + '\n';
    };
    const bool most = mostOf(forecast) <= forecast.available;
    const bool least = leastOf(forecast) <= forecast.available;
    row("weights", byteText(forecast.weights) + ", loaded");
    row("activations", byteText(forecast.activations));
    row("KV cache",
        byteText(forecast.kvAllSparse) + " all sparse, " + byteText(forecast.kvAllFull) + " all full");
    row("needed", byteText(leastOf(forecast)) + " to " + byteText(mostOf(forecast)));
    row("available", byteText(forecast.available));
    row("fits", most ? "yes" : least ? "only with enough sparse layers" : "no");
    return text;
}

}  // namespace fluxscope::cli
