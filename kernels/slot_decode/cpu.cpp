#include "kernels/detail/attend_row.h"
#include "kernels/slot_decode/slot_decode.h"

#include <vector>

namespace fluxscope {

void slotDecodeCpu(const SlotDecodeShape& s, const float* q, const KvSlot* table, float* out) {
    std::vector<float> scores;
    for (std::int64_t n = 0; n < s.sequences; ++n) {
        for (std::int64_t h = 0; h < s.heads; ++h) {
            const KvSlot& slot = table[n * s.kvHeads + h / (s.heads / s.kvHeads)];
            const std::int64_t row = (n * s.heads + h) * s.dim;
            scores.resize(static_cast<std::size_t>(usedSlots(slot)));
            attendRow({.q = q + row,
                       .k = static_cast<const float*>(slot.k),
                       .v = static_cast<const float*>(slot.v),
                       .out = out + row,
                       .rowStride = s.dim,
                       .dim = s.dim,
                       .front = {},
                       .back = {0, usedSlots(slot)},
                       .scores = scores.data()});
        }
    }
}

}  // namespace fluxscope
