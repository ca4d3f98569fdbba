#include "engine/tokenizer/detail/added_tokens.h"

#include "engine/tokenizer/detail/limits.h"
#include "engine/tokenizer/detail/unicode.h"
#include "engine/tokenizer/utf8.h"

#include <algorithm>
#include <array>

namespace fluxscope {
namespace {

const char* const kDamaged = "download tokenizer.json again";

std::size_t startOfLastCharacter(std::string_view text, std::size_t end) {
    std::size_t begin = end - 1;
    while (begin > 0 && end - begin < 4 && (static_cast<std::uint8_t>(text[begin]) & 0xC0U) == 0x80) --begin;
    const Utf8Char c = utf8At(text, begin);
    return c.wellFormed && begin + c.length == end ? begin : end - 1;
}

bool wordEndsAt(std::string_view text, std::size_t end) {
    if (end == 0) return false;
    const Utf8Char c = utf8At(text, startOfLastCharacter(text, end));
    return c.wellFormed && isWordCharacter(c.codePoint);
}

bool wordStartsAt(std::string_view text, std::size_t begin) {
    if (begin == text.size()) return false;
    const Utf8Char c = utf8At(text, begin);
    return c.wellFormed && isWordCharacter(c.codePoint);
}

std::size_t startOfSpaceBefore(std::string_view text, std::size_t end) {
    while (end > 0) {
        const std::size_t last = startOfLastCharacter(text, end);
        const Utf8Char c = utf8At(text, last);
        if (!c.wellFormed || !isWhiteSpace(c.codePoint)) break;
        end = last;
    }
    return end;
}

std::size_t endOfSpaceAfter(std::string_view text, std::size_t begin) {
    while (begin < text.size()) {
        const Utf8Char c = utf8At(text, begin);
        if (!c.wellFormed || !isWhiteSpace(c.codePoint)) break;
        begin += c.length;
    }
    return begin;
}

}  // namespace

std::vector<AddedToken> readAddedTokens(const JsonFields& tokenizer) {
    std::vector<AddedToken> tokens;
    if (!tokenizer.has("added_tokens")) return tokens;
    const nlohmann::json& list = tokenizer.at("added_tokens");
    if (!list.is_array()) tokenizer.refuse("added_tokens", "is not a list", kDamaged);
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (!list[i].is_object())
            tokenizer.refuse("added_tokens", "has an entry that is no object", kDamaged);
        const JsonFields entry(list[i], tokenizer.file(), "added_tokens[" + std::to_string(i) + "].");
        const bool special = entry.flagOr("special", false);
        tokens.push_back({.id = static_cast<std::int32_t>(entry.integer("id", 0, kMostTokenIds - 1)),
                          .content = entry.text("content"),
                          .special = special,
                          .normalized = entry.flagOr("normalized", !special),
                          .singleWord = entry.flagOr("single_word", false),
                          .lstrip = entry.flagOr("lstrip", false),
                          .rstrip = entry.flagOr("rstrip", false)});
        if (tokens.back().content.empty())
            entry.refuse("content", "is empty: such a token would be found everywhere", kDamaged);
    }
    return tokens;
}

void TokenFinder::add(const AddedToken& token, std::string_view spelling) {
    if (spelling.empty()) return;
    std::size_t node = 0;
    for (const char byte : spelling) {
        const auto [next, isNew] = nodes_[node].next.emplace(byte, nodes_.size());
        node = next->second;
        if (isNew) nodes_.emplace_back();
    }
    if (nodes_[node].token >= 0) return;
    nodes_[node].token = static_cast<int>(tokens_.size());
    tokens_.push_back(token);
}

TokenFinder::Found TokenFinder::longestAt(std::string_view text, std::size_t begin) const {
    Found found;
    std::size_t node = 0;
    for (std::size_t i = begin; i < text.size(); ++i) {
        const auto next = nodes_[node].next.find(text[i]);
        if (next == nodes_[node].next.end()) break;
        node = next->second;
        if (nodes_[node].token >= 0) found = {nodes_[node].token, i + 1};
    }
    return found;
}

void TokenFinder::split(std::string_view text, const Plain& plain, const Added& added) const {
    std::size_t done = 0;
    std::array<bool, 256> starts{};
    for (const auto& [byte, node] : nodes_[0].next) starts[static_cast<std::uint8_t>(byte)] = true;
    for (std::size_t i = 0; i < text.size();) {
        const Found found = starts[static_cast<std::uint8_t>(text[i])] ? longestAt(text, i) : Found{};
        if (found.token < 0) {
            ++i;
            continue;
        }
        const AddedToken& token = tokens_[static_cast<std::size_t>(found.token)];
        std::size_t begin = i;
        std::size_t end = i = found.end;  // the search goes on there whatever becomes of this one
        if (token.singleWord && (wordEndsAt(text, begin) || wordStartsAt(text, end))) continue;
        // White space that the token before took is taken.
        if (token.lstrip) begin = std::max(startOfSpaceBefore(text, begin), done);
        if (token.rstrip) end = endOfSpaceAfter(text, end);
        if (begin > done) plain(done, begin);
        added(token, begin, end);
        done = end;
    }
    if (done < text.size()) plain(done, text.size());
}

}  // namespace fluxscope
