// The split kernel for 16-bit keys of 64, 128, 192 or 256 numbers: the query heads of one KV head are the rows of a matrix
// product, so keys and values are read once for all of them, straight from global memory into the fragments.
//
// A warp takes 16 slots at a time. Two liberties spare shared memory and shuffles:
// - The order of a dot product's numbers means nothing, so a lane reads 16 neighbouring bytes of a key and the fragments of
//   queries are read in the same order.
// - The order of output columns means nothing until they are stored: a lane holds 8 neighbouring numbers of each of its four
//   values, pairs the slots by byte permutations, and column n of tile j is number 8 n + j.
//
// Moves each used key and value once; the fewest bytes possible.
#pragma once

#include "kernels/detail/attend_row.cuh"
#include "kernels/slot_decode/detail/split.cuh"
#include "kernels/slot_decode/slot_decode.h"

namespace fluxscope::cuda {

constexpr int kTileSlots = 16;
constexpr int kRowsOfTile = 16;

__device__ inline uint4 readOnce(const void* p) {
    uint4 r;
    asm("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
        : "=r"(r.x), "=r"(r.y), "=r"(r.z), "=r"(r.w)
        : "l"(p));
    return r;
}

__device__ inline std::uint32_t packed(float low, float high, __half) {
    const __half2 pair = __floats2half2_rn(low, high);
    return *reinterpret_cast<const std::uint32_t*>(&pair);
}
__device__ inline std::uint32_t packed(float low, float high, __nv_bfloat16) {
    const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
    return *reinterpret_cast<const std::uint32_t*>(&pair);
}

// c [16, 8] += a [16, 16] b [16, 8]
__device__ inline void multiplyAdd(float (&c)[4], const std::uint32_t (&a)[4], std::uint32_t b0,
                                   std::uint32_t b1, __half) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
__device__ inline void multiplyAdd(float (&c)[4], const std::uint32_t (&a)[4], std::uint32_t b0,
                                   std::uint32_t b1, __nv_bfloat16) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__device__ inline std::uint32_t wordOf(const uint4& x, int word) {
    return word == 0 ? x.x : word == 1 ? x.y : word == 2 ? x.z : x.w;
}

// What a warp knows of its slots. Lane 4 g + t holds rows g and, with kHalves == 2, g + 8: query heads of the group.
template <class T, int kDim, int kHalves>
struct WarpTile {
    static constexpr int kKeyParts = kDim / 32;    // a lane reads 16 bytes of each 64 of a key
    static constexpr int kValueParts = kDim / 64;  // and 16 bytes of each 128 of a value

    std::uint32_t q[2 * kKeyParts][4];  // scaled by nothing: 16 bits have no room for it
    float mixed[kValueParts][8][4];
    float largest[kHalves];  // of scores times log2(e) / sqrt(dim)
    float sum[kHalves];      // of this lane's columns alone
    int g, t;

    // queries [rows, dim], rows <= 16; rows above 8 need kHalves == 2.
    __device__ WarpTile(const T* queries, int rows, int lane) : g(lane / 4), t(lane % 4) {
#pragma unroll
        for (int c = 0; c < kKeyParts; ++c) {
            uint4 low{};
            uint4 high{};
            if (g < rows) low = *reinterpret_cast<const uint4*>(queries + g * kDim + c * 32 + t * 8);
            if (kHalves == 2 && g + 8 < rows)
                high = *reinterpret_cast<const uint4*>(queries + (g + 8) * kDim + c * 32 + t * 8);
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                q[2 * c + half][0] = wordOf(low, 2 * half);
                q[2 * c + half][1] = wordOf(high, 2 * half);
                q[2 * c + half][2] = wordOf(low, 2 * half + 1);
                q[2 * c + half][3] = wordOf(high, 2 * half + 1);
            }
        }
#pragma unroll
        for (int p = 0; p < kValueParts; ++p)
#pragma unroll
            for (int j = 0; j < 8; ++j)
#pragma unroll
                for (int i = 0; i < 4; ++i) mixed[p][j][i] = 0;
#pragma unroll
        for (int h = 0; h < kHalves; ++h) {
            largest[h] = -INFINITY;
            sum[h] = 0;
        }
    }

