// A warp per sequence and head walks the slots. One warp reads a long cache slowly; splitting it is for later, with a fixed
// number of splits per length so that the same run stays the same run.
#include "kernels/detail/attend_row.cuh"
#include "kernels/slot_decode/slot_decode.h"

namespace fluxscope {
namespace {

using namespace cuda;

template <class T, int PerLane>
__global__ void slotDecode(SlotDecodeShape s, const T* q, const KvSlot* table, T* out) {
    const std::int64_t warp = static_cast<std::int64_t>(blockIdx.x) * kWarpsPerBlock + threadIdx.x / kWarp;
    if (warp >= s.sequences * s.heads) return;
    const KvSlot slot = table[warp / s.heads * s.kvHeads + warp % s.heads / (s.heads / s.kvHeads)];

    WarpRow<T, PerLane> row(q + warp * s.dim, s.dim, static_cast<int>(threadIdx.x % kWarp));
    row.seeRun(static_cast<const T*>(slot.k), static_cast<const T*>(slot.v), 0,
               min(slot.length, slot.capacity), s.dim);
    row.write(out + warp * s.dim);
}

}  // namespace

void slotDecodeCuda(const SlotDecodeShape& s, const void* q, const KvSlot* table, void* out,
                    CudaStream stream) {
    if (s.sequences == 0) return;
    forTypeAndDim("slot decode", s.type, s.dim, [&](auto element, auto perLane) {
        using T = decltype(element);
        slotDecode<T, decltype(perLane)::value>
            <<<blocksFor(s.sequences * s.heads), kWarpsPerBlock * kWarp, 0, stream>>>(
                s, static_cast<const T*>(q), table, static_cast<T*>(out));
    });
}

}  // namespace fluxscope
