#include "kernels/detail/attend_tile.h"
#include "kernels/tiles/tiles.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace fluxscope {
namespace {

static_assert(kKeyTile == kTileKeys);

constexpr std::int64_t kQueries = 128;  // rows * heads that share the keys of a piece

// Neighbours that are seen whole become one range; a masked tile is a range of its own, with the mask's words from `row` on.
std::vector<KeyRange> rangesOf(const TilesShape& s, const TileListView& list, const TileRun& run,
                               std::int64_t row) {
    std::vector<KeyRange> ranges;
    for (std::int64_t i = run.first; i < run.first + run.count; ++i) {
        const KeyTile& tile = list.tiles[i];
        const std::int64_t begin = tile.key * kTileKeys;
        const std::int64_t end = std::min(begin + kTileKeys, s.keys);
        if (tile.mask != KeyTile::kWhole)
            ranges.push_back({begin, end, KeyMask::Bits, list.masks[tile.mask].data() + row});
        else if (!ranges.empty() && ranges.back().mask == KeyMask::None && ranges.back().end == begin)
            ranges.back().end = end;
        else
            ranges.push_back({begin, end, KeyMask::None});
    }
    return ranges;
}

}  // namespace

void tilesCpu(const TilesShape& s, const TileListView& list, const void* q, const KeysValues& kv, void* out,
              const ParallelFor& parallel) {
    // A piece is some rows of a tile of queries and the heads that read one KV head by one list.
    const std::int64_t group = list.lists == 1 ? s.heads / s.kvHeads : 1;
    const std::int64_t groups = s.heads / group;
    const std::int64_t pieceRows = std::max<std::int64_t>(1, kQueries / group);
    const std::int64_t pieces = (kTileRows + pieceRows - 1) / pieceRows;
    const auto at = [bytes = cost::bytesOf(s.type)](const void* from, std::int64_t element) {
        return static_cast<const std::byte*>(from) + element * bytes;
    };
    parallel(s.queryTiles() * pieces * groups, [&](std::int64_t task) {
        const std::int64_t firstHead = task % groups * group;
        const std::int64_t tile = s.queryTiles() - 1 - task / groups / pieces;  // the longest first
        const std::int64_t piece = task / groups % pieces * pieceRows;
        const std::int64_t origin = (s.firstTile() + tile) * kTileRows;
        const std::int64_t begin = std::max(s.begin, origin + piece);
        const std::int64_t end = std::min({s.end, origin + kTileRows, origin + piece + pieceRows});
        if (begin >= end) return;

        const TileRun& run = list.runs[(list.lists == 1 ? 0 : firstHead) * s.queryTiles() + tile];
        const std::vector<KeyRange> ranges = rangesOf(s, list, run, begin - origin);
        const std::int64_t kvHead = firstHead / (s.heads / s.kvHeads);
        const std::int64_t query = ((begin - s.begin) * s.heads + firstHead) * s.dim;
        attendTile({.type = s.type,
                    .q = at(q, query),
                    .out = static_cast<std::byte*>(out) + query * cost::bytesOf(s.type),
                    .k = at(kv.k, kvHead * kv.headStride),
                    .v = at(kv.v, kvHead * kv.headStride),
                    .queryStride = s.heads * s.dim,
                    .keyStride = kv.rowStride,
                    .rows = end - begin,
                    .group = group,
                    .dim = s.dim,
                    .ranges = ranges});
    });
}

}  // namespace fluxscope