    // Slots begin .. begin + 15, of which those from `end` on are not there: at least one is.
    __device__ void see(const T* k, const T* v, std::int64_t begin, std::int64_t end) {
        const auto rowOf = [&](int offset) { return min(begin + offset, end - 1) * kDim; };
        uint4 keys[kKeyParts][2];
#pragma unroll
        for (int tile = 0; tile < 2; ++tile) {
            const T* row = k + rowOf(8 * tile + g) + t * 8;
#pragma unroll
            for (int c = 0; c < kKeyParts; ++c) keys[c][tile] = readOnce(row + c * 32);
        }
        uint4 values[kValueParts][4];
        constexpr bool kAhead = kDim <= 128;  // else the registers do not suffice
        const auto readValues = [&](int p) {
#pragma unroll
            for (int i = 0; i < 4; ++i)
                values[p][i] = readOnce(v + rowOf(2 * t + i % 2 + i / 2 * 8) + p * 64 + g * 8);
        };
        if constexpr (kAhead) {
#pragma unroll
            for (int p = 0; p < kValueParts; ++p) readValues(p);
        }

        float score[2][4] = {};  // of slots 8 tile + 2 t, + 1: rows g twice, then g + 8 twice
#pragma unroll
        for (int c = 0; c < kKeyParts; ++c) {
#pragma unroll
            for (int tile = 0; tile < 2; ++tile) {
                multiplyAdd(score[tile], q[2 * c], keys[c][tile].x, keys[c][tile].y, T{});
                multiplyAdd(score[tile], q[2 * c + 1], keys[c][tile].z, keys[c][tile].w, T{});
            }
        }
        std::uint32_t weights[4] = {};
        soften(score, begin, end, weights);
#pragma unroll
        for (int p = 0; p < kValueParts; ++p) {
            if constexpr (!kAhead) readValues(p);
#pragma unroll
            for (int j = 0; j < 8; ++j) {
                const unsigned pick = j % 2 == 0 ? 0x5410 : 0x7632;
                const std::uint32_t b0 =
                    __byte_perm(wordOf(values[p][0], j / 2), wordOf(values[p][1], j / 2), pick);
                const std::uint32_t b1 =
                    __byte_perm(wordOf(values[p][2], j / 2), wordOf(values[p][3], j / 2), pick);
                multiplyAdd(mixed[p][j], weights, b0, b1, T{});
            }
        }
    }

private:
    // Scores become weights exp(score - largest), and what was summed with an older `largest` is brought along.
    __device__ void soften(float (&score)[2][4], std::int64_t begin, std::int64_t end,
                           std::uint32_t (&weights)[4]) {
        const float scale = 1.4426950408889634F * rsqrtf(static_cast<float>(kDim));
#pragma unroll
        for (int h = 0; h < kHalves; ++h) {
            float grown = largest[h];
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                float& s = score[i / 2][2 * h + i % 2];
                s = begin + 8 * (i / 2) + 2 * t + i % 2 < end ? s * scale : -INFINITY;
                grown = fmaxf(grown, s);
            }
            grown = fmaxf(grown, __shfl_xor_sync(0xFFFFFFFFU, grown, 1));
            grown = fmaxf(grown, __shfl_xor_sync(0xFFFFFFFFU, grown, 2));
            if (__any_sync(0xFFFFFFFFU, grown > largest[h])) {
                const float keep = exp2f(largest[h] - grown);  // 0 for the first tile
                sum[h] *= keep;
#pragma unroll
                for (int p = 0; p < kValueParts; ++p)
#pragma unroll
                    for (int j = 0; j < 8; ++j) {
                        mixed[p][j][2 * h] *= keep;
                        mixed[p][j][2 * h + 1] *= keep;
                    }
                largest[h] = grown;
            }
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                float& s = score[i / 2][2 * h + i % 2];
                s = exp2f(s - grown);
                sum[h] += s;
            }
            weights[h] = packed(score[0][2 * h], score[0][2 * h + 1], T{});
            weights[2 + h] = packed(score[1][2 * h], score[1][2 * h + 1], T{});
        }
    }
};

