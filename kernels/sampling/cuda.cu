// Two kernels. Blocks look at parts of a row: the largest logit, the sum of exponentials beside it, the 32 best. Then one warp a
// row puts the parts together in their order. How a row is cut follows from the vocabulary alone, and nothing is added
// atomically.
//
// A token is a key that sorts: its logit's bits in an order that integers have too, then its id, lower ones first. A warp holds
// 32 of them, one a lane, best first.
#include "kernels/sampling/sampling.h"

#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

namespace fluxscope {
namespace {

using Key = unsigned long long;

constexpr int kWarp = 32;
constexpr int kWarps = 8;
constexpr int kThreads = kWarps * kWarp;
constexpr std::int64_t kPartTokens = 4096;  // of a vocabulary of 151,936: 38 blocks a row
constexpr unsigned kAllLanes = 0xffffffffU;
constexpr Key kNothing = 0;  // worse than any token that is a number

static_assert(kTopTokens == kWarp);

struct Part {
    double sum;  // of exp(logit - most)
    float most;
    Key best[kTopTokens];
};

constexpr std::int64_t partsOf(std::int64_t vocabulary) {
    return (vocabulary + kPartTokens - 1) / kPartTokens;
}

__device__ Key keyOf(float logit, std::int64_t id) {
    const auto bits =
        static_cast<unsigned>(__float_as_int(logit + 0.0F));  // -0 is 0: the two are equally probable
    const unsigned ordered = (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
    return (static_cast<Key>(ordered) << 32) | (0xffffffffU - static_cast<unsigned>(id));
}
__device__ float logitOf(Key key) {
    const auto ordered = static_cast<unsigned>(key >> 32);
    return __int_as_float(static_cast<int>((ordered & 0x80000000U) != 0 ? ordered & 0x7fffffffU : ~ordered));
}
__device__ std::int32_t idOf(Key key) {
    return static_cast<std::int32_t>(0xffffffffU - static_cast<unsigned>(key));
}

__device__ Key larger(Key a, Key b) { return a > b ? a : b; }
__device__ Key smaller(Key a, Key b) { return a > b ? b : a; }

// The best 32 of two lists. The larger of each pair, the second list backwards, is a bitonic sequence of just those.
__device__ Key merged(Key a, Key b, int lane) {
    Key key = larger(a, __shfl_sync(kAllLanes, b, kWarp - 1 - lane));
    for (int stride = kWarp / 2; stride > 0; stride /= 2) {
        const Key other = __shfl_xor_sync(kAllLanes, key, stride);
        key = (lane & stride) == 0 ? larger(key, other) : smaller(key, other);
    }
    return key;
}

// `best` with one more in its place; the last falls out.
__device__ Key inserted(Key best, Key key, int lane) {
    const Key above = __shfl_up_sync(kAllLanes, best, 1);
    if (best > key) return best;
    return lane == 0 || above > key ? key : above;
}

// NaN wins, so that it is seen.
__device__ float larger(float a, float b) { return a > b || isnan(a) ? a : b; }

__device__ float largestOfBlock(float most, float* shared) {
    for (int stride = kWarp / 2; stride > 0; stride /= 2)
        most = larger(most, __shfl_xor_sync(kAllLanes, most, stride));
    if (threadIdx.x % kWarp == 0) shared[threadIdx.x / kWarp] = most;
    __syncthreads();
    for (int w = 0; w < kWarps; ++w) most = larger(most, shared[w]);
    return most;
}

// grid (parts, rows)
__global__ void __launch_bounds__(kThreads)
    describePart(std::int64_t vocabulary, const float* logits, Part* parts) {
    __shared__ float largest[kWarps];
    __shared__ double sums[kWarps];
    __shared__ Key lists[kWarps][kWarp];
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    const int warp = static_cast<int>(threadIdx.x) / kWarp;
    const float* row = logits + blockIdx.y * vocabulary;
    const std::int64_t begin = blockIdx.x * kPartTokens;
    const std::int64_t end = begin + kPartTokens < vocabulary ? begin + kPartTokens : vocabulary;

    float most = -INFINITY;
    Key best = kNothing;
    for (std::int64_t first = begin + warp * kWarp; first < end; first += kThreads) {
        const std::int64_t i = first + lane;
        const float logit = i < end ? row[i] : -INFINITY;
        most = larger(most, logit);
        const Key key = i < end ? keyOf(logit, i) : kNothing;
        unsigned better = __ballot_sync(kAllLanes, key > __shfl_sync(kAllLanes, best, kWarp - 1));
        for (; better != 0; better &= better - 1)
            best = inserted(best, __shfl_sync(kAllLanes, key, __ffs(static_cast<int>(better)) - 1), lane);
    }
    most = largestOfBlock(most, largest);

    double sum = 0;
    if (most != -INFINITY)  // else a part that nothing can be said of
        for (std::int64_t i = begin + threadIdx.x; i < end; i += kThreads)
            sum += exp(static_cast<double>(row[i]) - static_cast<double>(most));
    for (int stride = kWarp / 2; stride > 0; stride /= 2) sum += __shfl_xor_sync(kAllLanes, sum, stride);
    lists[warp][lane] = best;
    if (lane == 0) sums[warp] = sum;
    __syncthreads();
    if (warp != 0) return;
    for (int w = 1; w < kWarps; ++w) best = merged(best, lists[w][lane], lane);
    Part& part = parts[blockIdx.y * gridDim.x + blockIdx.x];
    part.best[lane] = best;
    if (lane != 0) return;
    double total = 0;
    for (const double each : sums) total += each;
    part.sum = total;
    part.most = most;
}

// A warp a row.
__global__ void __launch_bounds__(kWarp)
    describeRow(std::int64_t vocabulary, std::int64_t count, const Part* parts, const float* logits,
                const std::int64_t* given, std::int64_t* chosen, RowChoice* out) {
    const int lane = static_cast<int>(threadIdx.x);
    const Part* row = parts + blockIdx.x * count;
    Key best = row[0].best[lane];
    float most = row[0].most;
    for (std::int64_t p = 1; p < count; ++p) {
        best = merged(best, row[p].best[lane], lane);
        most = larger(most, row[p].most);
    }
    double sum = 0;
    for (std::int64_t p = 0; p < count; ++p)
        if (row[p].sum != 0)
            sum += row[p].sum * exp(static_cast<double>(row[p].most) - static_cast<double>(most));

    RowChoice& choice = out[blockIdx.x];
    const std::int64_t wanted = given[blockIdx.x];
    const bool isFinite = isfinite(most) && isfinite(sum);
    const auto tops = static_cast<std::int32_t>(!isFinite                 ? 0
                                                : vocabulary < kTopTokens ? vocabulary
                                                                          : kTopTokens);
    const double logSum = log(sum);
    const double logprob = static_cast<double>(logitOf(best)) - static_cast<double>(most) - logSum;
    double mass = lane < tops ? exp(logprob) : 0;
    for (int stride = kWarp / 2; stride > 0; stride /= 2) mass += __shfl_xor_sync(kAllLanes, mass, stride);
    choice.topIds[lane] = lane < tops ? idOf(best) : 0;
    choice.topLogprobs[lane] = lane < tops ? static_cast<float>(logprob) : 0.0F;
    if (lane != 0) return;
    choice.tops = tops;
    choice.tailMass = vocabulary > kTopTokens && isFinite && mass < 1 ? 1 - mass : 0;
    choice.id = static_cast<std::int32_t>(wanted >= 0 ? wanted : isFinite ? idOf(best) : 0);
    const double logit = logits[blockIdx.x * vocabulary + choice.id];
    choice.logprob = isFinite ? static_cast<float>(logit - static_cast<double>(most) - logSum) : NAN;
    chosen[blockIdx.x] = choice.id;
}

}  // namespace

std::int64_t describeScratchBytes(const DescribeShape& s) {
    return s.rows * partsOf(s.vocabulary) * static_cast<std::int64_t>(sizeof(Part));
}

void describeCuda(const DescribeShape& s, const float* logits, const std::int64_t* given,
                  std::int64_t* chosen, RowChoice* out, void* scratch, CudaStream stream) {
    if (s.rows == 0) return;
    auto* parts = static_cast<Part*>(scratch);
    const std::int64_t count = partsOf(s.vocabulary);
    const dim3 grid(static_cast<unsigned>(count), static_cast<unsigned>(s.rows));
    describePart<<<grid, kThreads, 0, stream>>>(s.vocabulary, logits, parts);
    describeRow<<<static_cast<unsigned>(s.rows), kWarp, 0, stream>>>(s.vocabulary, count, parts, logits,
                                                                     given, chosen, out);
    if (const cudaError_t error = cudaGetLastError(); error != cudaSuccess)
        throw std::runtime_error(std::string("describe: ") + cudaGetErrorString(error));
}

}  // namespace fluxscope
