// A warp per query and head. Obviously right; the fast paths stand beside it once they are measured.
#include "kernels/dense/dense.h"
#include "kernels/detail/attend_row.cuh"

namespace fluxscope {
namespace {

using namespace cuda;

template <class T, int PerLane>
__global__ void dense(cost::AttentionShape s, const T* q, KeysValues kv, T* out) {
    const std::int64_t warp = static_cast<std::int64_t>(blockIdx.x) * kWarpsPerBlock + threadIdx.x / kWarp;
    if (warp >= s.rows * s.heads) return;
    const std::int64_t r = warp / s.heads;
    const std::int64_t head = warp % s.heads / (s.heads / s.kvHeads) * kv.headStride;

    WarpRow<T, PerLane> row(q + warp * s.dim, s.dim, static_cast<int>(threadIdx.x % kWarp));
    row.seeRun(static_cast<const T*>(kv.k) + head, static_cast<const T*>(kv.v) + head, 0,
               s.keys - s.rows + r + 1, kv.rowStride);
    row.write(out + warp * s.dim);
}

}  // namespace

void denseCuda(const cost::AttentionShape& s, const void* q, const KeysValues& kv, void* out,
               CudaStream stream) {
    if (s.rows == 0) return;
    forTypeAndDim("dense attention", s.type, s.dim, [&](auto element, auto perLane) {
        using T = decltype(element);
        dense<T, decltype(perLane)::value>
            <<<blocksFor(s.rows * s.heads), kWarpsPerBlock * kWarp, 0, stream>>>(s, static_cast<const T*>(q),
                                                                                 kv, static_cast<T*>(out));
    });
}

}  // namespace fluxscope
