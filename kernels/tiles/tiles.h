// Attention whose pattern is data: a list of tiles of keys for each tile of queries. One kernel computes every sparse mode.
//
//   q     [rows, heads, dim]      the queries at positions begin .. end - 1, RoPE applied; contiguous
//   k, v  [kvHeads, keys, dim]    strided as KeysValues says; heads % kvHeads == 0
//   out   [rows, heads, dim]      may alias q
//
// Tiles of queries lie at absolute positions: query i belongs to tile i / kTileRows and is row i % kTileRows of it, whatever
// the chunk. So a prompt in chunks has the lists of the prompt in one piece, cut. A tile of keys is the keys
// key * kTileKeys .. of what is *stored*; where a scratch has left keys out, the list counts without them (kernels/tiles/rule.h).
//
// A tile without a mask is seen whole by every query of the tile that stands in begin .. end - 1. A masked tile names a mask:
// row r sees key b of it when bit b of the mask's word r is set. Rows outside begin .. end - 1 and keys that are not stored
// are never computed, whatever their bits say. Each query must see one key at least, and no key twice.
//
// Softmax and sums are in fp32 (double in the reference), scaled by 1 / sqrt(dim).
#pragma once

#include "kernels/cost/cost.h"
#include "kernels/keys_values.h"
#include "kernels/parallel.h"

#include <array>
#include <cstdint>
#include <vector>

namespace fluxscope {

inline constexpr std::int64_t kTileRows = 128;
inline constexpr std::int64_t kTileKeys = 64;

using TileMask = std::array<std::uint64_t, kTileRows>;

struct KeyTile {
    static constexpr std::int32_t kWhole = -1;

    std::int32_t key = 0;  // in tiles
    std::int32_t mask = kWhole;

    friend bool operator==(const KeyTile&, const KeyTile&) = default;
};

// The tiles of one list and one tile of queries: tiles[first] .. tiles[first + count - 1], in ascending order of keys.
struct TileRun {
    std::int64_t first = 0;
    std::int64_t count = 0;
};

// Either one list that all heads share, or one for each query head.
struct TileList {
    std::int64_t lists = 1;
    std::vector<TileRun> runs;  // [lists, tiles of queries]
    std::vector<KeyTile> tiles;
    std::vector<TileMask> masks;
};

// The same where the kernel can read it: on the host or on the device.
struct TileListView {
    std::int64_t lists = 1;
    const TileRun* runs = nullptr;
    const KeyTile* tiles = nullptr;
    const TileMask* masks = nullptr;
};
inline TileListView viewOf(const TileList& list) {
    return {list.lists, list.runs.data(), list.tiles.data(), list.masks.data()};
}

struct TilesShape {
    std::int64_t begin = 0;  // positions of the queries
    std::int64_t end = 0;
    std::int64_t keys = 0;  // stored
    std::int64_t heads = 0;
    std::int64_t kvHeads = 0;
    std::int64_t dim = 0;
    cost::DType type = cost::DType::F32;

    constexpr std::int64_t rows() const { return end - begin; }
    constexpr std::int64_t firstTile() const { return begin / kTileRows; }
    constexpr std::int64_t queryTiles() const {
        return end > begin ? (end - 1) / kTileRows - firstTile() + 1 : 0;
    }
};

// The definition. Everything is fp32.
void tilesReference(const TilesShape& shape, const TileListView& list, const float* q, const KeysValues& kv,
                    float* out);

// q, k, v and out are of shape.type. Up to AVX-512, picked at run time; the same bits whatever `parallel` does.
void tilesCpu(const TilesShape& shape, const TileListView& list, const void* q, const KeysValues& kv,
              void* out, const ParallelFor& parallel);

// The list lies on the device too. q, k, v and out are of shape.type; dim <= 256. Tensor cores in 16 bits, a warp per query in
// fp32. Enqueues and returns; throws std::runtime_error if the launch is refused.
void tilesCuda(const TilesShape& shape, const TileListView& list, const void* q, const KeysValues& kv,
               void* out, CudaStream stream);

}  // namespace fluxscope
