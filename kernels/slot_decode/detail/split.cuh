// How the slots of one KV head are shared out among blocks, and what a block leaves for the one that puts them together.
//
// The parts follow from the number of used slots alone: not from the batch around the sequence, not from the GPU. So a sequence
// has the same bits alone and in a batch, today and tomorrow, and a captured graph needs no other grid when lengths grow.
#pragma once

#include "kernels/kv_slot.h"

#include <cuda_runtime.h>

#include <cstdint>

namespace fluxscope::cuda {

constexpr std::int64_t kMostSplits = 64;
constexpr std::int64_t kLeastSlots = 128;    // below that a block is mostly start-up
constexpr std::int64_t kSlotsTogether = 64;  // a block's warps take their tiles in rounds of this many

__host__ __device__ constexpr std::int64_t slotsPerSplit(std::int64_t used) {
    const std::int64_t even = (used + kMostSplits - 1) / kMostSplits;
    const std::int64_t rounded = (even + kSlotsTogether - 1) / kSlotsTogether * kSlotsTogether;
    return rounded > kLeastSlots ? rounded : kLeastSlots;
}
__host__ __device__ constexpr std::int64_t splitsOf(std::int64_t used) {
    return (used + slotsPerSplit(used) - 1) / slotsPerSplit(used);
}
// No entry with at most this many used slots has more splits.
constexpr std::int64_t mostSplitsUpTo(std::int64_t mostSlots) {
    const std::int64_t splits = (mostSlots + kLeastSlots - 1) / kLeastSlots;
    return splits < kMostSplits ? splits : kMostSplits;
}

// The softmax of one query head over the slots of one split, before it is divided by its sum.
struct Partials {
    float* mixed;   // [sequences, heads, splits, dim]: sum of exp(score - largest) * v
    float2* state;  // [sequences, heads, splits]: largest score, sum of exp(score - largest)
    std::int64_t heads;
    std::int64_t splits;  // the grid's
    std::int64_t dim;

    __device__ std::int64_t row(std::int64_t sequence, std::int64_t head, std::int64_t split) const {
        return (sequence * heads + head) * splits + split;
    }
};

struct SlotRun {
    std::int64_t begin;
    std::int64_t end;  // begin >= end: this entry has no such split
};

__device__ inline SlotRun slotsOfSplit(const KvSlot& slot, std::int64_t split) {
    const std::int64_t used = usedSlots(slot);
    const std::int64_t each = slotsPerSplit(used);
    const std::int64_t begin = split * each;
    return {begin, begin + each < used ? begin + each : used};
}

}  // namespace fluxscope::cuda
