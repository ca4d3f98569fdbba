// Two kernels. The first computes the scores of a 64 x 64 part of the grid, as `stride` products of rows that lie `stride`
// apart, and leaves of each row and key block one number: the logarithm of the sum of its powers. So the softmax needs no second
// pass over the keys, and what is stored is a block's width smaller than the grid. The second turns a query block's rows
// into weights, chooses, and writes the list of tiles. Nothing is added atomically: the same call gives the same choice.
#include "kernels/detail/attend_row.cuh"
#include "kernels/detail/mma.cuh"
#include "kernels/xattention/xattention.h"

#include <type_traits>

namespace fluxscope {
namespace {

using namespace cuda;

constexpr int kPart = 64;  // rows and columns of the grid
constexpr int kPartThreads = kPart / 16 * kWarp;
constexpr int kSelectThreads = 256;
constexpr float kLog2e = 1.44269504F;

// Rows of the grid that the queries have, and the first of them.
__host__ __device__ std::int64_t gridRows(const BlockEstimateShape& s) {
    return (s.end + s.stride - 1) / s.stride - s.begin / s.stride;
}

struct Estimate {
    BlockEstimateShape s;
    const void* q;
    KeysValues kv;
    float* sums;  // [heads, grid rows, key blocks]: base 2 logarithms
    bool wide;
};

// Of a part of the grid in shared memory: each row's sum of powers over each key block, as a logarithm.
template <int kThreads>
__device__ void storeSums(const Estimate& e, const float (*scores)[kPart + 1], std::int64_t firstRow,
                          std::int64_t firstColumn, int head) {
    const BlockEstimateShape& s = e.s;
    const int width = static_cast<int>(kSelectBlock / s.stride);
    const int blocks = kPart / width;
    const std::int64_t rows = gridRows(s);
    const std::int64_t keyBlocks = keyBlocksOf(s);
    const float toPower = kLog2e * rsqrtf(static_cast<float>(s.dim)) / static_cast<float>(s.stride);
    for (int i = static_cast<int>(threadIdx.x); i < kPart * blocks; i += kThreads) {
        const int r = i / blocks;
        const int first = i % blocks * width;
        const std::int64_t row = firstRow + r;
        const std::int64_t block = firstColumn / width + i % blocks;
        const std::int64_t seen = s.begin / s.stride + row - (firstColumn + first) + 1;
        if (row >= rows || block >= keyBlocks || seen <= 0) continue;
        const int end = first + static_cast<int>(min(seen, static_cast<std::int64_t>(width)));
        float largest = -INFINITY;
        for (int c = first; c < end; ++c) largest = fmaxf(largest, scores[r][c]);
        float sum = 0;
        for (int c = first; c < end; ++c) sum += exp2f((scores[r][c] - largest) * toPower);
        e.sums[(head * rows + row) * keyBlocks + block] = largest * toPower + log2f(sum);
    }
}

// Whether a part has a point that a row sees.
__device__ bool isSeen(const BlockEstimateShape& s, std::int64_t firstRow, std::int64_t firstColumn) {
    const std::int64_t lastRow = min(firstRow + kPart, gridRows(s)) - 1;
    return firstColumn <= s.begin / s.stride + lastRow;
}

template <class T, int D>
__global__ void __launch_bounds__(kPartThreads) estimate16(Estimate e) {
    extern __shared__ __align__(16) unsigned char memory[];
    __shared__ float scores[kPart][kPart + 1];
    using Shared = SharedTile<T, D>;
    constexpr int kTile = kPart * Shared::kRow;
    const BlockEstimateShape& s = e.s;
    const std::int64_t firstRow = static_cast<std::int64_t>(blockIdx.y) * kPart;
    const std::int64_t firstColumn = static_cast<std::int64_t>(blockIdx.x) * kPart;
    const int head = static_cast<int>(blockIdx.z);
    if (!isSeen(s, firstRow, firstColumn)) return;

    const int dim = static_cast<int>(s.dim);
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    const int warpRow = static_cast<int>(threadIdx.x) / kWarp * 16;
    const T* q = static_cast<const T*>(e.q) + head * s.dim;
    const T* k = static_cast<const T*>(e.kv.k) + head / (s.heads / s.kvHeads) * e.kv.headStride;
    const std::int64_t queryRow = s.heads * s.dim;

    // Rows of the i-th product: queries row * stride + stride - 1 - i of the chunk, keys column * stride + i.
    const auto rowsBefore = [&](std::int64_t first,
                                std::int64_t positions) {  // that begin before `positions`
        const std::int64_t rows = (positions - first + s.stride - 1) / s.stride;
        return static_cast<int>(min(max(rows, std::int64_t{0}), static_cast<std::int64_t>(kPart)));
    };
    const auto fetch = [&](int i) {
        const Shared queries{reinterpret_cast<T*>(memory) + i % 2 * 2 * kTile};
        const Shared keys{queries.at + kTile};
        const std::int64_t query = firstRow * s.stride + s.stride - 1 - i;
        const std::int64_t key = firstColumn * s.stride + i;
        queries.template fetch<kPart, kPartThreads>(q + query * queryRow, s.stride * queryRow, 0,
                                                    rowsBefore(query, s.end - s.begin), dim, e.wide);
        keys.template fetch<kPart, kPartThreads>(k + key * e.kv.rowStride, s.stride * e.kv.rowStride, 0,
                                                 rowsBefore(key, s.end), dim, e.wide);
    };

    float sums[kPart / 8][4] = {};
    const int products = static_cast<int>(s.stride);
    fetch(0);
    for (int i = 0; i < products; ++i) {
        if (i + 1 < products) {
            fetch(i + 1);
            waitForCopies<2>();  // all but the two just begun
        } else {
            waitForCopies<0>();
        }
        __syncthreads();
        const Shared queries{reinterpret_cast<T*>(memory) + i % 2 * 2 * kTile};
        const Shared keys{queries.at + kTile};
#pragma unroll
        for (int c = 0; c < D; c += 16) {
            unsigned left[4];
            queries.left(left, warpRow, c, lane);
#pragma unroll
            for (int n = 0; n < kPart / 8; n += 2) {
                unsigned right[4];
                keys.rightOfRows(right, n * 8, c, lane);
                multiply<T>(sums[n], left, right[0], right[1]);
                multiply<T>(sums[n + 1], left, right[2], right[3]);
            }
        }
        __syncthreads();  // before these buffers are filled again
    }
#pragma unroll
    for (int n = 0; n < kPart / 8; ++n)
#pragma unroll
        for (int j = 0; j < 4; ++j)
            scores[warpRow + lane / 4 + j / 2 * 8][n * 8 + lane % 4 * 2 + j % 2] = sums[n][j];
    __syncthreads();
    storeSums<kPartThreads>(e, scores, firstRow, firstColumn, head);
}

// In fp32: a thread computes 4 x 4 points, 16 apart.
constexpr int kPartThreads32 = 256;

__global__ void __launch_bounds__(kPartThreads32) estimate32(Estimate e) {
    constexpr int kStep = 16;  // elements of dim at once
    __shared__ float queries[kPart][kStep + 1];
    __shared__ float keys[kPart][kStep + 1];
    __shared__ float scores[kPart][kPart + 1];
    const BlockEstimateShape& s = e.s;
    const std::int64_t firstRow = static_cast<std::int64_t>(blockIdx.y) * kPart;
    const std::int64_t firstColumn = static_cast<std::int64_t>(blockIdx.x) * kPart;
    const int head = static_cast<int>(blockIdx.z);
    if (!isSeen(s, firstRow, firstColumn)) return;
    const float* q = static_cast<const float*>(e.q) + head * s.dim;
    const float* k = static_cast<const float*>(e.kv.k) + head / (s.heads / s.kvHeads) * e.kv.headStride;
    const int x = static_cast<int>(threadIdx.x) % 16;
    const int y = static_cast<int>(threadIdx.x) / 16;

    float sums[4][4] = {};
    for (std::int64_t i = 0; i < s.stride; ++i) {
        for (std::int64_t from = 0; from < s.dim; from += kStep) {
            for (int j = static_cast<int>(threadIdx.x); j < kPart * kStep; j += kPartThreads32) {
                const int r = j / kStep;
                const std::int64_t d = from + j % kStep;
                const std::int64_t query = (firstRow + r) * s.stride + s.stride - 1 - i;
                const std::int64_t key = (firstColumn + r) * s.stride + i;
                queries[r][j % kStep] =
                    d < s.dim && query < s.end - s.begin ? q[query * s.heads * s.dim + d] : 0.0F;
                keys[r][j % kStep] = d < s.dim && key < s.end ? k[key * e.kv.rowStride + d] : 0.0F;
            }
            __syncthreads();
            for (int d = 0; d < kStep; ++d)
#pragma unroll
                for (int a = 0; a < 4; ++a)
#pragma unroll
                    for (int b = 0; b < 4; ++b)
                        sums[a][b] = fmaf(queries[y + 16 * a][d], keys[x + 16 * b][d], sums[a][b]);
            __syncthreads();
        }
    }
#pragma unroll
    for (int a = 0; a < 4; ++a)
#pragma unroll
        for (int b = 0; b < 4; ++b) scores[y + 16 * a][x + 16 * b] = sums[a][b];
    __syncthreads();
    storeSums<kPartThreads32>(e, scores, firstRow, firstColumn, head);
}

// Over all threads of a block, in an order that does not change; every thread receives the result.
template <class V, class Combine>
__device__ V overBlock(V value, Combine combine) {
    __shared__ V ofWarp[kSelectThreads / kWarp];
#pragma unroll
    for (int offset = kWarp / 2; offset > 0; offset /= 2)
        value = combine(value, __shfl_xor_sync(0xFFFFFFFFU, value, offset));
    __syncthreads();  // the last call's results have been read
    if (threadIdx.x % kWarp == 0) ofWarp[threadIdx.x / kWarp] = value;
    __syncthreads();
    V all = ofWarp[0];
#pragma unroll
    for (int w = 1; w < kSelectThreads / kWarp; ++w) all = combine(all, ofWarp[w]);
    return all;
}
template <class V>
__device__ V sumOverBlock(V value) {
    return overBlock(value, [](V a, V b) { return a + b; });
}

struct Select {
    BlockEstimateShape s;
    double threshold;
    const float* sums;
    float* weights;  // [heads, query blocks, key blocks]
    std::uint8_t* keep;
    TileRun* runs;
    KeyTile* tiles;
};

// What one query block chooses from: the weights of key blocks 0 .. own.
class Choice {
public:
    __device__ Choice(float* weights, int own, double threshold)
        : weights_(weights), own_(own), threshold_(threshold) {}

