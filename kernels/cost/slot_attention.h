// One-query attention over slots (kernels/slot_decode): decoding. Sequences and KV heads may hold different numbers of slots.
#pragma once

#include "kernels/cost/cost.h"

namespace fluxscope::cost {

struct SlotAttentionShape {
    std::int64_t sequences = 0;  // one query each
    std::int64_t attended = 0;   // slots, summed over sequences and KV heads
    std::int64_t heads = 0;
    std::int64_t kvHeads = 0;  // heads % kvHeads == 0
    std::int64_t dim = 0;
    DType type = DType::F32;
};

constexpr Cost costOf(const SlotAttentionShape& s) {
    const std::int64_t queryElements = s.sequences * s.heads * s.dim;
    return {.bytesRead = (queryElements + 2 * s.attended * s.dim) * bytesOf(s.type),
            .bytesWritten = queryElements * bytesOf(s.type),
            .flops = 4 * s.attended * (s.heads / s.kvHeads) * s.dim};
}

}  // namespace fluxscope::cost
