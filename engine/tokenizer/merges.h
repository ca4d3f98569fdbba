// Byte-pair merges: of all neighbours that may merge, the pair with the lowest rank does, the leftmost one first, until none
// is left. A heap and a linked list make it n log n, so that a megabyte of spaces is no attack.
#pragma once

#include "engine/tokenizer/tokenizer.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>

namespace fluxscope {

class Merges {
public:
    explicit Merges(const std::array<std::int32_t, 256>& idOfByte) : idOfByte_(idOfByte) {}

    // False when the pair is there already.
    bool add(std::int32_t left, std::int32_t right, std::int32_t rank, std::int32_t merged);

    // Appends the tokens of one pre-token that starts at byte `begin` of the text.
    void encode(std::string_view bytes, std::int64_t begin, Encoding& encoding) const;

private:
    struct Merge {
        std::int32_t rank = 0;
        std::int32_t merged = 0;
    };
    const Merge* find(std::int32_t left, std::int32_t right) const;

    std::array<std::int32_t, 256> idOfByte_;
    std::unordered_map<std::uint64_t, Merge> merges_;
};

}  // namespace fluxscope
