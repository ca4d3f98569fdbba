// Text to token ids and back: byte-level byte-pair encoding as a Hugging Face tokenizer.json describes it.
//
// Encoding goes added tokens -> pre-tokenizer (a regular expression) -> merges, on the bytes of the text. Text need not be
// UTF-8: bytes that are not are encoded one by one, so decode(encode(x)) is x for every x.
#pragma once

#include "engine/contract/index.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fluxscope {

struct Encoding {
    std::vector<TokenId> ids;
    // Token i covers bytes offsets[i] .. offsets[i + 1] of the text; the last entry is the text's size. Tokens that the file
    // adds around a text cover none.
    std::vector<std::int64_t> offsets;
};

class Tokenizer {
public:
    // FOLDER/tokenizer.json. Throws InputError.
    static Tokenizer load(const std::filesystem::path& file);

    ~Tokenizer();
    Tokenizer(Tokenizer&&) noexcept;
    Tokenizer& operator=(Tokenizer&&) = delete;

    // `addSpecial`: with the tokens that the file's post-processor puts around a text (a beginning-of-sequence token).
    // Throws InputError when the file's regular expression gives up on the text.
    Encoding encode(std::string_view text, bool addSpecial) const;

    // The bytes of a token; empty for an id that has none (models may have more rows than the tokenizer has tokens).
    std::string_view bytesOf(TokenId id) const;
    bool isSpecial(TokenId id) const;
    std::string decode(std::span<const TokenId> ids) const;  // all bytes, special tokens included

    std::int64_t endOfIds() const;  // the highest id plus one

private:
    struct Parts;
    explicit Tokenizer(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

// Decoded text as it grows: what it hands out is always whole UTF-8 characters. Bytes that are none become U+FFFD.
class TextStream {
public:
    explicit TextStream(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

    std::string append(TokenId id);  // may be empty inside a character; special tokens add nothing
    std::string finish();            // what is left of a character that was never finished

private:
    const Tokenizer& tokenizer_;
    std::string pending_;
};

}  // namespace fluxscope
