#include "profiler/exchange/detail/place_name.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

namespace fluxscope {
namespace {

constexpr std::size_t kLongestName = 512;  // of what can be a place; kernels' names are longer

struct Word {
    std::string text;                    // lower case
    std::optional<std::int32_t> number;  // where it is one
    bool afterSlash = false;             // the first of a part, of a name with slashes
};

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// "model.layers.12.self_attn" -> model layers 12 self attn; "Layer12" -> layer 12.
std::vector<Word> wordsOf(std::string_view name) {
    std::vector<Word> words;
    bool afterSlash = true;
    for (std::size_t at = 0; at < name.size();) {
        const char c = name[at];
        if (!isDigit(c) && !isLetter(c)) {
            if (c == '/') afterSlash = true;
            ++at;
            continue;
        }
        std::size_t end = at;
        while (end < name.size() && (isDigit(c) ? isDigit(name[end]) : isLetter(name[end]))) ++end;
        Word word{.text = std::string(name.substr(at, end - at)), .number = {}, .afterSlash = afterSlash};
        if (isDigit(c)) {
            std::int32_t number = 0;
            const auto read = std::from_chars(name.data() + at, name.data() + end, number);
            if (read.ec == std::errc{}) word.number = number;
        }
        for (char& letter : word.text) {
            if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
        }
        words.push_back(std::move(word));
        afterSlash = false;
        at = end;
    }
    return words;
}

constexpr std::array<std::pair<std::string_view, Op>, 30> kOpWords{{
    {"embed", Op::Embed},    {"embedding", Op::Embed},  {"embeddings", Op::Embed},
    {"router", Op::Router},  {"allocator", Op::Router}, {"norm", Op::Norm},
    {"layernorm", Op::Norm}, {"rmsnorm", Op::Norm},     {"qkv", Op::Qkv},
    {"rope", Op::Rope},      {"rotary", Op::Rope},      {"attention", Op::Attention},
    {"attn", Op::Attention}, {"sdpa", Op::Attention},   {"output", Op::Output},
    {"mlp", Op::Mlp},        {"ffn", Op::Mlp},          {"feedforward", Op::Mlp},
    {"head", Op::Head},      {"logits", Op::Head},      {"sample", Op::Sample},
    {"sampler", Op::Sample}, {"sampling", Op::Sample},  {"kvwrite", Op::KvWrite},
    {"gate", Op::Mlp},       {"up", Op::Mlp},           {"down", Op::Mlp},
    {"moe", Op::Mlp},        {"experts", Op::Mlp},      {"kvcache", Op::KvWrite},
}};

// An operation, from words that stand at `at`; how many of them it takes, 0 for none.
std::size_t opAt(const std::vector<Word>& words, std::size_t at, std::optional<Op>& op) {
    const auto is = [&](std::size_t i, std::string_view text) {
        return i < words.size() && words[i].text == text;
    };
    const std::string& word = words[at].text;
    if ((word == "q" || word == "k" || word == "v") && is(at + 1, "proj")) return op = Op::Qkv, 2;
    if (word == "o" && is(at + 1, "proj")) return op = Op::Output, 2;
    if (word == "kv" && (is(at + 1, "write") || is(at + 1, "cache"))) return op = Op::KvWrite, 2;
    if (word == "q" && is(at + 1, "norm")) return op = Op::Norm, 2;
    if (word == "k" && is(at + 1, "norm")) return op = Op::Norm, 2;
    if (word == "lm" && is(at + 1, "head")) return op = Op::Head, 2;
    // These two mean an operation only as the whole name, or as a part of its own: "output", "layer 3/head", not "attention head 4".
    if ((word == "head" || word == "output" || word == "gate" || word == "up" || word == "down") &&
        !(words[at].afterSlash && (at + 1 == words.size() || words[at + 1].afterSlash)) &&
        !is(at + 1, "proj"))
        return 0;
    const auto* const found = std::ranges::find(kOpWords, word, &std::pair<std::string_view, Op>::first);
    if (found == kOpWords.end()) return 0;
    op = found->second;
    return 1;
}

}  // namespace

NamedPlace placeOfName(std::string_view name) {
    NamedPlace place;
    if (name.size() > kLongestName) return place;
    const std::vector<Word> words = wordsOf(name);
    for (std::size_t at = 0; at < words.size();) {
        const std::string& word = words[at].text;
        const auto number = at + 1 < words.size() ? words[at + 1].number : std::nullopt;
        if (word == "prefill" || word == "decode" || word == "decoding") {
            place.phase = word == "prefill" ? Phase::Prefill : Phase::Decode;
            if (place.phase == Phase::Prefill) place.step = 0;
            if (number) {
                if (place.phase == Phase::Decode) place.step = number;
                ++at;
            }
            ++at;
        } else if ((word == "step" || word == "layer" || word == "layers" || word == "chunk") && number) {
            if (word == "step") {
                if (place.phase != Phase::Prefill) place.step = number;
            } else if (word == "chunk") {
                place.chunk = number;
            } else if (*number < kMostLayersOfAName) {
                place.layer = number;
            }
            at += 2;
        } else if (words[at].number && words[at].afterSlash && place.phase) {
            // "decode/3/7/attention": what follows the phase and has no word is the step, then the layer.
            if (place.phase == Phase::Decode && !place.step) {
                place.step = words[at].number;
            } else if (!place.layer && *words[at].number < kMostLayersOfAName) {
                place.layer = words[at].number;
            }
            ++at;
        } else {
            std::optional<Op> op;
            const std::size_t taken = opAt(words, at, op);
            if (op) place.op = op;  // the last one: it is the innermost of "self_attn.q_proj"
            at += std::max<std::size_t>(taken, 1);
        }
    }
    return place;
}

}  // namespace fluxscope
