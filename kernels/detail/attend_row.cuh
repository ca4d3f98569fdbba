// One warp, one query of one head, two runs of keys: the online softmax that all three CUDA kernels share. The order of keys
// is fixed and nothing is added atomically, so the same call gives the same bits.
//
// Moves each visible key and value once per query head: a warp's lanes read dim consecutive elements.
#pragma once

#include "kernels/cost/cost.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace fluxscope::cuda {

constexpr int kWarp = 32;
constexpr int kWarpsPerBlock = 4;
constexpr int kMostPerLane = 8;  // dim <= 256

__device__ inline float toFloat(float x) { return x; }
__device__ inline float toFloat(__half x) { return __half2float(x); }
__device__ inline float toFloat(__nv_bfloat16 x) { return __bfloat162float(x); }
template <class T>
__device__ inline T fromFloat(float x);
template <>
__device__ inline float fromFloat<float>(float x) {
    return x;
}
template <>
__device__ inline __half fromFloat<__half>(float x) {
    return __float2half_rn(x);
}
template <>
__device__ inline __nv_bfloat16 fromFloat<__nv_bfloat16>(float x) {
    return __float2bfloat16_rn(x);
}

// The state of a softmax over the keys seen so far: each lane holds its elements of the weighted sum.
template <class T, int PerLane>
struct WarpRow {
    float q[PerLane];
    float mixed[PerLane];
    float largest = -INFINITY;
    float sum = 0;
    int dim;
    int lane;

    __device__ WarpRow(const T* query, std::int64_t dimension, int laneOfWarp)
        : dim(static_cast<int>(dimension)), lane(laneOfWarp) {
        const float scale = rsqrtf(static_cast<float>(dim));
#pragma unroll
        for (int i = 0; i < PerLane; ++i) {
            const int d = lane + i * kWarp;
            q[i] = d < dim ? toFloat(query[d]) * scale : 0.0F;
            mixed[i] = 0;
        }
    }

    __device__ void see(const T* k, const T* v) {
        float dot = 0;
#pragma unroll
        for (int i = 0; i < PerLane; ++i) {
            const int d = lane + i * kWarp;
            if (d < dim) dot = fmaf(q[i], toFloat(k[d]), dot);
        }
#pragma unroll
        for (int offset = kWarp / 2; offset > 0; offset /= 2)
            dot += __shfl_xor_sync(0xFFFFFFFFU, dot, offset);

        const float grown = fmaxf(largest, dot);
        const float keep = expf(largest - grown);  // 0 for the first key
        const float weight = expf(dot - grown);
        largest = grown;
        sum = fmaf(sum, keep, weight);
#pragma unroll
        for (int i = 0; i < PerLane; ++i) {
            const int d = lane + i * kWarp;
            if (d < dim) mixed[i] = fmaf(mixed[i], keep, weight * toFloat(v[d]));
        }
    }

    __device__ void seeRun(const T* k, const T* v, std::int64_t begin, std::int64_t end,
                           std::int64_t rowStride) {
        for (std::int64_t j = begin; j < end; ++j) see(k + j * rowStride, v + j * rowStride);
    }

    __device__ void write(T* out) const {
#pragma unroll
        for (int i = 0; i < PerLane; ++i) {
            const int d = lane + i * kWarp;
            if (d < dim) out[d] = fromFloat<T>(mixed[i] / sum);
        }
    }
};

// Calls launch(T{}, std::integral_constant<int, PerLane>{}) for the element type and head dimension asked for.
template <class Launch>
void forTypeAndDim(const char* kernel, cost::DType type, std::int64_t dim, Launch launch) {
    const auto withType = [&](auto element) {
        if (dim <= kWarp) return launch(element, std::integral_constant<int, 1>{});
        if (dim <= 2 * kWarp) return launch(element, std::integral_constant<int, 2>{});
        if (dim <= 4 * kWarp) return launch(element, std::integral_constant<int, 4>{});
        if (dim <= kMostPerLane * kWarp) return launch(element, std::integral_constant<int, kMostPerLane>{});
        throw std::runtime_error(std::string(kernel) + ": head dimension " + std::to_string(dim) +
                                 " is above 256");
    };
    switch (type) {
        case cost::DType::F32: withType(float{}); break;
        case cost::DType::F16: withType(__half{}); break;
        case cost::DType::BF16: withType(__nv_bfloat16{}); break;
    }
    if (const cudaError_t error = cudaGetLastError(); error != cudaSuccess)
        throw std::runtime_error(std::string(kernel) + ": " + cudaGetErrorString(error));
}

inline unsigned blocksFor(std::int64_t warps) {
    return static_cast<unsigned>((warps + kWarpsPerBlock - 1) / kWarpsPerBlock);
}

}  // namespace fluxscope::cuda
