// A policy's JSON. What a kind does not know is refused: a misspelt field must not silently mean its default.
#include "engine/contract/detail/overloaded.h"
#include "engine/contract/detail/policy_digits.h"
#include "engine/contract/error.h"
#include "engine/contract/policy.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace fluxscope {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kMostCount =
    1'000'000;  // of layers or heads: no model comes near, and sums cannot overflow

// Reads fields of one object; every refusal names the file and the field.
class Fields {
public:
    Fields(const Json& json, std::string where, std::string prefix = "")
        : json_(json), where_(std::move(where)), prefix_(std::move(prefix)) {
        if (!json.is_object()) throw refuse("", "is not a JSON object");
    }

    void allow(std::initializer_list<std::string_view> names) const {
        for (const auto& [name, value] : json_.items())
            if (std::find(names.begin(), names.end(), name) == names.end())
                throw refuse(printable(name), "is no field of it");
    }
    bool has(const char* name) const { return json_.contains(name); }
    const Json& at(const char* name) const {
        const auto field = json_.find(name);
        if (field == json_.end()) throw refuse(name, "is missing");
        return *field;
    }
    std::int32_t count(const char* name, std::int32_t least) const {
        const auto field = json_.find(name);
        if (field == json_.end() || !field->is_number_integer() || field->get<std::int64_t>() < least ||
            field->get<std::int64_t>() > kMostCount)
            throw refuse(name, "is not a whole number from " + std::to_string(least) + " up");
        return field->get<std::int32_t>();
    }
    double probability(const Json& value, const std::string& name) const {
        if (!value.is_number()) throw refuse(name, "is not a number");
        const auto p = value.get<double>();
        if (!(p >= 0 && p <= 1)) throw refuse(name, "is not between 0 and 1");
        return p;
    }
    std::string text(const char* name) const {
        const Json& value = at(name);
        if (!value.is_string()) throw refuse(name, "is not a text");
        return value.get<std::string>();
    }
    // An array of which `read` takes one entry, with its name for a refusal.
    template <class Read>
    auto each(const char* name, Read read) const {
        const Json& array = at(name);
        if (!array.is_array()) throw refuse(name, "is not an array");
        std::vector<decltype(read(array, std::string()))> values;
        for (const Json& entry : array)
            values.push_back(read(entry, std::string(name) + '[' + std::to_string(values.size()) + ']'));
        return values;
    }
    Fields object(const char* name) const { return {at(name), where_, std::string(name) + '.'}; }
    std::vector<Attention> digits(const Json& value, const std::string& name) const {
        std::optional<std::vector<Attention>> row;
        if (value.is_string()) row = parseDigits(value.get_ref<const std::string&>());
        if (!row) throw refuse(name, "is not a text of 0 and 1");
        return *std::move(row);
    }
    InputError refuse(const std::string& field, const std::string& problem) const {
        return {where_, prefix_ + field, problem, "see docs/policies.md for the form of a policy"};
    }

private:
    const Json& json_;
    std::string where_;
    std::string prefix_;
};

