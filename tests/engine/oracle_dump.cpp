// What the engine computes, as JSON on stdout, for the Python oracles beside it to compare with:
//
//   oracle-dump tokenize MODEL FILE   FILE: a JSON list of texts. For each {"ids", "offsets", "same": decoding gives the text back}
//   oracle-dump forward MODEL FILE    FILE: a JSON list of prompts, each a list of ids. For each, under policy full,
//                                     {"logits": one row a position, "routers": [[sparse, full] of each layer]}
//   oracle-dump routing MODEL FILE    FILE: a prompt set. A table of p_full, layers by prompts, of a run routed at 0.5
#include "engine/engine.h"
#include "engine/tokenizer/tokenizer.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>

using namespace fluxscope;

namespace {

nlohmann::json tokenized(const Tokenizer& tokenizer, const std::string& text) {
    const Encoding encoding = tokenizer.encode(text, false);
    nlohmann::json ids = nlohmann::json::array();
    for (const TokenId id : encoding.ids) ids.push_back(id.value());
    return {{"ids", ids}, {"offsets", encoding.offsets}, {"same", tokenizer.decode(encoding.ids) == text}};
}

nlohmann::json forwarded(Model& model, const std::vector<std::int32_t>& prompt) {
    ForwardRequest request;
    for (const std::int32_t id : prompt) request.ids.emplace_back(id);
    request.policy = FullPolicy{};
    request.chunkTokens = 100;
    request.endPosition = static_cast<std::int64_t>(prompt.size());
    const ForwardResult result = model.forward(request, CancelToken{});
    nlohmann::json rows = nlohmann::json::array();
    const std::ptrdiff_t vocabulary = model.facts().vocabulary;
    for (auto row = result.logits.begin(); row != result.logits.end(); row += vocabulary)
        rows.push_back(std::vector<float>(row, row + vocabulary));
    nlohmann::json routers = nlohmann::json::array();
    for (const LayerRouting& layer : result.layers)
        routers.push_back({layer.decision().logits->sparse, layer.decision().logits->full});
    return {{"logits", rows}, {"routers", routers}};
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
    if (argc != 4) {
        std::fputs("usage: oracle-dump tokenize|forward|routing MODEL FILE\n", stderr);
        return 2;
    }
    try {
        const std::string what = argv[1];
        const auto model = Model::load(argv[2]);
        if (what == "routing") {
            printRouting(*model, argv[3]);
            return 0;
        }
        std::ifstream in(argv[3]);
        nlohmann::json results = nlohmann::json::array();
        for (const nlohmann::json& item : nlohmann::json::parse(in))
            results.push_back(what == "tokenize" ? tokenized(model->tokenizer(), item.get<std::string>())
                                                 : forwarded(*model, item.get<std::vector<std::int32_t>>()));
        std::cout << results.dump() << '\n';
    } catch (const std::exception& e) {
        std::fprintf(stderr, "oracle-dump: %s\n", e.what());
        return 1;
    }
    return 0;
}
