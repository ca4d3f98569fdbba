#include "engine/contract/policy.h"

#include "engine/contract/error.h"

#include <nlohmann/json.hpp>

#include <charconv>
#include <cmath>
#include <fstream>
#include <sstream>

namespace fluxscope {
namespace {

using Json = nlohmann::json;

constexpr const char* kRemedy =
    "use routed, routed:0.35, full, sparse, interleaved:K/N, first:K, last:K, mask:1101 or a policy file "
    "ending in .json";

template <class... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};

UsageError refuse(const std::string& where, std::string_view text, const std::string& problem) {
    return {where, "", "'" + printable(text) + "' " + problem, kRemedy};
}

std::optional<std::int32_t> parseCount(std::string_view text) {
    std::int32_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

std::optional<double> parseProbability(std::string_view text) {
    double value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end != text.data() + text.size() || !(value >= 0 && value <= 1))
        return std::nullopt;
    return value;
}

std::vector<Attention> parseMask(std::string_view text, const std::string& where) {
    std::vector<Attention> layers;
    for (const char c : text) {
        if (c != '0' && c != '1')
            throw UsageError(where, "mask", "may hold only 0 and 1, a digit a layer", kRemedy);
        layers.push_back(c == '1' ? Attention::Full : Attention::Sparse);
    }
    if (layers.empty()) throw UsageError(where, "mask", "is empty", kRemedy);
    return layers;
}

std::string maskText(const std::vector<Attention>& layers) {
    std::string text;
    for (const Attention layer : layers) text += layer == Attention::Full ? '1' : '0';
    return text;
}

Policy readPolicyFile(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) throw InputError(file, "", "cannot be read", "check the path of the policy file");
    std::ostringstream text;
    text << in.rdbuf();
    const Json json = Json::parse(text.str(), nullptr, false);
    if (json.is_discarded())
        throw InputError(file, "", "is not JSON",
                         "write a policy such as {\"kind\":\"routed\",\"threshold\":0.5}");
    return policyFromJson(json, file);
}

// Reads fields of a policy's JSON; every refusal names the file and the field.
class Fields {
public:
    Fields(const Json& json, const std::string& where) : json_(json), where_(where) {}

    std::int32_t count(const char* name, std::int32_t least) const {
        const auto field = json_.find(name);
        if (field == json_.end() || !field->is_number_integer() || field->get<std::int64_t>() < least ||
            field->get<std::int64_t>() > 1'000'000)
            throw refuse(name, "is not a whole number from " + std::to_string(least) + " up");
        return field->get<std::int32_t>();
    }
    double probability(const Json& value, const std::string& name) const {
        if (!value.is_number()) throw refuse(name, "is not a number");
        const auto p = value.get<double>();
        if (!(p >= 0 && p <= 1)) throw refuse(name, "is not between 0 and 1");
        return p;
    }
    const Json& at(const char* name) const {
        const auto field = json_.find(name);
        if (field == json_.end()) throw refuse(name, "is missing");
        return *field;
    }
    bool has(const char* name) const { return json_.contains(name); }
    InputError refuse(const std::string& field, const std::string& problem) const {
        return {where_, field, problem, "see engine/contract/policy.h for the form of a policy"};
    }

private:
    const Json& json_;
    const std::string& where_;
};

RoutedPolicy routedFromJson(const Fields& fields) {
    RoutedPolicy policy;
    if (fields.has("threshold")) policy.threshold = fields.probability(fields.at("threshold"), "threshold");
    if (!fields.has("layers")) return policy;
    const Json& layers = fields.at("layers");
    if (!layers.is_object()) throw fields.refuse("layers", "is not an object from layer to threshold");
    for (const auto& [name, value] : layers.items()) {
        const std::optional<std::int32_t> layer = parseCount(name);
        if (!layer) throw fields.refuse("layers", "names '" + printable(name) + "', which is not a layer");
        policy.layerThresholds[LayerIndex(*layer)] = fields.probability(value, "layers." + printable(name));
    }
    return policy;
}

Attention fullIf(bool condition) { return condition ? Attention::Full : Attention::Sparse; }

}  // namespace

double RoutedPolicy::thresholdOf(LayerIndex layer) const {
    const auto own = layerThresholds.find(layer);
    return own == layerThresholds.end() ? threshold : own->second;
}

void Policy::requireFits(std::int32_t layers, bool modelHasRouters) const {
    const std::string name = shortForm(*this);
    const auto refuseLayers = [&](const std::string& problem) {
        return UsageError("policy " + name, "",
                          problem + ", but the model has " + std::to_string(layers) + " layers",
                          "choose one that fits the model");
    };
    if (asksRouter() && !modelHasRouters)
        throw UsageError(
            "policy " + name, "", "needs layer routers and this model has none",
            "use full, sparse, interleaved, first, last or mask, or give the model a router.safetensors");
    std::visit(
        Overloaded{[&](const MaskPolicy& p) {
                       if (std::ssize(p.layers) != layers)
                           throw refuseLayers("has " + std::to_string(p.layers.size()) + " digits");
                   },
                   [&](const FirstPolicy& p) {
                       if (p.count > layers) throw refuseLayers("asks for " + std::to_string(p.count));
                   },
                   [&](const LastPolicy& p) {
                       if (p.count > layers) throw refuseLayers("asks for " + std::to_string(p.count));
                   },
                   [&](const RoutedPolicy& p) {
                       if (!p.layerThresholds.empty() && p.layerThresholds.rbegin()->first.value() >= layers)
                           throw refuseLayers("has a threshold for layer " +
                                              std::to_string(p.layerThresholds.rbegin()->first.value()));
                   },
                   [](const auto&) {}},
        kind_);
}

