// Where one KV head of one sequence keeps its keys and values while decoding, and how positions map to slots.
//
// Position n lies in slot n while n < capacity, then in slot sink + (n - sink) mod (capacity - sink): the sink stays and the
// rest is a ring. RoPE is applied before caching, so the order of slots means nothing: what a query sees is every used slot.
// Full and streaming attention, heads that differ, and layers that change their mind are data in a table of these.
#pragma once

#include <algorithm>
#include <cstdint>

namespace fluxscope {

struct KvSlot {
    void* k = nullptr;  // [capacity, dim]
    void* v = nullptr;  // [capacity, dim]
    std::int64_t capacity = 0;
    std::int64_t sink = 0;    // < capacity
    std::int64_t length = 0;  // positions written so far, the newest one included; >= 1
    // What the last two positions overwrote, position p at p mod 2: never attended, so that a surplus step can be taken back.
    void* undoK = nullptr;  // [2, dim]
    void* undoV = nullptr;
};

inline constexpr std::int64_t kUndoSlots = 2;

constexpr std::int64_t slotOf(std::int64_t position, std::int64_t capacity, std::int64_t sink) {
    return position < capacity ? position : sink + (position - sink) % (capacity - sink);
}
constexpr std::int64_t usedSlots(const KvSlot& slot) { return std::min(slot.length, slot.capacity); }

}  // namespace fluxscope
