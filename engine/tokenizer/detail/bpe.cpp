#include "engine/tokenizer/detail/bpe.h"

#include "engine/tokenizer/utf8.h"

#include <algorithm>

namespace fluxscope {
namespace {

// Longer words hardly come twice.
constexpr std::size_t kLongestKnown = 128;
constexpr std::size_t kMostKnownBytes = std::size_t{64} << 20;

}  // namespace

std::optional<std::int32_t> Bpe::idOf(std::string_view text) const {
    const auto found = ids_.find(text);
    if (found == ids_.end()) return std::nullopt;
    return found->second;
}

// Both have tokens of their own: what has none fuses with its neighbours by other rules.
bool Bpe::mayCut(char32_t left, char32_t right) const {
    if (left < 128 && right < 128) {
        if (joinedAscii_[left * 128 + right]) return false;
    } else if (joined_.contains(static_cast<std::uint64_t>(left) << 32U | right)) {
        return false;
    }
    return idOfCharacter(left) >= 0 && idOfCharacter(right) >= 0;
}

const std::vector<Symbol>& Bpe::Encoder::encode(std::string_view piece) {
    tokens_.clear();
    if (bpe_.wholeWords_) {
        if (const auto whole = bpe_.wholeWords_->find(piece); whole != bpe_.wholeWords_->end()) {
            tokens_.push_back({whole->second, 0, static_cast<std::uint32_t>(piece.size())});
            return tokens_;
        }
    }
    std::size_t begin = 0;
    if (bpe_.cuts_) {
        std::optional<char32_t> before;
        for (std::size_t i = 0; i < piece.size();) {
            const Utf8Char c = utf8At(piece, i);
            if (c.wellFormed && before && bpe_.mayCut(*before, c.codePoint)) {
                append(piece, begin, i);
                begin = i;
            }
            before = c.wellFormed ? std::optional(c.codePoint) : std::nullopt;
            i += c.length;
        }
    }
    append(piece, begin, piece.size());
    return tokens_;
}

void Bpe::Encoder::append(std::string_view piece, std::size_t begin, std::size_t end) {
    const auto offset = static_cast<std::uint32_t>(begin);
    for (const Symbol& token : merged(piece.substr(begin, end - begin)))
        tokens_.push_back({token.id, token.begin + offset, token.end + offset});
}

const std::vector<Symbol>& Bpe::Encoder::merged(std::string_view word) {
    const bool remembers = word.size() <= kLongestKnown;
    if (remembers)
        if (const auto known = known_.find(word); known != known_.end()) return known->second;
    word_.clear();
    if (bpe_.byteLevel_)
        for (std::uint32_t i = 0; i < word.size(); ++i)
            word_.push_back({bpe_.idOfByte_[static_cast<std::uint8_t>(word[i])], i, i + 1});
    else
        readCharacters(word);
    bpe_.merges_.apply(word_);
    if (!remembers || knownBytes_ > kMostKnownBytes) return word_;
    knownBytes_ += word.size() + word_.size() * sizeof(Symbol) + 64;
    return known_.emplace(std::string(word), word_).first->second;
}

void Bpe::Encoder::readCharacters(std::string_view word) {
    // The unknown token waits for the next character that has one of its own, as in `tokenizers`: bytes overtake it.
    std::optional<Symbol> unknown;
    const auto flush = [&] {
        if (unknown) word_.push_back(*unknown);
        unknown.reset();
    };
    for (std::size_t i = 0; i < word.size();) {
        const Utf8Char c = utf8At(word, i);
        const auto begin = static_cast<std::uint32_t>(i);
        const auto end = static_cast<std::uint32_t>(i + c.length);
        i += c.length;
        const std::int32_t id = c.wellFormed ? bpe_.idOfCharacter(c.codePoint) : -1;
        if (id >= 0) {
            flush();
            word_.push_back({id, begin, end});
            continue;
        }
        const auto hasToken = [&](char byte) { return bpe_.idOfByte_[static_cast<std::uint8_t>(byte)] >= 0; };
        const std::string_view spelled = word.substr(begin, end - begin);
        if (std::all_of(spelled.begin(), spelled.end(), hasToken)) {
            for (std::uint32_t at = begin; at < end; ++at)
                word_.push_back({bpe_.idOfByte_[static_cast<std::uint8_t>(word[at])], at, at + 1});
        } else if (bpe_.unknown_) {
            if (unknown && bpe_.fuseUnknown_) {
                unknown->end = end;
            } else {
                flush();
                unknown = {*bpe_.unknown_, begin, end};
            }
        }
    }
    flush();
}

}  // namespace fluxscope
