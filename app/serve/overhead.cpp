#include "app/serve/overhead.h"

#include <algorithm>
#include <bit>

namespace fluxscope {
namespace {

using nlohmann::json;

std::string shapeOf(const ModelFacts& model, const std::string& dtype) {
    return model.architecture + ", " + std::to_string(model.layers) + " layers, hidden " +
           std::to_string(model.hidden) + ", " + std::to_string(model.heads) + " heads, " +
           std::to_string(model.kvHeads) + " KV heads of " + std::to_string(model.headDim) + ", vocabulary " +
           std::to_string(model.vocabulary) + ", " + std::to_string(model.parameters) + " parameters, " +
           std::to_string(model.routerParameters) + " of routers, " + dtype;
}

std::string collectorsOf(const std::string& collect, const std::string& device) {
    if (collect == "off") return collect;
    if (device == "cpu") return "host-timer";
    return collect == "auto" ? "trace" : collect;
}

json toJson(const PairedRatio& ratio) {
    return {{"pairs", ratio.pairs},       {"without_s", ratio.medianWithout},
            {"with_s", ratio.medianWith}, {"ratio", ratio.ratio},
            {"low", ratio.low},           {"high", ratio.high},
            {"coverage", ratio.coverage}, {"includes_no_change", ratio.includesNoChange()}};
}

PairedRatio ratioFrom(const json& object) {
    return {.pairs = object.at("pairs").get<std::int64_t>(),
            .medianWithout = object.at("without_s").get<double>(),
            .medianWith = object.at("with_s").get<double>(),
            .ratio = object.at("ratio").get<double>(),
            .low = object.at("low").get<double>(),
            .high = object.at("high").get<double>(),
            .coverage = object.at("coverage").get<double>()};
}

}  // namespace

OverheadKey overheadKey(const MachineKey& machine, const ModelFacts& model, const std::string& dtype,
                        const std::string& collect, std::int64_t promptTokens) {
    const auto tokens = static_cast<std::uint64_t>(std::max<std::int64_t>(promptTokens, 1));
    return {.machine = machine,
            .model = shapeOf(model, dtype),
            .collectors = collectorsOf(collect, machine.device),
            .length = static_cast<std::int64_t>(std::bit_ceil(tokens))};
}

json toJson(const OverheadKey& key) {
    return {{"machine", toJson(key.machine)},
            {"model", key.model},
            {"collectors", key.collectors},
            {"length", key.length}};
}

json toJson(const Overhead& overhead) {
    json object{{"method", kPairedRatioMethod},
                {"prefill", toJson(overhead.prefill)},
                {"token", nullptr},
                {"whole", toJson(overhead.whole)},
                {"prompt_tokens", overhead.promptTokens},
                {"new_tokens", overhead.newTokens},
                {"policy", overhead.policy},
                {"measured", overhead.when}};
    if (overhead.token) object["token"] = toJson(*overhead.token);
    return object;
}

std::optional<Overhead> overheadIn(const MachineCache& cache, const OverheadKey& key) {
    const auto entry = cache.find(toJson(key));
    if (!entry) return std::nullopt;
    try {
        const json& value = entry->value;
        Overhead overhead{.prefill = ratioFrom(value.at("prefill")),
                          .token = {},
                          .whole = ratioFrom(value.at("whole")),
                          .promptTokens = value.at("prompt_tokens").get<std::int64_t>(),
                          .newTokens = value.at("new_tokens").get<std::int64_t>(),
                          .policy = value.at("policy").get<std::string>(),
                          .when = entry->measured};
        if (const json& token = value.at("token"); !token.is_null()) overhead.token = ratioFrom(token);
        return overhead;
    } catch (const json::exception&) {
        return std::nullopt;  // of another version, or written by hand
    }
}

void keepOverhead(MachineCache& cache, const OverheadKey& key, const Overhead& overhead) {
    cache.keep(toJson(key), {.measured = overhead.when, .value = toJson(overhead)});
}

}  // namespace fluxscope
