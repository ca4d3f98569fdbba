// The two small things a decode step does to the table of slots (kernels/kv_slot.h) before it attends.
//
// beginStep: every entry's length grows by one, and the position that this step stands at is told.
//
//   table      [layers, sequences, kvHeads]
//   positions  [sequences]            the length before: where the newest token stands
//
// kvWrite: the newest keys and values go into their slots; what a slot held before goes to its undo place.
//
//   k, v       [sequences, kvHeads, dim]   of position length - 1, RoPE applied; rows of a sequence are kStride, vStride
//                                          elements apart, the rest is contiguous
//   table      [sequences, kvHeads]        one layer's part
//
// Both find everything they need in the table, so a captured graph replays them without a word from the host.
// kvWrite moves each number once, plus once more what it saves.
#pragma once

#include "kernels/cost/cost.h"
#include "kernels/keys_values.h"
#include "kernels/kv_slot.h"

namespace fluxscope {

struct KvTableShape {
    std::int64_t layers = 0;
    std::int64_t sequences = 0;
    std::int64_t kvHeads = 0;
};

struct KvWriteShape {
    std::int64_t sequences = 0;
    std::int64_t kvHeads = 0;
    std::int64_t dim = 0;
    std::int64_t kStride = 0;
    std::int64_t vStride = 0;
    cost::DType type = cost::DType::F32;
};

void beginStep(const KvTableShape& shape, KvSlot* table, std::int64_t* positions);

// The definition. Everything is fp32.
void kvWriteReference(const KvWriteShape& shape, const float* k, const float* v, const KvSlot* table);

// k, v, slots and undo are of shape.type.
void kvWriteCpu(const KvWriteShape& shape, const void* k, const void* v, const KvSlot* table);

// The same on the device, where the table and positions lie too; slots begin at multiples of 16 bytes if a row is one. Enqueue
// and return; throw std::runtime_error if the launch is refused.
void beginStepCuda(const KvTableShape& shape, KvSlot* table, std::int64_t* positions, CudaStream stream);
void kvWriteCuda(const KvWriteShape& shape, const void* k, const void* v, const KvSlot* table,
                 CudaStream stream);

}  // namespace fluxscope
