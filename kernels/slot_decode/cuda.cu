// Two kernels: blocks attend to parts of the slots (detail/split.cuh says which), then one block a query head puts the parts
// together in their order. Nothing is added atomically.
#include "kernels/slot_decode/detail/any_dim.cuh"
#include "kernels/slot_decode/detail/tensor_core.cuh"
#include "kernels/slot_decode/slot_decode.h"

#include <type_traits>

namespace fluxscope {
namespace {

using namespace cuda;

constexpr int kMergeThreads = 128;

// grid (heads, sequences)
template <class T>
__global__ void __launch_bounds__(kMergeThreads)
    mergeSplits(SlotDecodeShape s, Partials parts, const KvSlot* table, T* out) {
    const std::int64_t head = blockIdx.x;
    const std::int64_t sequence = blockIdx.y;
    const KvSlot slot = table[sequence * s.kvHeads + head / (s.heads / s.kvHeads)];
    const auto splits = static_cast<int>(splitsOf(usedSlots(slot)));
    const std::int64_t first = parts.row(sequence, head, 0);

    __shared__ float2 state[kMostSplits];
    if (static_cast<int>(threadIdx.x) < splits) state[threadIdx.x] = parts.state[first + threadIdx.x];
    __syncthreads();
    float largest = state[0].x;
    for (int i = 1; i < splits; ++i) largest = fmaxf(largest, state[i].x);
    float sum = 0;
    for (int i = 0; i < splits; ++i) sum += state[i].y * expf(state[i].x - largest);
    for (int d = static_cast<int>(threadIdx.x); d < s.dim; d += kMergeThreads) {
        const float* mixed = parts.mixed + first * s.dim + d;
        float total = 0;
#pragma unroll 8
        for (int i = 0; i < splits; ++i) total += mixed[i * s.dim] * expf(state[i].x - largest);
        out[(sequence * s.heads + head) * s.dim + d] = fromFloat<T>(total / sum);
    }
}

Partials partialsIn(void* scratch, const SlotDecodeShape& s, std::int64_t splits) {
    auto* state = static_cast<float2*>(scratch);
    return {.mixed = reinterpret_cast<float*>(state + s.sequences * s.heads * splits),
            .state = state,
            .heads = s.heads,
            .splits = splits,
            .dim = s.dim};
}

template <class T, int kDim>
void attendTiles(const SlotDecodeShape& s, const void* q, const KvSlot* table, const Partials& parts,
                 CudaStream stream) {
    const std::int64_t group = s.heads / s.kvHeads;
    const std::int64_t tiles = (group + kRowsOfTile - 1) / kRowsOfTile;
    const dim3 grid(static_cast<unsigned>(parts.splits), static_cast<unsigned>(s.kvHeads * tiles),
                    static_cast<unsigned>(s.sequences));
    const auto kernel = group <= 8 ? slotDecodeTiles<T, kDim, 1> : slotDecodeTiles<T, kDim, 2>;
    kernel<<<grid, kWarpsPerBlock * kWarp, 0, stream>>>(s, static_cast<const T*>(q), table, parts);
}

// True if the head dimension has tiles.
template <class T>
bool attendedTiles(const SlotDecodeShape& s, const void* q, const KvSlot* table, const Partials& parts,
                   CudaStream stream) {
    if constexpr (!std::is_same_v<T, float>) {
        switch (s.dim) {
            case 64: return attendTiles<T, 64>(s, q, table, parts, stream), true;
            case 128: return attendTiles<T, 128>(s, q, table, parts, stream), true;
            case 192: return attendTiles<T, 192>(s, q, table, parts, stream), true;
            case 256: return attendTiles<T, 256>(s, q, table, parts, stream), true;
            default: break;
        }
    }
    return false;
}

}  // namespace

std::int64_t slotDecodeScratchBytes(const SlotDecodeShape& s, std::int64_t mostSlots) {
    const auto each =
        static_cast<std::int64_t>(sizeof(float2)) + s.dim * static_cast<std::int64_t>(sizeof(float));
    return s.sequences * s.heads * mostSplitsUpTo(mostSlots) * each;
}

void slotDecodeCuda(const SlotDecodeShape& s, std::int64_t mostSlots, const void* q, const KvSlot* table,
                    void* out, void* scratch, CudaStream stream) {
    if (s.sequences == 0) return;
    const Partials parts = partialsIn(scratch, s, mostSplitsUpTo(mostSlots));
    forTypeAndDim("slot decode", s.type, s.dim, [&](auto element, auto perLane) {
        using T = decltype(element);
        if (!attendedTiles<T>(s, q, table, parts, stream)) {
            const dim3 grid(static_cast<unsigned>(parts.splits), static_cast<unsigned>(s.heads),
                            static_cast<unsigned>(s.sequences));
            slotDecodeRows<T, decltype(perLane)::value>
                <<<grid, kWarpsPerBlock * kWarp, 0, stream>>>(s, static_cast<const T*>(q), table, parts);
        }
        mergeSplits<T><<<dim3(static_cast<unsigned>(s.heads), static_cast<unsigned>(s.sequences)),
                         kMergeThreads, 0, stream>>>(s, parts, table, static_cast<T*>(out));
    });
}

}  // namespace fluxscope