    // Keeps the lightest block that is still wanted and everything heavier. A block is wanted while the first, the own and all
    // heavier ones together weigh less than the threshold, so wanted weights are all those from some weight up: it is found by
    // halving, over the bit patterns, which are ordered like the positive numbers they stand for.
    __device__ void keep(std::uint8_t* flags) {
        double all = 0;
        for (int b = static_cast<int>(threadIdx.x); b <= own_; b += kSelectThreads)
            all += static_cast<double>(weights_[b]);
        const double wanted = threshold_ * sumOverBlock(all);
        const double ends =
            static_cast<double>(weights_[0]) + (own_ > 0 ? static_cast<double>(weights_[own_]) : 0.0);

        unsigned lightest = 0x7F800000U;  // nothing is heavier than infinity
        if (ends < wanted) {
            unsigned least = 1;
            while (least < lightest) {
                const unsigned middle = least + (lightest - least) / 2;
                if (ends + weightAbove(__uint_as_float(middle)) < wanted)
                    lightest = middle;
                else
                    least = middle + 1;
            }
        }
        float tie = INFINITY;
        for (int b = other(); b < own_; b += kSelectThreads)
            if (weights_[b] >= __uint_as_float(lightest)) tie = fminf(tie, weights_[b]);
        tie = overBlock(tie, [](float a, float b) { return fminf(a, b); });
        const double above = ends + weightAbove(tie);
        int ties = 0;
        for (int b = other(); b < own_; b += kSelectThreads) {
            flags[b] = weights_[b] > tie ? 1 : 0;
            ties += weights_[b] == tie ? 1 : 0;
        }
        ties = sumOverBlock(ties);  // and all flags are written
        if (threadIdx.x == 0) {
            flags[0] = 1;
            flags[own_] = 1;
        }
        if (ties == 1) {
            for (int b = other(); b < own_; b += kSelectThreads)
                if (weights_[b] == tie) flags[b] = 1;
        } else if (threadIdx.x == 0) {  // equal ones are rare: the earlier first, as many as are wanted
            double kept = above;
            for (int b = 1; b < own_ && kept < wanted && tie < INFINITY; ++b) {
                if (weights_[b] != tie) continue;
                flags[b] = 1;
                kept += static_cast<double>(tie);
            }
        }
        __syncthreads();
    }

private:
    __device__ static int other() { return 1 + static_cast<int>(threadIdx.x); }

