// The model of tokenizer.json: a vocabulary, merges, and what to do with a character that has no token.
//
// With ByteLevel the vocabulary spells bytes as letters and a piece is merged from its bytes; without, it is merged from its
// characters, and one without a token becomes the tokens <0x00> .. <0xFF> of its bytes ("byte_fallback"), else the unknown
// token, else nothing.
#pragma once

#include "engine/checkpoint/json_file.h"
#include "engine/tokenizer/detail/merges.h"

#include <array>
#include <bitset>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace fluxscope {

// The text of ids. An id may be of the vocabulary, an added token, or both.
using TokenTexts = std::unordered_map<std::int32_t, std::string>;

// Looks strings up by views of them.
struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
template <class Value>
using ByText = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

class Bpe {
public:
    Bpe(const JsonFields& model, bool byteLevel);

    // The tokens of one pre-token. Texts repeat their words, so that what was merged once is remembered; the memory belongs to
    // one text, which is why encoding is const and may go on in several threads.
    class Encoder {
    public:
        explicit Encoder(const Bpe& bpe) : bpe_(bpe) {}

        // Valid until the next call. Ranges are in bytes of the piece.
        const std::vector<Symbol>& encode(std::string_view piece);

    private:
        void append(std::string_view piece, std::size_t begin, std::size_t end);
        const std::vector<Symbol>& merged(std::string_view word);
        void readCharacters(std::string_view word);

        const Bpe& bpe_;
        std::vector<Symbol> tokens_;
        std::vector<Symbol> word_;
        ByText<std::vector<Symbol>> known_;
        std::size_t knownBytes_ = 0;
    };

    const TokenTexts& texts() const { return texts_; }  // as the file spells them
    std::optional<std::int32_t> idOf(std::string_view text) const;
    std::int64_t endOfIds() const { return endOfIds_; }

private:
    void readVocabulary(const JsonFields& model);
    void readBytes(const JsonFields& vocabulary);
    void readMerges(const JsonFields& model);
    void readUnknown(const JsonFields& model);
    void findJoins(std::string_view left, std::string_view right);
    std::int32_t idOfCharacter(char32_t c) const {
        return c < idOfCharacter_.size() ? idOfCharacter_[c] : -1;
    }
    bool mayCut(char32_t left, char32_t right) const;

    ByText<std::int32_t> ids_;
    TokenTexts texts_;
    std::int64_t endOfIds_ = 0;
    Merges merges_;
    bool byteLevel_ = false;
    std::optional<ByText<std::int32_t>>
        wholeWords_;  // "ignore_merges": a piece that is a token is that token
    std::array<std::int32_t, 256>
        idOfByte_{};  // ByteLevel: its letter's; else that of <0x..>; -1 where there is none
    std::vector<std::int32_t> idOfCharacter_;  // by code point; -1: none
    std::optional<std::int32_t> unknown_;
    bool fuseUnknown_ = false;
    // Pairs of characters with a merge across them, left << 32 | right, and those of ASCII. Between others nothing ever merges:
    // there a text without pre-tokenizer, one long piece, is cut into words that can be remembered.
    std::unordered_set<std::uint64_t> joined_;
    std::bitset<128 * 128> joinedAscii_;
    bool cuts_ = false;
};

}  // namespace fluxscope
