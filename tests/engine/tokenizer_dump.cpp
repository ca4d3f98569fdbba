// What the tokenizer makes of texts, as JSON on stdout, for oracle/tokenizer_oracle.py to compare with:
//
//   tokenizer-dump TOKENIZER.json FILE [bench]
//
// FILE: {"texts": [...], "ids": [[...]]}. A text is a string, or a list of bytes where it is no UTF-8. For each text {"ids",
// "ranges": [begin, end, begin, end, ...], "special": the ids with what the post-processor adds, "decoded", "streamed"}, for each
// list of ids {"decoded", "streamed"}. Decoded bytes are written as the characters U+0000 to U+00FF. With bench, FILE is one
// text, and the answer the fastest of three encodings in seconds.
#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/utf8.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

using namespace fluxscope;

namespace {

nlohmann::json numbersOf(const std::vector<TokenId>& ids) {
    nlohmann::json numbers = nlohmann::json::array();
    for (const TokenId id : ids) numbers.push_back(id.value());
    return numbers;
}

nlohmann::json textOf(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
    std::string decoded;
    for (const char byte : tokenizer.decode(ids)) appendUtf8(decoded, static_cast<std::uint8_t>(byte));
    TextStream stream(tokenizer);
    std::string streamed;
    nlohmann::json pieces = nlohmann::json::array();
    for (const TokenId id : ids) {
        pieces.push_back(stream.append(id));
        streamed += pieces.back().get<std::string>();
    }
    pieces.push_back(stream.finish());
    static_cast<void>(pieces.dump());  // throws where a piece is not whole characters
    return {{"decoded", decoded}, {"streamed", streamed + pieces.back().get<std::string>()}};
}

std::string bytesOf(const nlohmann::json& text) {
    if (text.is_string()) return text.get<std::string>();
    std::string bytes;
    for (const nlohmann::json& byte : text) bytes.push_back(static_cast<char>(byte.get<int>()));
    return bytes;
}

nlohmann::json answers(const Tokenizer& tokenizer, const nlohmann::json& asked) {
    nlohmann::json texts = nlohmann::json::array();
    for (const nlohmann::json& item : asked.at("texts")) {
        const std::string text = bytesOf(item);
        const Encoding encoding = tokenizer.encode(text, false);
        nlohmann::json answer = textOf(tokenizer, encoding.ids);
        answer["ids"] = numbersOf(encoding.ids);
        answer["special"] = numbersOf(tokenizer.encode(text, true).ids);
        nlohmann::json ranges = nlohmann::json::array();
        for (const ByteRange& range : encoding.ranges) {
            ranges.push_back(range.begin);
            ranges.push_back(range.end);
        }
        answer["ranges"] = std::move(ranges);
        texts.push_back(std::move(answer));
    }
    nlohmann::json lists = nlohmann::json::array();
    for (const nlohmann::json& item : asked.at("ids")) {
        std::vector<TokenId> ids;
        for (const nlohmann::json& id : item) ids.emplace_back(id.get<std::int32_t>());
        lists.push_back(textOf(tokenizer, ids));
    }
    return {{"texts", std::move(texts)}, {"ids", std::move(lists)}};
}

nlohmann::json secondsToEncode(const Tokenizer& tokenizer, const std::string& text) {
    double best = 1e9;
    std::size_t tokens = 0;
    for (int round = 0; round < 3; ++round) {
        const auto began = std::chrono::steady_clock::now();
        tokens = tokenizer.encode(text, false).ids.size();
        best =
            std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
    }
    return {{"seconds", best}, {"tokens", tokens}};
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fputs("usage: tokenizer-dump TOKENIZER.json FILE [bench]\n", stderr);
        return 2;
    }
    try {
        const Tokenizer tokenizer = Tokenizer::load(argv[1]);
        std::ifstream in(argv[2], std::ios::binary);
        if (argc > 3) {
            const std::string text{std::istreambuf_iterator<char>(in), {}};
            std::cout << secondsToEncode(tokenizer, text).dump() << '\n';
        } else {
            std::cout << answers(tokenizer, nlohmann::json::parse(in)).dump() << '\n';
        }
    } catch (const std::exception& e) {
        std::fprintf(stderr, "tokenizer-dump: %s\n", e.what());
        return 1;
    }
    return 0;
}
