// What the engine computes, as JSON on stdout, for the Python oracles beside it to compare with:
//
//   oracle-dump forward MODEL FILE    FILE: a JSON list of prompts, each a list of ids. For each, under policy full,
//                                     {"logits": one row a position, "routers": [[sparse, full] of each layer]}
//   oracle-dump models FILE           FILE: a JSON list of {"model", "prompts", "greedy": how many}. For each a list over prompts
//                                     as of forward, with "greedy", the ids generated, and "decisions", routed at 0.5, in it;
//                                     without routers no "routers" and no "decisions"
//   oracle-dump routing MODEL FILE    FILE: a prompt set. A table of p_full, layers by prompts, of a run routed at 0.5
#include "engine/engine.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>

using namespace fluxscope;

namespace {

std::vector<TokenId> idsOf(const std::vector<std::int32_t>& numbers) {
    std::vector<TokenId> ids;
    for (const std::int32_t number : numbers) ids.emplace_back(number);
    return ids;
}

nlohmann::json forwarded(Model& model, const std::vector<std::int32_t>& prompt) {
    ForwardRequest request;
    request.ids = idsOf(prompt);
    request.policy = FullPolicy{};
    request.chunkTokens = 100;
    request.endPosition = static_cast<std::int64_t>(prompt.size());
    const ForwardResult result = model.forward(request, CancelToken{});
    nlohmann::json rows = nlohmann::json::array();
    const std::ptrdiff_t vocabulary = model.facts().vocabulary;
    for (auto row = result.logits.begin(); row != result.logits.end(); row += vocabulary)
        rows.push_back(std::vector<float>(row, row + vocabulary));
    nlohmann::json forwarded = {{"logits", rows}};
    for (const LayerRouting& layer : result.layers)
        if (const auto& logits = layer.decision().logits)
            forwarded["routers"].push_back({logits->sparse, logits->full});
    return forwarded;
}

std::vector<std::int32_t> generated(Model& model, const std::vector<std::int32_t>& prompt, int tokens) {
    RunRequest request;
    request.prompts.push_back({.id = "0", .content = idsOf(prompt)});
    request.policy = FullPolicy{};
    request.maxNew = tokens;
    request.stopAtEos = false;
    Observer nobody;
    std::vector<std::int32_t> numbers;
    const RunResult result = model.run(request, nobody, CancelToken{});
    for (const TokenId id : result.sequences.front().first().ids) numbers.push_back(id.value());
    return numbers;
}

std::vector<int> decided(Model& model, const std::vector<std::int32_t>& prompt) {
    ForwardRequest request;
    request.ids = idsOf(prompt);
    request.policy = RoutedPolicy{};
    std::vector<int> decisions;
    for (const LayerRouting& layer : model.forward(request, CancelToken{}).layers)
        decisions.push_back(layer.decision().attention == Attention::Full ? 1 : 0);
    return decisions;
}

nlohmann::json ofModels(const nlohmann::json& asked) {
    nlohmann::json answers = nlohmann::json::array();
    for (const nlohmann::json& question : asked) {
        const auto model = Model::load(question.at("model").get<std::string>());
        nlohmann::json results = nlohmann::json::array();
        for (const auto& prompt : question.at("prompts").get<std::vector<std::vector<std::int32_t>>>()) {
            nlohmann::json result = forwarded(*model, prompt);
            if (result.contains("routers")) result["decisions"] = decided(*model, prompt);
            result["greedy"] = generated(*model, prompt, question.at("greedy").get<int>());
            results.push_back(std::move(result));
        }
        answers.push_back(std::move(results));
    }
    return answers;
}

void printRouting(Model& model, const std::string& file) {
    RunRequest request;
    request.prompts = readPromptSet(file).prompts;
    request.policy = RoutedPolicy{};
    request.maxNew = 16;
    Observer nobody;
    const auto began = std::chrono::steady_clock::now();
    const RunResult result = model.run(request, nobody, CancelToken{});
    for (const SequenceResult& sequence : result.sequences) {
        std::printf("%-18s %5zu tokens ", sequence.promptId.c_str(), sequence.first().promptIds.size());
        for (const LayerRouting& layer : sequence.first().layers)
            std::printf(" %.3f", fullProbability(*layer.decision().logits));
        std::printf("   prefill %.2f s decode %.2f s kv %lld\n", sequence.first().prefillSeconds,
                    sequence.first().decodeSeconds, static_cast<long long>(sequence.first().kvBytes));
    }
    std::printf("%.2f s\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
}

}  // namespace

int main(int argc, char** argv) {
    const std::string what = argc > 1 ? argv[1] : "";
    if (argc != (what == "models" ? 3 : 4)) {
        std::fputs("usage: oracle-dump forward|routing MODEL FILE, or oracle-dump models FILE\n", stderr);
        return 2;
    }
    try {
        if (what == "models") {
            std::ifstream in(argv[2]);
            std::cout << ofModels(nlohmann::json::parse(in)).dump() << '\n';
            return 0;
        }
        const auto model = Model::load(argv[2]);
        if (what == "routing") {
            printRouting(*model, argv[3]);
            return 0;
        }
        std::ifstream in(argv[3]);
        nlohmann::json results = nlohmann::json::array();
        for (const nlohmann::json& item : nlohmann::json::parse(in))
            results.push_back(forwarded(*model, item.get<std::vector<std::int32_t>>()));
        std::cout << results.dump() << '\n';
    } catch (const std::exception& e) {
        std::fprintf(stderr, "oracle-dump: %s\n", e.what());
        return 1;
    }
    return 0;
}
