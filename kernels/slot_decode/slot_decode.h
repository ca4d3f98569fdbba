// One-query attention over slots: decoding, for full and streaming layers alike.
//
//   q      [sequences, heads, dim]     the newest position of each sequence, RoPE applied; contiguous
//   table  [sequences, kvHeads]        where each KV head keeps its keys and values
//   out    [sequences, heads, dim]     may alias q
//
// The newest position is written before the call (kernels/kv_write). Attention over sink + ring is dense attention over
// min(length, capacity) slots in any order (kernels/kv_slot.h): one kernel serves every decision.
#pragma once

#include "kernels/cost/cost.h"
#include "kernels/keys_values.h"
#include "kernels/kv_slot.h"
#include "kernels/parallel.h"

namespace fluxscope {

struct SlotDecodeShape {
    std::int64_t sequences = 0;
    std::int64_t heads = 0;
    std::int64_t kvHeads = 0;  // heads % kvHeads == 0
    std::int64_t dim = 0;
    cost::DType type = cost::DType::F32;
};

// The definition. Everything is fp32.
void slotDecodeReference(const SlotDecodeShape& shape, const float* q, const KvSlot* table, float* out);

// q, slots and out are of shape.type. Up to AVX-512, picked at run time; the same bits whatever `parallel` does.
void slotDecodeCpu(const SlotDecodeShape& shape, const void* q, const KvSlot* table, void* out,
                   const ParallelFor& parallel);

// q, slots and out are of shape.type and begin at multiples of 16 bytes; table and scratch lie on the device; dim <= 256. No
// entry may ever have more than mostSlots used slots: it sizes the grid, so that a captured graph stays right while lengths
// grow. Enqueues and returns; throws std::runtime_error if the launch is refused.
std::int64_t slotDecodeScratchBytes(const SlotDecodeShape& shape, std::int64_t mostSlots);
void slotDecodeCuda(const SlotDecodeShape& shape, std::int64_t mostSlots, const void* q, const KvSlot* table,
                    void* out, void* scratch, CudaStream stream);

}  // namespace fluxscope
