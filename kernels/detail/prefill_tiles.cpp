#include "kernels/detail/prefill_tiles.h"

#include "kernels/detail/attend_tile.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace fluxscope {
namespace {

constexpr std::int64_t kQueries = 256;  // rows * group of a tile: each key turned serves that many

// The tiles of kKeyTile keys that the rows at first .. last see something of, in order, neighbours of one mask joined.
// Tiles lie where the keys' count puts them, not where the window begins: rows of any chunk find the same ones.
std::vector<KeyRange> rangesOf(const cost::AttentionShape& s, std::int64_t first, std::int64_t last) {
    std::vector<KeyRange> ranges;
    const std::int64_t windowBegin = std::max<std::int64_t>(0, first - s.window + 1);
    for (std::int64_t begin = 0; begin <= last; begin += kKeyTile) {
        const std::int64_t end = std::min(begin + kKeyTile, last + 1);
        if (begin >= s.sink && end <= windowBegin) {
            begin = (windowBegin / kKeyTile - 1) * kKeyTile;  // straight to the window's first tile
            continue;
        }
        const bool inSink = end <= s.sink;
        const bool inWindow = last - begin < s.window;  // of the last row, so of all
        const KeyMask mask = !inSink && !inWindow ? KeyMask::Streaming
                             : end > first + 1    ? KeyMask::Causal
                                                  : KeyMask::None;
        if (!ranges.empty() && ranges.back().end == begin && ranges.back().mask == mask)
            ranges.back().end = end;
        else
            ranges.push_back({begin, end, mask});
    }
    return ranges;
}

}  // namespace

void attendByTiles(const cost::AttentionShape& s, const void* q, const KeysValues& kv, void* out,
                   const ParallelFor& parallel) {
    const std::int64_t group = s.heads / s.kvHeads;
    const std::int64_t tileRows = std::max<std::int64_t>(1, kQueries / group);
    const std::int64_t tiles = (s.rows + tileRows - 1) / tileRows;
    const auto at = [bytes = cost::bytesOf(s.type)](const void* from, std::int64_t element) {
        return static_cast<const std::byte*>(from) + element * bytes;
    };
    parallel(tiles * s.kvHeads, [&](std::int64_t task) {
        // The longest tiles first, so that no thread is left with one at the end.
        const std::int64_t row = (tiles - 1 - task / s.kvHeads) * tileRows;
        const std::int64_t rows = std::min(tileRows, s.rows - row);
        const std::int64_t kvHead = task % s.kvHeads;
        const std::int64_t position = s.keys - s.rows + row;
        const std::int64_t query = (row * s.heads + kvHead * group) * s.dim;
        const std::vector<KeyRange> ranges = rangesOf(s, position, position + rows - 1);
        attendTile({.type = s.type,
                    .q = at(q, query),
                    .out = static_cast<std::byte*>(out) + query * cost::bytesOf(s.type),
                    .k = at(kv.k, kvHead * kv.headStride),
                    .v = at(kv.v, kvHead * kv.headStride),
                    .queryStride = s.heads * s.dim,
                    .keyStride = kv.rowStride,
                    .rows = rows,
                    .group = group,
                    .dim = s.dim,
                    .position = position,
                    .sink = s.sink,
                    .window = s.window,
                    .ranges = ranges});
    });
}

}  // namespace fluxscope
