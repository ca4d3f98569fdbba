// Each thread reads 16 bytes at a time, eight loads in flight, far apart from its neighbours' next ones: what memory needs to be busy.
#include "kernels/bandwidth/bandwidth.h"

#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

namespace fluxscope {
namespace {

constexpr int kThreads = 256;
constexpr int kLoads = 8;
constexpr int kWarp = 32;

__global__ void __launch_bounds__(kThreads)
    sumKernel(const ulonglong2* pairs, std::int64_t pairCount, const std::uint64_t* words, std::int64_t count,
              std::uint64_t* parts) {
    const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
    const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    unsigned long long sum = 0;
    std::int64_t i = first;
    for (; i + (kLoads - 1) * stride < pairCount; i += kLoads * stride) {
        ulonglong2 loaded[kLoads];
#pragma unroll
        for (int n = 0; n < kLoads; ++n) loaded[n] = pairs[i + n * stride];
#pragma unroll
        for (int n = 0; n < kLoads; ++n) sum += loaded[n].x + loaded[n].y;
    }
    for (; i < pairCount; i += stride) sum += pairs[i].x + pairs[i].y;
    if (first == 0 && count % 2 != 0) sum += words[count - 1];

    for (int offset = kWarp / 2; offset > 0; offset /= 2) sum += __shfl_down_sync(~0U, sum, offset);
    __shared__ unsigned long long warps[kThreads / kWarp];
    if (threadIdx.x % kWarp == 0) warps[threadIdx.x / kWarp] = sum;
    __syncthreads();
    if (threadIdx.x != 0) return;
    for (int warp = 1; warp < kThreads / kWarp; ++warp) sum += warps[warp];
    parts[blockIdx.x] = sum;
}

}  // namespace

void sumCuda(const std::uint64_t* words, std::int64_t count, std::uint64_t* parts, CudaStream stream) {
    sumKernel<<<static_cast<unsigned>(kStreamBlocks), kThreads, 0, stream>>>(
        reinterpret_cast<const ulonglong2*>(words), count / 2, words, count, parts);
    if (const cudaError_t error = cudaGetLastError(); error != cudaSuccess)
        throw std::runtime_error(std::string("sum: ") + cudaGetErrorString(error));
}

}  // namespace fluxscope
