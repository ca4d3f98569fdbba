// Loads a model once and times runs of it, one for each line of stdin, so that whoever asks can interleave them with others:
//
//   engine-bench MODEL [THREADS]
//   {"ids": [1, 2, 3], "max_new": 33, "policy": "full", "sparse": "streaming:sink=16,window=128"}    in
//   {"prefill_s": 0.1, "decode_s": 0.2, "ids": [...], "kv_bytes": 1048576}                           out, one line each
//
// prefill_s ends when the first token is on the host; decode_s covers the max_new - 1 tokens that follow.
#include "engine/engine.h"

#include "app/start/threads.h"

#include <ATen/Parallel.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <exception>
#include <iostream>
#include <string>

using namespace fluxscope;

namespace {

nlohmann::json timed(Model& model, const nlohmann::json& asked) {
    std::vector<TokenId> ids;
    for (const std::int32_t id : asked.at("ids").get<std::vector<std::int32_t>>()) ids.emplace_back(id);
    RunRequest request;
    request.prompts = {{.id = "bench", .kind = "bench", .content = std::move(ids)}};
    request.policy = parsePolicy(asked.at("policy").get<std::string>());
    request.sparse = parseSparseForm(asked.at("sparse").get<std::string>());
    request.maxNew = asked.at("max_new").get<std::int32_t>();
    request.chunkTokens = asked.value("chunk", 0);
    request.stopAtEos = false;
    Observer nobody;
    const RunResult result = model.run(request, nobody, CancelToken{});
    const TurnResult& sequence = result.sequences.front().first();
    nlohmann::json generated = nlohmann::json::array();
    for (const TokenId id : sequence.ids) generated.push_back(id.value());
    return {{"prefill_s", sequence.prefillSeconds},
            {"decode_s", sequence.decodeSeconds},
            {"ids", generated},
            {"kv_bytes", sequence.kvBytes}};
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2 || argc > 3) {
        std::fputs("usage: engine-bench MODEL [THREADS] < REQUESTS\n", stderr);
        return 2;
    }
    restartWithThreadsThatSleep(argv);  // as our programs do
    try {
        if (argc == 3) at::set_num_threads(std::stoi(argv[2]));
        const auto model = Model::load(argv[1]);
        for (std::string line; std::getline(std::cin, line);)
            std::cout << timed(*model, nlohmann::json::parse(line)).dump() << std::endl;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "engine-bench: %s\n", e.what());
        return 1;
    }
    return 0;
}
