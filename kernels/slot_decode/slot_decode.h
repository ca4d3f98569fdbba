// One-query attention over slots: decoding, for full and streaming layers alike.
//
//   q      [sequences, heads, dim]     the newest position of each sequence, RoPE applied; contiguous
//   table  [sequences, kvHeads]        where each KV head keeps its keys and values
//   out    [sequences, heads, dim]     may alias q
//
// Position n lies in slot n while n < capacity, then in slot sink + (n - sink) mod (capacity - sink): the sink stays and the
// rest is a ring. The newest position is written before the call. RoPE was applied before caching, so the order of slots means
// nothing and attention over sink + ring is dense attention over min(length, capacity) slots: one kernel serves every decision.
#pragma once

#include "kernels/cost/cost.h"
#include "kernels/keys_values.h"

#include <algorithm>

namespace fluxscope {

struct KvSlot {
    void* k = nullptr;  // [capacity, dim]
    void* v = nullptr;  // [capacity, dim]
    std::int64_t capacity = 0;
    std::int64_t sink = 0;    // < capacity
    std::int64_t length = 0;  // positions written so far, the newest one included; >= 1
};

constexpr std::int64_t slotOf(std::int64_t position, std::int64_t capacity, std::int64_t sink) {
    return position < capacity ? position : sink + (position - sink) % (capacity - sink);
}
constexpr std::int64_t usedSlots(const KvSlot& slot) { return std::min(slot.length, slot.capacity); }

struct SlotDecodeShape {
    std::int64_t sequences = 0;
    std::int64_t heads = 0;
    std::int64_t kvHeads = 0;  // heads % kvHeads == 0
    std::int64_t dim = 0;
    cost::DType type = cost::DType::F32;
};

// The definition. Everything is fp32.
void slotDecodeReference(const SlotDecodeShape& shape, const float* q, const KvSlot* table, float* out);

// SSE4 to AVX-512, picked at run time; fp32, one thread.
void slotDecodeCpu(const SlotDecodeShape& shape, const float* q, const KvSlot* table, float* out);

// q, slots and out are of shape.type, the table lies on the device; dim <= 256. Enqueues and returns; throws
// std::runtime_error if the launch is refused.
void slotDecodeCuda(const SlotDecodeShape& shape, const void* q, const KvSlot* table, void* out,
                    CudaStream stream);

}  // namespace fluxscope
