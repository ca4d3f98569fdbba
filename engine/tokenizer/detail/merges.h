// Byte-pair merges: of all neighbours that may merge, the pair with the lowest rank does, the leftmost one first, until none
// is left. A heap and a linked list make it n log n, so that a megabyte of spaces is no attack.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fluxscope {

// A token in the making: an id for bytes begin .. end of the piece.
struct Symbol {
    std::int32_t id = 0;
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
};

class Merges {
public:
    void reserve(std::size_t count);
    // False when the pair is there already.
    bool add(std::int32_t left, std::int32_t right, std::int32_t rank, std::int32_t merged);

    // Merges what merges; `symbols` becomes the tokens.
    void apply(std::vector<Symbol>& symbols) const;

private:
    struct Entry {
        std::uint64_t pair = kNone;
        std::int32_t rank = 0;
        std::int32_t merged = 0;
    };
    static constexpr std::uint64_t kNone = ~std::uint64_t{0};

    const Entry* find(std::int32_t left, std::int32_t right) const;
    std::size_t placeOf(std::uint64_t pair) const;
    void resize(std::size_t places);

    // Open addressing, a power of two of places: a look-up is one cache line, and there is one for each pair of neighbours.
    std::vector<Entry> table_;
    std::size_t used_ = 0;
};

}  // namespace fluxscope
