#include "engine/train/piece_counter.h"

#include <string>
#include <unordered_map>

namespace fluxscope::train {
namespace {

constexpr std::size_t kMostWords = 1 << 16;

struct TransparentHash {
    using is_transparent = void;  // NOLINT(readability-identifier-naming): the standard library's name
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

struct Words {
    const Tokenizer* tokenizer = nullptr;
    std::unordered_map<std::string, std::int64_t, TransparentHash, std::equal_to<>> tokens;
};

}  // namespace

std::int64_t nearCount(const Tokenizer& tokenizer, std::string_view text) {
    thread_local Words words;
    if (words.tokenizer != &tokenizer || words.tokens.size() > kMostWords) {
        words.tokens.clear();
        words.tokenizer = &tokenizer;
    }
    std::int64_t sum = 0;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' ', 1), text.size());
        const std::string_view word = text.substr(0, end);
        auto known = words.tokens.find(word);
        if (known == words.tokens.end())
            known = words.tokens
                        .emplace(word, static_cast<std::int64_t>(tokenizer.encode(word, false).ids.size()))
                        .first;
        sum += known->second;
        text.remove_prefix(end);
    }
    return sum;
}

}  // namespace fluxscope::train
