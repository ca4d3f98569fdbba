// Text that a normalizer changed, with the place in the original that each of its bytes comes from.
//
// Unchanged text, by far the usual case, carries no map: its byte i is the original's byte origin + i. Changed text has one
// Source a byte, and the bytes of a character that was made from others all carry the whole place of those.
#pragma once

#include "engine/contract/byte_range.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fluxscope {

// 32 bits halve the map of a large text, and hold for texts below 4 GiB (Tokenizer::encode refuses larger ones).
struct Source {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
};

// A part of a text, original or changed. Like a string_view it owns nothing.
struct AlignedView {
    std::string_view text;
    const Source* sources = nullptr;  // nullptr: unchanged, and text begins at byte `origin`
    std::uint32_t origin = 0;

    Source sourceAt(std::size_t byte) const {
        if (sources) return sources[byte];
        const auto at = static_cast<std::uint32_t>(origin + byte);
        return {at, at + 1};
    }
    AlignedView part(std::size_t begin, std::size_t end) const {
        return {text.substr(begin, end - begin), sources ? sources + begin : nullptr,
                static_cast<std::uint32_t>(origin + begin)};
    }
    // The original's bytes that bytes begin .. end come from; begin < end.
    ByteRange original(std::size_t begin, std::size_t end) const {
        ByteRange range{sourceAt(begin).begin, sourceAt(end - 1).end};
        if (sources)  // a normal form may have reordered them
            for (std::size_t i = begin; i < end; ++i) {
                range.begin = std::min<std::int64_t>(range.begin, sources[i].begin);
                range.end = std::max<std::int64_t>(range.end, sources[i].end);
            }
        return range;
    }
};

class AlignedText {
public:
    void reserve(std::size_t bytes) {
        text_.reserve(bytes);
        sources_.reserve(bytes);
    }
    // Bytes begin .. end of `from`, as they are.
    void copy(const AlignedView& from, std::size_t begin, std::size_t end);
    void put(std::string_view bytes, Source source);
    void putChar(char32_t c, Source source);

    AlignedView view() const { return {text_, sources_.data(), 0}; }

private:
    std::string text_;
    std::vector<Source> sources_;
};

}  // namespace fluxscope
