#include "engine/tokenizer/merges.h"

#include <queue>
#include <tuple>
#include <vector>

namespace fluxscope {
namespace {

std::uint64_t keyOf(std::int32_t left, std::int32_t right) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32U |
           static_cast<std::uint32_t>(right);
}

struct Symbol {
    std::int32_t id = 0;  // -1: merged into its left neighbour
    std::int64_t previous = -1;
    std::int64_t next = -1;
};

struct Candidate {
    std::int32_t rank = 0;
    std::int64_t position = 0;
    std::int32_t left = 0;  // the pair it was found for; the list may have moved on since
    std::int32_t right = 0;
    std::int32_t merged = 0;

    bool operator>(const Candidate& other) const {
        return std::tie(rank, position) > std::tie(other.rank, other.position);
    }
};

}  // namespace

bool Merges::add(std::int32_t left, std::int32_t right, std::int32_t rank, std::int32_t merged) {
    return merges_.emplace(keyOf(left, right), Merge{rank, merged}).second;
}

const Merges::Merge* Merges::find(std::int32_t left, std::int32_t right) const {
    const auto found = merges_.find(keyOf(left, right));
    return found == merges_.end() ? nullptr : &found->second;
}

void Merges::encode(std::string_view bytes, std::int64_t begin, Encoding& encoding) const {
    const auto count = static_cast<std::int64_t>(bytes.size());
    std::vector<Symbol> symbols(bytes.size());
    for (std::int64_t i = 0; i < count; ++i)
        symbols[i] = {idOfByte_[static_cast<std::uint8_t>(bytes[i])], i - 1, i + 1 < count ? i + 1 : -1};

    std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> candidates;
    const auto consider = [&](std::int64_t position) {
        if (position < 0 || symbols[position].next < 0) return;
        const std::int32_t left = symbols[position].id;
        const std::int32_t right = symbols[symbols[position].next].id;
        if (const Merge* merge = find(left, right))
            candidates.push({merge->rank, position, left, right, merge->merged});
    };
    for (std::int64_t i = 0; i < count; ++i) consider(i);

    while (!candidates.empty()) {
        const Candidate best = candidates.top();
        candidates.pop();
        Symbol& symbol = symbols[best.position];
        if (symbol.id != best.left || symbol.next < 0 || symbols[symbol.next].id != best.right) continue;
        Symbol& gone = symbols[symbol.next];
        symbol.id = best.merged;
        symbol.next = gone.next;
        if (gone.next >= 0) symbols[gone.next].previous = best.position;
        gone = {.id = -1, .previous = -1, .next = -1};
        consider(symbol.previous);
        consider(best.position);
    }
    for (std::int64_t i = 0; i >= 0 && i < count; i = symbols[i].next) {
        encoding.ids.emplace_back(symbols[i].id);
        encoding.offsets.push_back(begin + i);
    }
}

}  // namespace fluxscope
