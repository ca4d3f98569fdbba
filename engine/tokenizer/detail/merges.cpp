#include "engine/tokenizer/detail/merges.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <tuple>
#include <utility>

namespace fluxscope {
namespace {

std::uint64_t pairOf(std::int32_t left, std::int32_t right) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32U |
           static_cast<std::uint32_t>(right);
}

constexpr std::int32_t kGone = -1;
constexpr std::uint32_t kNowhere = ~0U;

struct Link {
    std::uint32_t previous = kNowhere;
    std::uint32_t next = kNowhere;
};

struct Candidate {
    std::int32_t rank = 0;
    std::uint32_t position = 0;
    std::int32_t left = 0;  // the pair it was found for; the list may have moved on since
    std::int32_t right = 0;
    std::int32_t merged = 0;

    bool operator>(const Candidate& other) const {
        return std::tie(rank, position) > std::tie(other.rank, other.position);
    }
};

}  // namespace

void Merges::reserve(std::size_t count) { resize(std::bit_ceil(std::max<std::size_t>(count * 2, 16))); }

void Merges::resize(std::size_t places) {
    std::vector<Entry> old(places);
    old.swap(table_);
    for (const Entry& entry : old)
        if (entry.pair != kNone) table_[placeOf(entry.pair)] = entry;
}

// Where the pair is, or where it would go.
std::size_t Merges::placeOf(std::uint64_t pair) const {
    const std::size_t mask = table_.size() - 1;
    std::uint64_t hash = pair * 0x9E3779B97F4A7C15U;
    hash ^= hash >> 32U;
    std::size_t place = hash & mask;
    while (table_[place].pair != kNone && table_[place].pair != pair) place = (place + 1) & mask;
    return place;
}

bool Merges::add(std::int32_t left, std::int32_t right, std::int32_t rank, std::int32_t merged) {
    if ((used_ + 1) * 2 > table_.size()) resize(std::max<std::size_t>(table_.size() * 2, 16));
    Entry& entry = table_[placeOf(pairOf(left, right))];
    if (entry.pair != kNone) return false;
    entry = {pairOf(left, right), rank, merged};
    ++used_;
    return true;
}

const Merges::Entry* Merges::find(std::int32_t left, std::int32_t right) const {
    if (table_.empty()) return nullptr;
    const Entry& entry = table_[placeOf(pairOf(left, right))];
    return entry.pair == kNone ? nullptr : &entry;
}

void Merges::apply(std::vector<Symbol>& symbols) const {
    const auto count = static_cast<std::uint32_t>(symbols.size());
    std::vector<Link> links(count);
    std::vector<Candidate> heap;
    heap.reserve(count);
    const auto consider = [&](std::uint32_t position) {
        if (position == kNowhere || links[position].next == kNowhere) return false;
        const std::int32_t left = symbols[position].id;
        const std::int32_t right = symbols[links[position].next].id;
        const Entry* merge = find(left, right);
        if (merge) heap.push_back({merge->rank, position, left, right, merge->merged});
        return merge != nullptr;
    };
    const auto push = [&](std::uint32_t position) {
        if (consider(position)) std::push_heap(heap.begin(), heap.end(), std::greater<>());
    };

    for (std::uint32_t i = 0; i < count; ++i)
        links[i] = {i > 0 ? i - 1 : kNowhere, i + 1 < count ? i + 1 : kNowhere};
    for (std::uint32_t i = 0; i < count; ++i) consider(i);
    std::make_heap(heap.begin(), heap.end(), std::greater<>());

    while (!heap.empty()) {
        std::pop_heap(heap.begin(), heap.end(), std::greater<>());
        const Candidate best = heap.back();
        heap.pop_back();
        const std::uint32_t next = links[best.position].next;
        if (symbols[best.position].id != best.left || next == kNowhere || symbols[next].id != best.right)
            continue;
        symbols[best.position].id = best.merged;
        symbols[best.position].end = symbols[next].end;
        symbols[next].id = kGone;
        links[best.position].next = links[next].next;
        if (links[next].next != kNowhere) links[links[next].next].previous = best.position;
        push(links[best.position].previous);
        push(best.position);
    }
    std::erase_if(symbols, [](const Symbol& symbol) { return symbol.id == kGone; });
}

}  // namespace fluxscope
