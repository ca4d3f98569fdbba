#include "kernels/kv_write/kv_write.h"

namespace fluxscope {

void kvWriteReference(const KvWriteShape& s, const float* k, const float* v, const KvSlot* table) {
    for (std::int64_t n = 0; n < s.sequences; ++n) {
        for (std::int64_t h = 0; h < s.kvHeads; ++h) {
            const KvSlot& entry = table[n * s.kvHeads + h];
            const std::int64_t position = entry.length - 1;
            const std::int64_t slot = slotOf(position, entry.capacity, entry.sink) * s.dim;
            const std::int64_t undo = position % kUndoSlots * s.dim;
            auto* slotsK = static_cast<float*>(entry.k);
            auto* slotsV = static_cast<float*>(entry.v);
            for (std::int64_t d = 0; d < s.dim; ++d) {
                static_cast<float*>(entry.undoK)[undo + d] = slotsK[slot + d];
                static_cast<float*>(entry.undoV)[undo + d] = slotsV[slot + d];
                slotsK[slot + d] = k[n * s.kStride + h * s.dim + d];
                slotsV[slot + d] = v[n * s.vStride + h * s.dim + d];
            }
        }
    }
}

}  // namespace fluxscope