    __device__ double weightAbove(float weight) const {
        double sum = 0;
        for (int b = other(); b < own_; b += kSelectThreads)
            if (weights_[b] > weight) sum += static_cast<double>(weights_[b]);
        return sumOverBlock(sum);
    }

    float* weights_;
    int own_;
    double threshold_;
};

__global__ void __launch_bounds__(kSelectThreads) choose(Select c) {
    const BlockEstimateShape& s = c.s;
    const int queryBlock = static_cast<int>(blockIdx.x);
    const std::int64_t head = blockIdx.y;
    const int keyBlocks = static_cast<int>(keyBlocksOf(s));
    const int own = static_cast<int>(s.begin / kSelectBlock) + queryBlock;
    const std::int64_t place = (head * queryBlocksOf(s) + queryBlock) * keyBlocks;
    float* weights = c.weights + place;
    std::uint8_t* flags = c.keep + place;

    for (int b = static_cast<int>(threadIdx.x); b < keyBlocks; b += kSelectThreads) {
        weights[b] = 0;
        flags[b] = 0;
    }
    const std::int64_t rows = gridRows(s);
    const std::int64_t rowsOfBlock = kSelectBlock / s.stride;
    for (std::int64_t r = queryBlock * rowsOfBlock; r < min((queryBlock + 1) * rowsOfBlock, rows); ++r) {
        const float* sums = c.sums + (head * rows + r) * keyBlocks;
        float largest = -INFINITY;
        for (int b = static_cast<int>(threadIdx.x); b <= own; b += kSelectThreads)
            largest = fmaxf(largest, sums[b]);
        largest = overBlock(largest, [](float a, float b) { return fmaxf(a, b); });
        float total = 0;
        for (int b = static_cast<int>(threadIdx.x); b <= own; b += kSelectThreads)
            total += exp2f(sums[b] - largest);
        total = sumOverBlock(total);
        for (int b = static_cast<int>(threadIdx.x); b <= own; b += kSelectThreads)
            weights[b] += exp2f(sums[b] - largest) / total;
    }
    __syncthreads();
    Choice(weights, own, c.threshold).keep(flags);

    // The tiles kept, in order: each warp's share by ballot, 256 blocks at a time.
    constexpr int kTilesOfBlock = static_cast<int>(kTileRows / kTileKeys);
    __shared__ int ofWarp[kSelectThreads / kWarp];
    KeyTile* tiles = c.tiles + place * kTilesOfBlock;
    int before = 0;
    for (int from = 0; from <= own; from += kSelectThreads) {
        const int b = from + static_cast<int>(threadIdx.x);
        const bool kept = b <= own && flags[b] != 0;
        const unsigned ballot = __ballot_sync(0xFFFFFFFFU, kept);
        const int warp = static_cast<int>(threadIdx.x) / kWarp;
        __syncthreads();
        if (threadIdx.x % kWarp == 0) ofWarp[warp] = __popc(ballot);
        __syncthreads();
        int index = before + __popc(ballot & ((1U << threadIdx.x % kWarp) - 1U));
        for (int w = 0; w < kSelectThreads / kWarp; ++w) {
            if (w < warp) index += ofWarp[w];
            before += ofWarp[w];
        }
        if (!kept) continue;
        for (int t = 0; t < kTilesOfBlock; ++t)
            tiles[index * kTilesOfBlock + t] = {b * kTilesOfBlock + t, b == own ? t : KeyTile::kWhole};
    }
    if (threadIdx.x == 0) {
        // The last block of a prompt may end within its first tile: then there is no second one.
        const std::int64_t stored = s.end - static_cast<std::int64_t>(own) * kSelectBlock;
        const int missing = stored <= kTileKeys ? 1 : 0;
        c.runs[head * queryBlocksOf(s) + queryBlock] = {place * kTilesOfBlock,
                                                        before * kTilesOfBlock - missing};
    }
}

std::int64_t sumsOf(const BlockEstimateShape& s) { return s.heads * gridRows(s) * keyBlocksOf(s); }

}  // namespace

std::int64_t selectScratchBytes(const BlockEstimateShape& s) {
    return (sumsOf(s) + s.heads * queryBlocksOf(s) * keyBlocksOf(s)) *
           static_cast<std::int64_t>(sizeof(float));
}

void selectBlocksCuda(const BlockEstimateShape& s, double threshold, const void* q, const KeysValues& kv,
                      void* scratch, std::uint8_t* keep, TileRun* runs, KeyTile* tiles, CudaStream stream) {
    if (s.begin == s.end) return;
    auto* sums = static_cast<float*>(scratch);
    const Estimate e{
        s, q, kv, sums,
        isWide(q, s.dim, s.dim, s.heads * s.dim) && isWide(kv.k, s.dim, kv.headStride, kv.rowStride)};
    const auto parts = [](std::int64_t n) { return static_cast<unsigned>((n + kPart - 1) / kPart); };
    const dim3 grid(parts((s.end + s.stride - 1) / s.stride), parts(gridRows(s)),
                    static_cast<unsigned>(s.heads));
    forTypeAndDim("XAttention's estimate", s.type, s.dim, [&](auto element, auto) {
        using T = decltype(element);
        if constexpr (std::is_same_v<T, float>) {
            estimate32<<<grid, kPartThreads32, 0, stream>>>(e);
        } else {
            forPaddedDim(s.dim, [&](auto padded) {
                constexpr int kDim = decltype(padded)::value;
                constexpr int kBytes = 4 * kPart * SharedTile<T, kDim>::kRow * static_cast<int>(sizeof(T));
                cudaFuncSetAttribute(estimate16<T, kDim>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                     kBytes);
                estimate16<T, kDim><<<grid, kPartThreads, kBytes, stream>>>(e);
            });
        }
    });
    const dim3 choices(static_cast<unsigned>(queryBlocksOf(s)), static_cast<unsigned>(s.heads));
    choose<<<choices, kSelectThreads, 0, stream>>>(
        Select{s, threshold, sums, sums + sumsOf(s), keep, runs, tiles});
    if (const cudaError_t error = cudaGetLastError(); error != cudaSuccess)
        throw std::runtime_error(std::string("XAttention's choice: ") + cudaGetErrorString(error));
}

}  // namespace fluxscope
