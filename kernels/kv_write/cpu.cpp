#include "kernels/kv_write/kv_write.h"

#include <cstddef>
#include <cstring>

namespace fluxscope {
namespace {

void exchange(void* slots, std::int64_t slot, void* undo, std::int64_t place, const std::byte* row,
              std::int64_t bytes) {
    std::byte* to = static_cast<std::byte*>(slots) + slot * bytes;
    std::memcpy(static_cast<std::byte*>(undo) + place * bytes, to, static_cast<std::size_t>(bytes));
    std::memcpy(to, row, static_cast<std::size_t>(bytes));
}

}  // namespace

void beginStep(const KvTableShape& s, KvSlot* table, std::int64_t* positions) {
    for (std::int64_t n = 0; n < s.sequences; ++n) positions[n] = table[n * s.kvHeads].length;
    for (std::int64_t i = 0; i < s.layers * s.sequences * s.kvHeads; ++i) ++table[i].length;
}

void kvWriteCpu(const KvWriteShape& s, const void* k, const void* v, const KvSlot* table) {
    const std::int64_t element = cost::bytesOf(s.type);
    const std::int64_t bytes = s.dim * element;
    const auto* keys = static_cast<const std::byte*>(k);
    const auto* values = static_cast<const std::byte*>(v);
    for (std::int64_t n = 0; n < s.sequences; ++n) {
        for (std::int64_t h = 0; h < s.kvHeads; ++h) {
            const KvSlot& entry = table[n * s.kvHeads + h];
            const std::int64_t position = entry.length - 1;
            const std::int64_t slot = slotOf(position, entry.capacity, entry.sink);
            const std::int64_t place = position % kUndoSlots;
            exchange(entry.k, slot, entry.undoK, place, keys + n * s.kStride * element + h * bytes, bytes);
            exchange(entry.v, slot, entry.undoV, place, values + n * s.vStride * element + h * bytes, bytes);
        }
    }
}

}  // namespace fluxscope
