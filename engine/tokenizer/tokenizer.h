// Text to token ids and back, as a Hugging Face tokenizer.json says: byte-level byte-pair encoding (GPT-2, Llama 3, Qwen) and
// byte-pair encoding with byte fallback (Llama 2, Mistral). docs/tokenizers.md has what is read and what is refused.
//
// Encoding goes added tokens -> normalizer -> added tokens that want normalized text -> pre-tokenizer -> merges -> post-processor.
// Text need not be UTF-8. Ill-formed bytes are not replaced: no normalizer or expression sees them, and each is encoded as a
// byte, so that with a byte-level model decode(encode(x)) is x for every x in the normal form that the file asks for.
#pragma once

#include "engine/contract/byte_range.h"
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
    // Of each token, in the text as it was given. What a normalizer made of several characters covers them all; several tokens
    // of one normalized character each cover it whole. Tokens that the file adds around a text are empty.
    std::vector<ByteRange> ranges;
};

class Tokenizer {
public:
    // FOLDER/tokenizer.json. Throws InputError.
    static Tokenizer load(const std::filesystem::path& file);
    // The same from memory; `name` is what errors call it.
    static Tokenizer parse(std::string_view json, const std::string& name);

    ~Tokenizer();
    Tokenizer(Tokenizer&&) noexcept;
    Tokenizer& operator=(Tokenizer&&) = delete;

    // `addSpecial`: with the tokens that the file's post-processor puts around a text (a beginning-of-sequence token).
    // Throws InputError when the file's regular expression gives up on the text, UsageError from 4 GiB on.
    Encoding encode(std::string_view text, bool addSpecial) const;

    // The bytes of a token inside a text; empty for an id that has none (models may have more rows than the tokenizer has
    // tokens).
    std::string_view bytesOf(TokenId id) const;
    bool isSpecial(TokenId id) const;
    // All bytes, special tokens included. Throws InputError for an id that has no token.
    std::string decode(std::span<const TokenId> ids) const;

    std::int64_t endOfIds() const;  // the highest id plus one

private:
    friend class TextStream;
    struct Parts;
    explicit Tokenizer(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

// Decoded text as it grows: what it hands out is always whole UTF-8 characters. Bytes that are none become U+FFFD. The space
// that some tokenizers put before a text is taken away at the start and nowhere else.
class TextStream {
public:
    explicit TextStream(const Tokenizer& tokenizer);

    // May be empty inside a character; special tokens, and rows of a model that have no token, add nothing.
    std::string append(TokenId id);
    std::string finish();  // what is left of a character that was never finished

private:
    const Tokenizer& tokenizer_;
    std::string pending_;
    bool first_ = true;
    std::size_t toStrip_ = 0;
};

}  // namespace fluxscope