Decision Policy::decide(LayerIndex layer, std::int32_t layers,
                        const std::optional<RouterLogits>& logits) const {
    Decision decision{.logits = logits};
    decision.attention = std::visit(
        Overloaded{[&](const RoutedPolicy& p) {
                       decision.by = DecidedBy::Router;
                       decision.threshold = p.thresholdOf(layer);
                       return fullIf(marginOf(logits.value(), *decision.threshold) > 0);
                   },
                   [](const FullPolicy&) { return Attention::Full; },
                   [](const SparsePolicy&) { return Attention::Sparse; },
                   [&](const InterleavedPolicy& p) { return fullIf(layer.value() % p.of < p.full); },
                   [&](const FirstPolicy& p) { return fullIf(layer.value() < p.count); },
                   [&](const LastPolicy& p) { return fullIf(layer.value() >= layers - p.count); },
                   [&](const MaskPolicy& p) { return p.layers.at(static_cast<std::size_t>(layer.value())); }},
        kind_);
    return decision;
}

Policy parsePolicy(std::string_view text, const std::string& where) {
    if (text.ends_with(".json")) return readPolicyFile(std::string(text));
    const std::size_t colon = text.find(':');
    const std::string_view name = text.substr(0, colon);
    const bool hasArgument = colon != std::string_view::npos;
    const std::string_view argument = hasArgument ? text.substr(colon + 1) : std::string_view{};

    if (name == "full" && !hasArgument) return FullPolicy{};
    if (name == "sparse" && !hasArgument) return SparsePolicy{};
    if (name == "routed" && !hasArgument) return RoutedPolicy{};
    if (name == "routed") {
        const std::optional<double> threshold = parseProbability(argument);
        if (!threshold) throw refuse(where, text, "has a threshold that is not between 0 and 1");
        return RoutedPolicy{.threshold = *threshold, .layerThresholds = {}};
    }
    if (name == "interleaved" && hasArgument) {
        const std::size_t slash = argument.find('/');
        const auto full = parseCount(argument.substr(0, slash));
        const auto of =
            parseCount(slash == std::string_view::npos ? std::string_view{} : argument.substr(slash + 1));
        if (!full || !of || *of < 1 || *full > *of)
            throw refuse(where, text, "is not K/N with K of N layers full");
        return InterleavedPolicy{.full = *full, .of = *of};
    }
    if ((name == "first" || name == "last") && hasArgument) {
        const auto count = parseCount(argument);
        if (!count) throw refuse(where, text, "has no count of layers");
        if (name == "first") return FirstPolicy{*count};
        return LastPolicy{*count};
    }
    if (name == "mask" && hasArgument) return MaskPolicy{parseMask(argument, where)};
    throw refuse(where, text, "is not a policy");
}

Policy policyFromJson(const Json& json, const std::string& where) {
    const Fields fields(json, where);
    if (!json.is_object()) throw fields.refuse("", "is not a JSON object");
    const Json& kind = fields.at("kind");
    if (kind == "routed") return routedFromJson(fields);
    if (kind == "full") return FullPolicy{};
    if (kind == "sparse") return SparsePolicy{};
    if (kind == "first") return FirstPolicy{fields.count("count", 0)};
    if (kind == "last") return LastPolicy{fields.count("count", 0)};
    if (kind == "interleaved") {
        const InterleavedPolicy policy{.full = fields.count("full", 0), .of = fields.count("of", 1)};
        if (policy.full > policy.of) throw fields.refuse("full", "is more than of");
        return policy;
    }
    if (kind == "mask") {
        const Json& layers = fields.at("layers");
        if (!layers.is_string()) throw fields.refuse("layers", "is not a text of 0 and 1");
        return MaskPolicy{parseMask(layers.get<std::string>(), where)};
    }
    throw fields.refuse("kind", "is not routed, full, sparse, interleaved, first, last or mask");
}

Json toJson(const Policy& policy) {
    return std::visit(
        Overloaded{
            [](const RoutedPolicy& p) {
                Json json{{"kind", "routed"}, {"threshold", p.threshold}};
                for (const auto& [layer, threshold] : p.layerThresholds)
                    json["layers"][std::to_string(layer.value())] = threshold;
                return json;
            },
            [](const FullPolicy&) { return Json{{"kind", "full"}}; },
            [](const SparsePolicy&) { return Json{{"kind", "sparse"}}; },
            [](const InterleavedPolicy& p) {
                return Json{{"kind", "interleaved"}, {"full", p.full}, {"of", p.of}};
            },
            [](const FirstPolicy& p) { return Json{{"kind", "first"}, {"count", p.count}}; },
            [](const LastPolicy& p) { return Json{{"kind", "last"}, {"count", p.count}}; },
            [](const MaskPolicy& p) { return Json{{"kind", "mask"}, {"layers", maskText(p.layers)}}; }},
        policy.kind());
}

std::string shortForm(const Policy& policy) {
    return std::visit(Overloaded{[](const RoutedPolicy& p) {
                                     std::ostringstream text;
                                     text << "routed:" << p.threshold;
                                     if (!p.layerThresholds.empty())
                                         text << "+" << p.layerThresholds.size() << " layers";
                                     return text.str();
                                 },
                                 [](const FullPolicy&) { return std::string("full"); },
                                 [](const SparsePolicy&) { return std::string("sparse"); },
                                 [](const InterleavedPolicy& p) {
                                     return "interleaved:" + std::to_string(p.full) + "/" +
                                            std::to_string(p.of);
                                 },
                                 [](const FirstPolicy& p) { return "first:" + std::to_string(p.count); },
                                 [](const LastPolicy& p) { return "last:" + std::to_string(p.count); },
                                 [](const MaskPolicy& p) { return "mask:" + maskText(p.layers); }},
                      policy.kind());
}

}  // namespace fluxscope
