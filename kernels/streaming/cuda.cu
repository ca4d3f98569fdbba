// A warp per query and head: first the sink in front of the window, then the window.
#include "kernels/detail/attend_row.cuh"
#include "kernels/streaming/streaming.h"

namespace fluxscope {
namespace {

using namespace cuda;

template <class T, int PerLane>
__global__ void streaming(cost::AttentionShape s, const T* q, KeysValues kv, T* out) {
    const std::int64_t warp = static_cast<std::int64_t>(blockIdx.x) * kWarpsPerBlock + threadIdx.x / kWarp;
    if (warp >= s.rows * s.heads) return;
    const std::int64_t position = s.keys - s.rows + warp / s.heads;
    const std::int64_t windowBegin = max(std::int64_t{0}, position - s.window + 1);
    const std::int64_t head = warp % s.heads / (s.heads / s.kvHeads) * kv.headStride;
    const T* k = static_cast<const T*>(kv.k) + head;
    const T* v = static_cast<const T*>(kv.v) + head;

    WarpRow<T, PerLane> row(q + warp * s.dim, s.dim, static_cast<int>(threadIdx.x % kWarp));
    row.seeRun(k, v, 0, min(s.sink, windowBegin), kv.rowStride);
    row.seeRun(k, v, windowBegin, position + 1, kv.rowStride);
    row.write(out + warp * s.dim);
}

}  // namespace

void streamingCuda(const cost::AttentionShape& s, const void* q, const KeysValues& kv, void* out,
                   CudaStream stream) {
    if (s.rows == 0) return;
    forTypeAndDim("streaming attention", s.type, s.dim, [&](auto element, auto perLane) {
        using T = decltype(element);
        streaming<T, decltype(perLane)::value>
            <<<blocksFor(s.rows * s.heads), kWarpsPerBlock * kWarp, 0, stream>>>(s, static_cast<const T*>(q),
                                                                                 kv, static_cast<T*>(out));
    });
}

}  // namespace fluxscope
