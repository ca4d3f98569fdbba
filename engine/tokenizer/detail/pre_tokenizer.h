// The pre-tokenizer of tokenizer.json: cuts text into the pieces that merges may not cross.
#pragma once

#include "engine/checkpoint/json_file.h"
#include "engine/tokenizer/detail/aligned_text.h"
#include "engine/tokenizer/detail/metaspace.h"
#include "engine/tokenizer/detail/splitter.h"

#include <functional>
#include <variant>
#include <vector>

namespace fluxscope {

class PreTokenizer {
public:
    // `tokenizer` is the whole file; its field pre_tokenizer may be absent, Split, ByteLevel, Digits, Metaspace, Punctuation,
    // Whitespace, WhitespaceSplit, or a Sequence of them.
    explicit PreTokenizer(const JsonFields& tokenizer);

    // Whether the pieces are to be merged byte by byte, as ByteLevel wants; else character by character.
    bool byteLevel() const { return byteLevel_; }

    // Hands out the pieces in order; views that last as long as the call.
    using Piece = std::function<void(const AlignedView&)>;
    void split(const AlignedView& text, const Piece& piece) const { splitFrom(0, text, piece); }

private:
    struct PrefixSpace {};  // ByteLevel's add_prefix_space
    using Step = std::variant<Splitter, Metaspace, PrefixSpace>;

    void read(const JsonFields& step, int depth);
    void splitFrom(std::size_t stage, const AlignedView& text, const Piece& piece) const;

    std::vector<Step> steps_;
    bool byteLevel_ = false;
};

}  // namespace fluxscope
