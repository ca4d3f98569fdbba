// In 16 bits a block takes one tile of queries of one head, a warp 16 of its rows: products on tensor cores, softmax in
// registers, the next tile of keys on its way while this one's values are mixed. In fp32 a warp takes one query.
//
// Moves each visited tile of K and V once per tile of queries and query head, through L2 for heads that share it.
#include "kernels/detail/attend_row.cuh"
#include "kernels/detail/mma.cuh"
#include "kernels/tiles/tiles.h"

namespace fluxscope {
namespace {

using namespace cuda;

constexpr int kRows = static_cast<int>(kTileRows);
constexpr int kKeys = static_cast<int>(kTileKeys);
constexpr int kThreads = kRows / 16 * kWarp;

__device__ std::uint64_t lowestBits(std::int64_t bits) {
    return bits <= 0 ? 0 : bits >= kTileKeys ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
}

// What a row of the tile of queries sees of a tile of keys.
__device__ std::uint64_t bitsOf(const TilesShape& s, const TileListView& list, const KeyTile& tile, int row) {
    const std::uint64_t stored = lowestBits(s.keys - tile.key * kTileKeys);
    if (tile.mask == KeyTile::kWhole) return stored;
    return stored & reinterpret_cast<const std::uint64_t*>(list.masks + tile.mask)[row];
}

template <class T, int D>
__global__ void __launch_bounds__(kThreads)
    tiles16(TilesShape s, TileListView list, const T* q, KeysValues kv, T* out, bool wide) {
    extern __shared__ __align__(16) unsigned char memory[];
    using Shared = SharedTile<T, D>;
    const Shared queries{reinterpret_cast<T*>(memory)};
    const Shared keys{queries.at + kRows * Shared::kRow};
    const Shared values{keys.at + kKeys * Shared::kRow};

    const int head = static_cast<int>(blockIdx.y);
    const std::int64_t tileIndex = gridDim.x - 1 - blockIdx.x;  // the longest first
    const std::int64_t origin = (s.firstTile() + tileIndex) * kTileRows;
    const int firstRow = static_cast<int>(max(s.begin - origin, std::int64_t{0}));
    const int endRow = static_cast<int>(min(s.end - origin, kTileRows));
    const std::int64_t queryStride = s.heads * s.dim;
    const std::int64_t queryOffset = (origin - s.begin) * queryStride + head * s.dim;  // of row 0
    const std::int64_t kvOffset = head / (s.heads / s.kvHeads) * kv.headStride;
    const T* k = static_cast<const T*>(kv.k) + kvOffset;
    const T* v = static_cast<const T*>(kv.v) + kvOffset;
    const int dim = static_cast<int>(s.dim);
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    const int warpRow = static_cast<int>(threadIdx.x) / kWarp * 16;
    const int row = warpRow + lane / 4;  // and row + 8
    const float toPower = 1.44269504F * rsqrtf(static_cast<float>(dim));

    const TileRun run = list.runs[(list.lists == 1 ? 0 : head) * s.queryTiles() + tileIndex];
    const auto fetch = [&](const Shared& to, const T* from, std::int64_t tile) {
        const std::int64_t first = list.tiles[tile].key * kTileKeys;
        to.template fetch<kKeys, kThreads>(from + first * kv.rowStride, kv.rowStride, 0,
                                           static_cast<int>(min(s.keys - first, kTileKeys)), dim, wide);
    };

    float mixed[D / 8][4] = {};
    float largest[2] = {-INFINITY, -INFINITY};
    float sum[2] = {0, 0};
    queries.template fetch<kRows, kThreads>(q + queryOffset, queryStride, firstRow, endRow, dim, wide);
    fetch(keys, k, run.first);

    for (std::int64_t i = run.first; i < run.first + run.count; ++i) {
        waitForCopies<0>();  // this tile's keys
        __syncthreads();     // and everybody has done with the last one's values
        fetch(values, v, i);

        float scores[kKeys / 8][4] = {};
#pragma unroll
        for (int c = 0; c < D; c += 16) {
            unsigned left[4];
            queries.left(left, warpRow, c, lane);
#pragma unroll
            for (int n = 0; n < kKeys / 8; n += 2) {
                unsigned right[4];
                keys.rightOfRows(right, n * 8, c, lane);
                multiply<T>(scores[n], left, right[0], right[1]);
                multiply<T>(scores[n + 1], left, right[2], right[3]);
            }
        }

        const KeyTile tile = list.tiles[i];
        if (tile.mask != KeyTile::kWhole || (tile.key + 1) * kTileKeys > s.keys) {
            const std::uint64_t bits[2] = {bitsOf(s, list, tile, row), bitsOf(s, list, tile, row + 8)};
#pragma unroll
            for (int n = 0; n < kKeys / 8; ++n)
#pragma unroll
                for (int e = 0; e < 4; ++e)
                    if ((bits[e / 2] >> (n * 8 + lane % 4 * 2 + e % 2) & 1U) == 0) scores[n][e] = -INFINITY;
        }

#pragma unroll
        for (int half = 0; half < 2; ++half) {
            float most = largest[half];
#pragma unroll
            for (int n = 0; n < kKeys / 8; ++n)
                most = fmaxf(most, fmaxf(scores[n][2 * half], scores[n][2 * half + 1]));
            most = fmaxf(most, __shfl_xor_sync(0xFFFFFFFFU, most, 1));
            most = fmaxf(most, __shfl_xor_sync(0xFFFFFFFFU, most, 2));
            const float bound = most == -INFINITY ? 0.0F : most;  // nothing seen yet
            const float keep = exp2f((largest[half] - bound) * toPower);
            largest[half] = most;
            sum[half] *= keep;
#pragma unroll
            for (int n = 0; n < kKeys / 8; ++n)
#pragma unroll
                for (int e = 2 * half; e < 2 * half + 2; ++e) {
                    scores[n][e] = exp2f((scores[n][e] - bound) * toPower);
                    sum[half] += scores[n][e];
                }
#pragma unroll
            for (int n = 0; n < D / 8; ++n) {
                mixed[n][2 * half] *= keep;
                mixed[n][2 * half + 1] *= keep;
            }
        }

        waitForCopies<0>();  // the values
        __syncthreads();     // and everybody has done with the keys
        if (i + 1 < run.first + run.count) fetch(keys, k, i + 1);
#pragma unroll
        for (int n = 0; n < kKeys / 8; n += 2) {
            const unsigned left[4] = {
                packed<T>(scores[n][0], scores[n][1]), packed<T>(scores[n][2], scores[n][3]),
                packed<T>(scores[n + 1][0], scores[n + 1][1]), packed<T>(scores[n + 1][2], scores[n + 1][3])};
#pragma unroll
            for (int c = 0; c < D; c += 16) {
                unsigned right[4];
                values.rightOfColumns(right, n * 8, c, lane);
                multiply<T>(mixed[c / 8], left, right[0], right[1]);
                multiply<T>(mixed[c / 8 + 1], left, right[2], right[3]);
            }
        }
    }

#pragma unroll
    for (int half = 0; half < 2; ++half) {
        sum[half] += __shfl_xor_sync(0xFFFFFFFFU, sum[half], 1);
        sum[half] += __shfl_xor_sync(0xFFFFFFFFU, sum[half], 2);
        const int r = row + 8 * half;
        if (r < firstRow || r >= endRow) continue;
        T* to = out + queryOffset + r * queryStride;
#pragma unroll
        for (int n = 0; n < D / 8; ++n)
#pragma unroll
            for (int e = 0; e < 2; ++e) {
                const int column = n * 8 + lane % 4 * 2 + e;
                if (column < dim) to[column] = fromFloat<T>(mixed[n][2 * half + e] / sum[half]);
            }
    }
}

template <int PerLane>
__global__ void tiles32(TilesShape s, TileListView list, const float* q, KeysValues kv, float* out) {
    const std::int64_t warp = static_cast<std::int64_t>(blockIdx.x) * kWarpsPerBlock + threadIdx.x / kWarp;
    if (warp >= s.rows() * s.heads) return;
    const std::int64_t position = s.begin + warp / s.heads;
    const std::int64_t head = warp % s.heads;
    const std::int64_t kvOffset = head / (s.heads / s.kvHeads) * kv.headStride;
    const float* k = static_cast<const float*>(kv.k) + kvOffset;
    const float* v = static_cast<const float*>(kv.v) + kvOffset;
    const TileRun run =
        list.runs[(list.lists == 1 ? 0 : head) * s.queryTiles() + position / kTileRows - s.firstTile()];

    WarpRow<float, PerLane> row(q + warp * s.dim, s.dim, static_cast<int>(threadIdx.x % kWarp));
    for (std::int64_t i = run.first; i < run.first + run.count; ++i) {
        const KeyTile tile = list.tiles[i];
        std::uint64_t bits = bitsOf(s, list, tile, static_cast<int>(position % kTileRows));
        for (; bits != 0; bits &= bits - 1) {
            const std::int64_t key = tile.key * kTileKeys + __ffsll(static_cast<long long>(bits)) - 1;
            row.see(k + key * kv.rowStride, v + key * kv.rowStride);
        }
    }
    row.write(out + warp * s.dim);
}

template <class T>
void launch16(const TilesShape& s, const TileListView& list, const void* q, const KeysValues& kv, void* out,
              CudaStream stream) {
    const bool wide = isWide(q, s.dim, s.dim, s.heads * s.dim) &&
                      isWide(kv.k, s.dim, kv.headStride, kv.rowStride) &&
                      isWide(kv.v, s.dim, kv.headStride, kv.rowStride);
    forPaddedDim(s.dim, [&](auto padded) {
        constexpr int kDim = decltype(padded)::value;
        constexpr int kBytes = (kRows + 2 * kKeys) * SharedTile<T, kDim>::kRow * static_cast<int>(sizeof(T));
        cudaFuncSetAttribute(tiles16<T, kDim>, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes);
        const dim3 grid(static_cast<unsigned>(s.queryTiles()), static_cast<unsigned>(s.heads));
        tiles16<T, kDim><<<grid, kThreads, kBytes, stream>>>(s, list, static_cast<const T*>(q), kv,
                                                             static_cast<T*>(out), wide);
    });
}

}  // namespace

void tilesCuda(const TilesShape& s, const TileListView& list, const void* q, const KeysValues& kv, void* out,
               CudaStream stream) {
    if (s.rows() == 0) return;
    forTypeAndDim("attention over tiles", s.type, s.dim, [&](auto element, auto perLane) {
        using T = decltype(element);
        if constexpr (std::is_same_v<T, float>)
            tiles32<decltype(perLane)::value>
                <<<blocksFor(s.rows() * s.heads), kWarpsPerBlock * kWarp, 0, stream>>>(
                    s, list, static_cast<const float*>(q), kv, static_cast<float*>(out));
        else
            launch16<T>(s, list, q, kv, out, stream);
    });
}

}  // namespace fluxscope
