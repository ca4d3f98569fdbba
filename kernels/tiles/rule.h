// Which keys a query sees, as a rule in numbers, and the list of tiles that follows from it. Streaming, Triangle, Longformer
// and BigBird are settings of one rule; XAttention is a choice of blocks, cut by it.
//
// Query i sees key j when j <= i and
//   i >= denseFrom    i - j < modelWindow
//   otherwise         j < sink, or i - j < modelWindow and (it is in the window or in a drawn block)
// In the window: block(i) - block(j) < window and (i - j) % dilation == 0, where block(x) = x / block; so with block 1 and
// dilation d a window of n * d tokens holds n of them. Drawn: block(j) is one of drawnBlocks(block(i)).
#pragma once

#include "kernels/tiles/tiles.h"

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace fluxscope {

struct TileRule {
    static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

    std::int64_t sink = 0;    // tokens
    std::int64_t window = 0;  // blocks; with 0 nothing but what else is said
    std::int64_t block = 1;   // tokens
    std::int64_t dilation = 1;
    std::int64_t drawn = 0;             // blocks drawn for a block of queries
    std::uint64_t draw = 0;             // what the draw depends on besides the block: mixedSeed(seed, layer)
    std::int64_t denseFrom = kNever;    // position
    std::int64_t modelWindow = kNever;  // tokens

    // Which of the 64 keys from position `key` on the query at `position` sees: bit b is key + b.
    std::uint64_t sees(std::int64_t position, std::int64_t key) const;

    // `drawn` different blocks between the sink and the window of a block of queries, ascending; all of them when there are no
    // more. The same for all heads of a layer. Floyd's sampling over mixed(draw, block, candidate).
    std::vector<std::int64_t> drawnBlocks(std::int64_t queryBlock) const;
};

// SplitMix64's finaliser: every bit of x counts in every bit of the result.
std::uint64_t mixed(std::uint64_t x);
std::uint64_t mixedSeed(std::uint64_t seed, std::uint64_t layer);

// Where keys lie: positions below `sink` at their place, all others `gap` places earlier; those in between are not stored.
struct KeyPlaces {
    std::int64_t sink = 0;
    std::int64_t gap = 0;
};

// One list for all heads. Tiles that no query at begin .. end - 1 sees are not in it, and equal masks are stored once.
TileList tilesOf(const TileRule& rule, std::int64_t begin, std::int64_t end, const KeyPlaces& places = {});

// A list for each head from blocks of kTileRows keys that are kept: keep [heads, blocks of queries, blocks of keys], a byte
// each; `rule` then hides keys inside them (at least those behind the query). All keys are stored.
TileList tilesOfBlocks(const TileRule& rule, std::int64_t begin, std::int64_t end, std::int64_t heads,
                       std::span<const std::uint8_t> keep);

// Pairs of query and key over all heads, and the keys of all KV heads that at least one query sees: what attention over a list
// must compute and read (kernels/cost/tiles.h).
struct TileVisits {
    std::int64_t tiles = 0;  // of queries and keys, over all heads
    std::int64_t pairs = 0;
    std::int64_t keys = 0;
};
TileVisits visitsOf(const TilesShape& shape, const TileList& list);

}  // namespace fluxscope
