// What the engine computes under a sparse form, as JSON on stdout, for tests/engine/oracle/modes_oracle.py:
//
//   modes-dump forward MODEL FILE   FILE: a JSON list of {"ids", "policy", "sparse", "chunk"}. For each the logits, a row a position
//   modes-dump blocks FILE          FILE: a JSON list of {"heads", "kv_heads", "dim", "stride", "threshold", "q" [tokens, heads, dim],
//                                   "k" [kv_heads, tokens, dim]}, flat. For each the flags of XAttention's blocks, flat
#include "engine/engine.h"
#include "kernels/xattention/xattention.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <fstream>
#include <iostream>

using namespace fluxscope;

namespace {

nlohmann::json forwarded(Model& model, const nlohmann::json& asked) {
    ForwardRequest request;
    for (const auto& id : asked.at("ids")) request.ids.emplace_back(id.get<std::int32_t>());
    request.policy = parsePolicy(asked.at("policy").get<std::string>());
    request.sparse = parseSparseForm(asked.at("sparse").get<std::string>());
    request.chunkTokens = asked.at("chunk").get<std::int32_t>();
    request.endPosition = static_cast<std::int64_t>(request.ids.size());
    const ForwardResult result = model.forward(request, CancelToken{});
    nlohmann::json rows = nlohmann::json::array();
    const std::ptrdiff_t vocabulary = model.facts().vocabulary;
    for (auto row = result.logits.begin(); row != result.logits.end(); row += vocabulary)
        rows.push_back(std::vector<float>(row, row + vocabulary));
    return rows;
}

nlohmann::json chosen(const nlohmann::json& asked) {
    const auto q = asked.at("q").get<std::vector<float>>();
    const auto k = asked.at("k").get<std::vector<float>>();
    BlockEstimateShape shape{.heads = asked.at("heads").get<std::int64_t>(),
                             .kvHeads = asked.at("kv_heads").get<std::int64_t>(),
                             .dim = asked.at("dim").get<std::int64_t>(),
                             .stride = asked.at("stride").get<std::int64_t>()};
    shape.end = static_cast<std::int64_t>(q.size()) / (shape.heads * shape.dim);
    const KeysValues kv{
        .k = k.data(), .v = nullptr, .headStride = shape.end * shape.dim, .rowStride = shape.dim};
    std::vector<std::uint8_t> keep(
        static_cast<std::size_t>(shape.heads * queryBlocksOf(shape) * keyBlocksOf(shape)));
    selectBlocksCpu(shape, asked.at("threshold").get<double>(), q.data(), kv, keep.data(), serially);
    return keep;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string what = argc > 1 ? argv[1] : "";
    if (argc != (what == "blocks" ? 3 : 4) || (what != "blocks" && what != "forward")) {
        std::fputs("usage: modes-dump forward MODEL FILE, or modes-dump blocks FILE\n", stderr);
        return 2;
    }
    try {
        std::ifstream in(argv[argc - 1]);
        const nlohmann::json asked = nlohmann::json::parse(in);
        nlohmann::json results = nlohmann::json::array();
        if (what == "blocks") {
            for (const nlohmann::json& item : asked) results.push_back(chosen(item));
        } else {
            const auto model = Model::load(argv[2]);
            for (const nlohmann::json& item : asked) results.push_back(forwarded(*model, item));
        }
        std::cout << results.dump() << '\n';
    } catch (const std::exception& e) {
        std::fprintf(stderr, "modes-dump: %s\n", e.what());
        return 1;
    }
    return 0;
}
