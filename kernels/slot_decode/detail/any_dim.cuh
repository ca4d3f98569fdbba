// The split kernel for fp32 and for head dimensions that fit no tile: a block for each query head, its warps share the split's
// slots. The heads of a group read the same keys, from the second head on out of the cache.
#pragma once

#include "kernels/detail/attend_row.cuh"
#include "kernels/slot_decode/detail/split.cuh"
#include "kernels/slot_decode/slot_decode.h"

namespace fluxscope::cuda {

// grid (splits, heads, sequences)
template <class T, int PerLane>
__global__ void __launch_bounds__(kWarpsPerBlock* kWarp)
    slotDecodeRows(SlotDecodeShape s, const T* q, const KvSlot* table, Partials out) {
    const std::int64_t sequence = blockIdx.z;
    const std::int64_t head = blockIdx.y;
    const KvSlot slot = table[sequence * s.kvHeads + head / (s.heads / s.kvHeads)];
    const SlotRun run = slotsOfSplit(slot, blockIdx.x);
    if (run.begin >= run.end) return;

    const int warp = static_cast<int>(threadIdx.x) / kWarp;
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    WarpRow<T, PerLane> row(q + (sequence * s.heads + head) * s.dim, s.dim, lane);
    const auto* k = static_cast<const T*>(slot.k);
    const auto* v = static_cast<const T*>(slot.v);
    for (std::int64_t j = run.begin + warp; j < run.end; j += kWarpsPerBlock)
        row.see(k + j * s.dim, v + j * s.dim);

    __shared__ float sharedLargest[kWarpsPerBlock];
    __shared__ float sharedSum[kWarpsPerBlock];
    __shared__ float sharedMixed[PerLane * kWarp];
    if (lane == 0) {
        sharedLargest[warp] = row.largest;
        sharedSum[warp] = row.sum;
    }
    __syncthreads();
    float largest = sharedLargest[0];  // warp 0 always has a slot: never -infinity
    for (int w = 1; w < kWarpsPerBlock; ++w) largest = fmaxf(largest, sharedLargest[w]);
    const float keep = expf(row.largest - largest);
    for (int w = 0; w < kWarpsPerBlock; ++w) {
        if (w == warp) {
#pragma unroll
            for (int i = 0; i < PerLane; ++i) {
                float& sum = sharedMixed[lane + i * kWarp];
                sum = (w == 0 ? 0.0F : sum) + row.mixed[i] * keep;
            }
        }
        __syncthreads();
    }
    const std::int64_t to = out.row(sequence, head, blockIdx.x);
    for (int d = static_cast<int>(threadIdx.x); d < s.dim; d += kWarpsPerBlock * kWarp)
        out.mixed[to * s.dim + d] = sharedMixed[d];
    if (threadIdx.x == 0) {
        float sum = 0;
        for (int w = 0; w < kWarpsPerBlock; ++w) sum += sharedSum[w] * expf(sharedLargest[w] - largest);
        out.state[to] = make_float2(largest, sum);
    }
}

}  // namespace fluxscope::cuda
