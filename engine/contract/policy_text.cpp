// A policy's short form, and the file it may name.
#include "engine/contract/detail/head_pattern.h"
#include "engine/contract/detail/overloaded.h"
#include "engine/contract/detail/policy_digits.h"
#include "engine/contract/error.h"
#include "engine/contract/policy.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace fluxscope {
namespace {

const std::string kRemedy = std::string("use ") + kPolicyForms;

UsageError refuse(const std::string& where, std::string_view text, const std::string& problem) {
    return {where, "", "'" + printable(text) + "' " + problem, kRemedy};
}

std::string contentOf(const std::string& file, const char* what) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    if (!in || !(text << in.rdbuf()))
        throw InputError(printable(file), "", "cannot be read, or is empty",
                         std::string("check the path of the ") + what);
    return text.str();
}

Policy readPolicyFile(const std::string& file) {
    const nlohmann::json json = nlohmann::json::parse(contentOf(file, "policy file"), nullptr, false);
    if (json.is_discarded())
        throw InputError(printable(file), "", "is not JSON",
                         "write a policy such as {\"kind\":\"routed\",\"threshold\":0.5}");
    return policyFromJson(json, printable(file));
}

InterleavedPolicy interleavedFrom(std::string_view argument, const std::string& where,
                                  std::string_view text) {
    const std::size_t slash = argument.find('/');
    const auto full = parseCount(argument.substr(0, slash));
    const auto of =
        parseCount(slash == std::string_view::npos ? std::string_view{} : argument.substr(slash + 1));
    if (!full || !of || *of < 1 || *full > *of)
        throw refuse(where, text, "is not K/N with K of N layers full");
    return {.full = *full, .of = *of};
}

// FILE.tsv or FILE.tsv@SPARSITY; a path may have an @ of its own.
HeadsPolicy headsFrom(std::string_view argument, const std::string& where, std::string_view text) {
    const std::size_t at = argument.ends_with(".tsv") ? std::string_view::npos : argument.rfind('@');
    const std::string file(argument.substr(0, at));
    double sparsity = HeadsPolicy{}.sparsity;
    if (at != std::string_view::npos) {
        const std::optional<double> given = parseProbability(argument.substr(at + 1));
        if (!given) throw refuse(where, text, "has a sparsity that is not between 0 and 1");
        sparsity = *given;
    }
    if (file.empty()) throw refuse(where, text, "names no file");
    const std::string pattern = contentOf(file, "head pattern");
    return {.layers = fullHeads(parseHeadScores(pattern, printable(file)), sparsity),
            .file = file,
            .sparsity = sparsity};
}

std::string frozenText(const HeadRows& rows) {
    std::string text;
    for (const std::vector<Attention>& row : rows) {
        const bool agree = std::equal(row.begin() + 1, row.end(), row.begin());
        text += agree ? digitsText({row.front()}) : "~";
    }
    return text;
}

std::string routedText(const RoutedPolicy& p) {
    std::string text = "routed:" + numberText(p.threshold);
    if (!p.layerThresholds.empty()) text += '+' + std::to_string(p.layerThresholds.size()) + " layers";
    return text;
}

std::string headsText(const HeadsPolicy& p) {
    if (p.file.empty()) return "heads:" + frozenText(p.layers);
    return "heads:" + p.file + '@' + numberText(p.sparsity);
}

}  // namespace

Policy parsePolicy(std::string_view text, const std::string& where) {
    if (text.ends_with(".json")) return readPolicyFile(std::string(text));
    const std::size_t colon = text.find(':');
    const std::string_view name = text.substr(0, colon);
    if (colon == std::string_view::npos) {
        if (name == "full") return FullPolicy{};
        if (name == "sparse") return SparsePolicy{};
        if (name == "routed") return RoutedPolicy{};
        throw refuse(where, text, "is not a policy");
    }
    const std::string_view argument = text.substr(colon + 1);
    if (name == "routed") {
        const std::optional<double> threshold = parseProbability(argument);
        if (!threshold) throw refuse(where, text, "has a threshold that is not between 0 and 1");
        return RoutedPolicy{.threshold = *threshold, .layerThresholds = {}};
    }
    if (name == "interleaved") return interleavedFrom(argument, where, text);
    if (name == "first" || name == "last" || name == "entropy") {
        const std::optional<std::int32_t> count = parseCount(argument);
        if (!count) throw refuse(where, text, "has no count of layers");
        if (name == "first") return FirstPolicy{*count};
        if (name == "last") return LastPolicy{*count};
        return EntropyPolicy{.count = *count};
    }
    if (name == "mask") {
        std::optional<std::vector<Attention>> layers = parseDigits(argument);
        if (!layers) throw refuse(where, text, "needs a digit a layer, 1 for full and 0 for sparse");
        return MaskPolicy{std::move(*layers)};
    }
    if (name == "heads") return headsFrom(argument, where, text);
    throw refuse(where, text, "is not a policy");
}

std::string shortForm(const Policy& policy) {
    return std::visit(Overloaded{[](const RoutedPolicy& p) { return routedText(p); },
                                 [](const FullPolicy&) { return std::string("full"); },
                                 [](const SparsePolicy&) { return std::string("sparse"); },
                                 [](const InterleavedPolicy& p) {
                                     return "interleaved:" + std::to_string(p.full) + "/" +
                                            std::to_string(p.of);
                                 },
                                 [](const FirstPolicy& p) { return "first:" + std::to_string(p.count); },
                                 [](const LastPolicy& p) { return "last:" + std::to_string(p.count); },
                                 [](const MaskPolicy& p) { return "mask:" + digitsText(p.layers); },
                                 [](const EntropyPolicy& p) { return "entropy:" + std::to_string(p.count); },
                                 [](const HeadsPolicy& p) { return headsText(p); },
                                 [](const FrozenPolicy& p) { return "frozen:" + frozenText(p.layers); }},
                      policy.kind());
}

}  // namespace fluxscope
