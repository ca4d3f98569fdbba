// What our templates and our sampler make of what Python's also gets, as JSON on stdout, for chat_oracle.py to compare:
//
//   chat-dump render FILE   FILE: a list of {"template", "cases": [variables]}. For each a list of {"text"} or {"error", "line"}
//   chat-dump sample FILE   FILE: a list of {"logits", "history", "options"}. For each [[id, probability] of what may be drawn]
#include "engine/chat/detail/value.h"
#include "engine/chat/jinja.h"
#include "engine/sampling/sampler.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <fstream>
#include <iostream>

using namespace fluxscope;
using Json = nlohmann::ordered_json;

namespace {

Json problemOf(const jinja::TemplateError& error) {
    return {{"error", error.problem}, {"line", error.line}, {"limit", error.overLimit}};
}

Json rendered(const Json& item) {
    std::tm now{};  // 5 March 2026, 14:07:09, a Thursday
    now.tm_year = 126;
    now.tm_mon = 2;
    now.tm_mday = 5;
    now.tm_hour = 14;
    now.tm_min = 7;
    now.tm_sec = 9;
    now.tm_wday = 4;
    now.tm_yday = 63;
    Json results = Json::array();
    try {
        const auto parsed = jinja::Template::parse(item["template"].get<std::string>());
        for (const Json& variables : item["cases"]) {
            try {
                results.push_back({{"text", parsed.render(variables, {}, now)}});
            } catch (const jinja::TemplateError& error) {
                results.push_back(problemOf(error));
            }
        }
    } catch (const jinja::TemplateError& error) {
        for (std::size_t i = 0; i < item["cases"].size(); ++i) results.push_back(problemOf(error));
    }
    return results;
}

Json candidates(const Json& item) {
    const auto logits = item["logits"].get<std::vector<float>>();
    std::vector<TokenId> history;
    for (const auto id : item["history"].get<std::vector<std::int32_t>>()) history.emplace_back(id);
    const Sampler sampler(samplingFromJson(nlohmann::json(item["options"]), "options"), 0);
    Json kept = Json::array();
    for (const Candidate& candidate : sampler.candidates(logits, history))
        kept.push_back({candidate.id.value(), candidate.probability});
    return kept;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string what = argc == 3 ? argv[1] : "";
    if (what != "render" && what != "sample") {
        std::fputs("usage: chat-dump render|sample FILE\n", stderr);
        return 2;
    }
    try {
        std::ifstream in(argv[2]);
        Json results = Json::array();
        for (const Json& item : Json::parse(in))
            results.push_back(what == "render" ? rendered(item) : candidates(item));
        std::cout << results.dump(-1, ' ', true, Json::error_handler_t::replace) << '\n';
    } catch (const std::exception& e) {
        std::fprintf(stderr, "chat-dump: %s\n", e.what());
        return 1;
    }
    return 0;
}