RoutedPolicy routedFrom(const Fields& fields) {
    fields.allow({"kind", "threshold", "layers"});
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

InterleavedPolicy interleavedFrom(const Fields& fields) {
    fields.allow({"kind", "full", "of"});
    const InterleavedPolicy policy{.full = fields.count("full", 0), .of = fields.count("of", 1)};
    if (policy.full > policy.of) throw fields.refuse("full", "is more than of");
    return policy;
}

template <class Counted>
Counted countedFrom(const Fields& fields) {
    fields.allow({"kind", "count"});
    return {fields.count("count", 0)};
}

EntropyPolicy entropyFrom(const Fields& fields) {
    fields.allow({"kind", "count", "eigenvalues", "scores"});
    EntropyPolicy policy{.count = fields.count("count", 0)};
    if (fields.has("eigenvalues")) policy.eigenvalues = fields.count("eigenvalues", 1);
    if (fields.has("scores"))
        policy.scores = fields.each("scores", [&](const Json& value, const std::string& name) {
            if (!value.is_number()) throw fields.refuse(name, "is not a number");
            return value.get<double>();
        });
    return policy;
}

// A text has a digit a layer; an array a text a layer.
HeadRows rowsFrom(const Fields& fields) {
    const Json& layers = fields.at("layers");
    HeadRows rows;
    if (layers.is_string()) {
        for (const Attention layer : fields.digits(layers, "layers")) rows.push_back({layer});
        return rows;
    }
    rows = fields.each(
        "layers", [&](const Json& value, const std::string& name) { return fields.digits(value, name); });
    if (rows.empty()) throw fields.refuse("layers", "is empty");
    return rows;
}

Json rowsJson(const HeadRows& rows) {
    const bool wholeLayers =
        std::all_of(rows.begin(), rows.end(), [](const auto& row) { return row.size() == 1; });
    Json json = wholeLayers ? Json("") : Json::array();
    std::string text;
    for (const std::vector<Attention>& row : rows) {
        if (wholeLayers)
            text += digitsText(row);
        else
            json.push_back(digitsText(row));
    }
    return wholeLayers ? Json(text) : json;
}

HeadsPolicy headsFrom(const Fields& fields) {
    fields.allow({"kind", "layers", "source"});
    HeadsPolicy policy{.layers = rowsFrom(fields), .file = ""};
    if (!fields.has("source")) return policy;
    const Fields source = fields.object("source");
    source.allow({"file", "sparsity"});
    policy.file = source.text("file");
    policy.sparsity = source.probability(source.at("sparsity"), "sparsity");
    return policy;
}

FrozenPolicy frozenFrom(const Fields& fields) {
    fields.allow({"kind", "layers", "source"});
    FrozenPolicy policy{.layers = rowsFrom(fields), .source = {}};
    if (!fields.has("source")) return policy;
    const Fields source = fields.object("source");
    source.allow({"capture", "prompts", "rule"});
    if (source.has("capture")) policy.source.capture = source.text("capture");
    if (source.has("rule")) policy.source.rule = source.text("rule");
    if (source.has("prompts"))
        policy.source.prompts = source.each("prompts", [&](const Json& value, const std::string& name) {
            if (!value.is_string()) throw source.refuse(name, "is not a text");
            return value.get<std::string>();
        });
    return policy;
}

Json routedJson(const RoutedPolicy& p) {
    Json json{{"kind", "routed"}, {"threshold", p.threshold}};
    for (const auto& [layer, threshold] : p.layerThresholds)
        json["layers"][std::to_string(layer.value())] = threshold;
    return json;
}

Json entropyJson(const EntropyPolicy& p) {
    Json json{{"kind", "entropy"}, {"count", p.count}, {"eigenvalues", p.eigenvalues}};
    if (!p.scores.empty()) json["scores"] = p.scores;
    return json;
}

Json headsJson(const HeadsPolicy& p) {
    Json json{{"kind", "heads"}, {"layers", rowsJson(p.layers)}};
    if (!p.file.empty()) json["source"] = {{"file", p.file}, {"sparsity", p.sparsity}};
    return json;
}

Json frozenJson(const FrozenPolicy& p) {
    Json json{{"kind", "frozen"}, {"layers", rowsJson(p.layers)}};
    if (!p.source.capture.empty()) json["source"]["capture"] = p.source.capture;
    if (!p.source.prompts.empty()) json["source"]["prompts"] = p.source.prompts;
    if (!p.source.rule.empty()) json["source"]["rule"] = p.source.rule;
    return json;
}

}  // namespace

Policy policyFromJson(const Json& json, const std::string& where) {
    const Fields fields(json, where);
    const std::string kind = fields.text("kind");
    if (kind == "routed") return routedFrom(fields);
    if (kind == "interleaved") return interleavedFrom(fields);
    if (kind == "first") return countedFrom<FirstPolicy>(fields);
    if (kind == "last") return countedFrom<LastPolicy>(fields);
    if (kind == "entropy") return entropyFrom(fields);
    if (kind == "heads") return headsFrom(fields);
    if (kind == "frozen") return frozenFrom(fields);
    if (kind == "mask") {
        fields.allow({"kind", "layers"});
        return MaskPolicy{fields.digits(fields.at("layers"), "layers")};
    }
    if (kind == "full" || kind == "sparse") {
        fields.allow({"kind"});
        if (kind == "full") return FullPolicy{};
        return SparsePolicy{};
    }
    throw fields.refuse("kind",
                        "is not routed, full, sparse, interleaved, first, last, mask, entropy, heads or "
                        "frozen");
}

Json toJson(const Policy& policy) {
    return std::visit(
        Overloaded{
            [](const RoutedPolicy& p) { return routedJson(p); },
            [](const FullPolicy&) { return Json{{"kind", "full"}}; },
            [](const SparsePolicy&) { return Json{{"kind", "sparse"}}; },
            [](const InterleavedPolicy& p) {
                return Json{{"kind", "interleaved"}, {"full", p.full}, {"of", p.of}};
            },
            [](const FirstPolicy& p) { return Json{{"kind", "first"}, {"count", p.count}}; },
            [](const LastPolicy& p) { return Json{{"kind", "last"}, {"count", p.count}}; },
            [](const MaskPolicy& p) { return Json{{"kind", "mask"}, {"layers", digitsText(p.layers)}}; },
            [](const EntropyPolicy& p) { return entropyJson(p); },
            [](const HeadsPolicy& p) { return headsJson(p); },
            [](const FrozenPolicy& p) { return frozenJson(p); }},
        policy.kind());
}

}  // namespace fluxscope