// grid (splits, kvHeads * head tiles, sequences)
template <class T, int kDim, int kHalves>
__global__ void __launch_bounds__(kWarpsPerBlock* kWarp, kDim <= 128 ? 3 : 1)
    slotDecodeTiles(SlotDecodeShape s, const T* q, const KvSlot* table, Partials out) {
    const auto group = static_cast<int>(s.heads / s.kvHeads);
    const int tilesOfGroup = (group + kRowsOfTile - 1) / kRowsOfTile;
    const std::int64_t sequence = blockIdx.z;
    const std::int64_t kvHead = blockIdx.y / tilesOfGroup;
    const int firstRow = static_cast<int>(blockIdx.y) % tilesOfGroup * kRowsOfTile;
    const int rows = min(group - firstRow, kRowsOfTile);
    const KvSlot slot = table[sequence * s.kvHeads + kvHead];
    const SlotRun run = slotsOfSplit(slot, blockIdx.x);
    if (run.begin >= run.end) return;

    const int warp = static_cast<int>(threadIdx.x) / kWarp;
    const std::int64_t firstHead = kvHead * group + firstRow;
    WarpTile<T, kDim, kHalves> tile(q + (sequence * s.heads + firstHead) * kDim, rows,
                                    static_cast<int>(threadIdx.x) % kWarp);
    for (std::int64_t begin = run.begin + warp * kTileSlots; begin < run.end;
         begin += kWarpsPerBlock * kTileSlots)
        tile.see(static_cast<const T*>(slot.k), static_cast<const T*>(slot.v), begin, run.end);

    // The warps' results become one: all are brought to the same largest score, then added in the order of the warps.
    __shared__ float sharedLargest[kWarpsPerBlock][kRowsOfTile];
    __shared__ float sharedSum[kWarpsPerBlock][kRowsOfTile];
    __shared__ float sharedMixed[8 * kHalves][kDim];
#pragma unroll
    for (int h = 0; h < kHalves; ++h) {
        float sum = tile.sum[h];
        sum += __shfl_xor_sync(0xFFFFFFFFU, sum, 1);
        sum += __shfl_xor_sync(0xFFFFFFFFU, sum, 2);
        if (tile.t == 0) {
            sharedLargest[warp][tile.g + 8 * h] = tile.largest[h];
            sharedSum[warp][tile.g + 8 * h] = sum;
        }
    }
    __syncthreads();
    float keep[kHalves];
#pragma unroll
    for (int h = 0; h < kHalves; ++h) {
        float largest = sharedLargest[0][tile.g + 8 * h];  // warp 0 always has a tile: never -infinity
        for (int w = 1; w < kWarpsPerBlock; ++w) largest = fmaxf(largest, sharedLargest[w][tile.g + 8 * h]);
        keep[h] = exp2f(tile.largest[h] - largest);
    }
    for (int w = 0; w < kWarpsPerBlock; ++w) {
        if (w == warp) {
#pragma unroll
            for (int p = 0; p < kDim / 64; ++p)
#pragma unroll
                for (int j = 0; j < 8; ++j)
#pragma unroll
                    for (int i = 0; i < 2 * kHalves; ++i) {
                        float& sum = sharedMixed[tile.g + i / 2 * 8][p * 64 + tile.t * 16 + i % 2 * 8 + j];
                        const float part = tile.mixed[p][j][i] * keep[i / 2];
                        sum = w == 0 ? part : sum + part;
                    }
        }
        __syncthreads();
    }
    for (int i = static_cast<int>(threadIdx.x); i < rows * kDim; i += kWarpsPerBlock * kWarp) {
        const std::int64_t row = out.row(sequence, firstHead + i / kDim, blockIdx.x);
        out.mixed[row * kDim + i % kDim] = sharedMixed[i / kDim][i % kDim];
    }
    if (const int row = static_cast<int>(threadIdx.x); row < rows) {
        float largest = sharedLargest[0][row];
        for (int w = 1; w < kWarpsPerBlock; ++w) largest = fmaxf(largest, sharedLargest[w][row]);
        float sum = 0;
        for (int w = 0; w < kWarpsPerBlock; ++w)
            sum += sharedSum[w][row] * exp2f(sharedLargest[w][row] - largest);
        constexpr float kLn2 = 0.6931471805599453F;
        out.state[out.row(sequence, firstHead + row, blockIdx.x)] = make_float2(largest * kLn2, sum);
    }
}

}  // namespace fluxscope::cuda
