// A list of tiles is exactly its rule: expanded key by key, against the rule written down the slow way.
#include "kernels/tiles/rule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace fluxscope {
namespace {

bool sees(const TileRule& rule, std::int64_t i, std::int64_t j) {
    if (j > i) return false;
    const bool inModel = i - j < rule.modelWindow;
    if (i >= rule.denseFrom) return inModel;
    if (j < rule.sink) return true;
    const bool inWindow = i / rule.block - j / rule.block < rule.window && (i - j) % rule.dilation == 0;
    const std::vector<std::int64_t> drawn = rule.drawnBlocks(i / rule.block);
    return inModel && (inWindow || std::find(drawn.begin(), drawn.end(), j / rule.block) != drawn.end());
}

// "" when the list shows each query the keys that `expected` says, each once and in order, and nothing else.
template <class Expected>
std::string complaint(const TileList& list, std::int64_t headsList, std::int64_t begin, std::int64_t end,
                      const KeyPlaces& places, const Expected& expected) {
    const TilesShape at{.begin = begin, .end = end};
    for (std::int64_t i = begin; i < end; ++i) {
        std::vector<std::int64_t> seen;
        const TileRun& run = list.runs.at(headsList * at.queryTiles() + i / kTileRows - at.firstTile());
        for (std::int64_t t = run.first; t < run.first + run.count; ++t) {
            const KeyTile& tile = list.tiles.at(t);
            for (std::int64_t b = 0; b < kTileKeys; ++b) {
                const bool set = tile.mask == KeyTile::kWhole ||
                                 (list.masks.at(tile.mask).at(i % kTileRows) >> b & 1U) != 0;
                const std::int64_t stored = tile.key * kTileKeys + b;
                if (set) seen.push_back(stored < places.sink ? stored : stored + places.gap);
            }
        }
        std::vector<std::int64_t> wanted;
        for (std::int64_t j = 0; j <= i; ++j)
            if (expected(i, j)) wanted.push_back(j);
        if (seen != wanted)
            return "query " + std::to_string(i) + " sees " + std::to_string(seen.size()) + " keys, not " +
                   std::to_string(wanted.size());
    }
    return "";
}

// Token and block windows with and without sink, dilation, drawn blocks, dense queries at the end, a model's own window.
std::vector<TileRule> rules() {
    return {
        {.sink = 0, .window = 1},
        {.sink = 4, .window = 30},
        {.sink = 70, .window = 129},
        {.sink = 128, .window = 2, .block = 128},
        {.sink = 0, .window = 1, .block = 128},
        {.sink = 256, .window = 1, .block = 128, .modelWindow = 90},
        {.sink = 5, .window = 20, .denseFrom = 150},
        {.sink = 5, .window = 20, .denseFrom = 0, .modelWindow = 100},
        {.sink = 3, .window = 96, .dilation = 3},
        {.sink = 0, .window = 400, .dilation = 100},
        {.sink = 10, .window = 65, .dilation = 2, .modelWindow = 40},
        {.sink = 32, .window = 2, .block = 16, .drawn = 3, .draw = 5},
        {.sink = 0, .window = 1, .block = 24, .drawn = 2, .draw = 6, .modelWindow = 200},
        {.sink = 200, .window = 1, .block = 200, .drawn = 1, .draw = 7},
        {.sink = 64, .window = 3, .block = 64, .drawn = 0},
    };
}

TEST(TileList, isExactlyItsRule) {
    for (const TileRule& rule : rules())
        for (const std::int64_t end : {1, 2, 3, 63, 64, 65, 127, 128, 129, 200, 517})
            for (const std::int64_t rows : {std::int64_t{1}, std::int64_t{7}, std::int64_t{128}, end}) {
                if (rows > end) continue;
                const TileList list = tilesOf(rule, end - rows, end);
                EXPECT_EQ(complaint(list, 0, end - rows, end, {},
                                    [&](std::int64_t i, std::int64_t j) { return sees(rule, i, j); }),
                          "")
                    << "sink " << rule.sink << " window " << rule.window << " block " << rule.block
                    << " rows " << end - rows << " to " << end;
            }
}

// Streaming rules on the scratch [sink | last window | chunk], wherever the chunk begins.
TEST(TileList, countsWithoutTheKeysThatAreGone) {
    for (const TileRule& rule :
         {TileRule{.sink = 5, .window = 100}, TileRule{.sink = 64, .window = 64},
          TileRule{.sink = 0, .window = 33}, TileRule{.sink = 10, .window = 90, .dilation = 3},
          TileRule{.sink = 128, .window = 2, .block = 128}}) {
        const std::int64_t reach = rule.window * rule.block;
        for (const std::int64_t begin : {256, 384, 640})
            for (const std::int64_t rows : {1, 60, 200}) {
                const std::int64_t gap = begin - rule.sink - reach;
                if (gap <= 0) continue;
                const KeyPlaces places{.sink = rule.sink, .gap = gap};
                const TileList list = tilesOf(rule, begin, begin + rows, places);
                EXPECT_EQ(complaint(list, 0, begin, begin + rows, places,
                                    [&](std::int64_t i, std::int64_t j) { return sees(rule, i, j); }),
                          "")
                    << "sink " << rule.sink << " begin " << begin << " rows " << rows;
            }
    }
}

TEST(TileList, storesEachMaskOnceAndWholeTilesWithout) {
    const TileList streaming = tilesOf({.sink = 128, .window = 2048}, 8192, 16384);
    EXPECT_EQ(streaming.masks.size(), 4U);  // two at the window's begin, two on the diagonal
    const auto masked = std::count_if(streaming.tiles.begin(), streaming.tiles.end(),
                                      [](const KeyTile& tile) { return tile.mask != KeyTile::kWhole; });
    EXPECT_EQ(masked, 64 * 4);
    EXPECT_EQ(streaming.tiles.size(), 64U * (2 + 34));
    const TileList dense = tilesOf({.denseFrom = 0}, 0, 1024);
    EXPECT_EQ(dense.masks.size(), 2U);
}

TEST(TileList, ofBlocksIsTheBlocksUpToTheQuery) {
    constexpr std::int64_t kHeads = 3;
    for (const auto& [begin, end] :
         std::vector<std::pair<std::int64_t, std::int64_t>>{{0, 1}, {0, 130}, {256, 600}, {384, 512}})
        for (const std::int64_t modelWindow : {TileRule::kNever, std::int64_t{150}}) {
            const TilesShape at{.begin = begin, .end = end};
            const std::int64_t blocks = (end + kTileRows - 1) / kTileRows;
            std::vector<std::uint8_t> keep;
            for (std::int64_t h = 0; h < kHeads; ++h)
                for (std::int64_t t = at.firstTile(); t < at.firstTile() + at.queryTiles(); ++t)
                    for (std::int64_t b = 0; b < blocks; ++b)
                        keep.push_back(b == t || (b < t && (b * 7 + t + h) % 3 == 0) ? 1 : 0);
            const TileRule rule{.denseFrom = 0, .modelWindow = modelWindow};
            const TileList list = tilesOfBlocks(rule, begin, end, kHeads, keep);
            for (std::int64_t h = 0; h < kHeads; ++h)
                EXPECT_EQ(complaint(list, h, begin, end, {},
                                    [&](std::int64_t i, std::int64_t j) {
                                        const std::int64_t t = i / kTileRows - at.firstTile();
                                        const auto flag = (h * at.queryTiles() + t) * blocks + j / kTileRows;
                                        return keep.at(flag) != 0 && i - j < modelWindow;
                                    }),
                          "")
                    << "head " << h << " of " << begin << " to " << end;
        }
}

TEST(TileVisits, areCountedOneByOne) {
    constexpr std::int64_t kHeads = 4;
    constexpr std::int64_t kKvHeads = 2;
    for (const TileRule& rule : rules()) {
        for (const auto& [begin, end] :
             std::vector<std::pair<std::int64_t, std::int64_t>>{{0, 1}, {0, 300}, {100, 170}, {256, 400}}) {
            std::int64_t pairs = 0;
            std::set<std::int64_t> keys;
            for (std::int64_t i = begin; i < end; ++i)
                for (std::int64_t j = 0; j <= i; ++j)
                    if (sees(rule, i, j)) {
                        ++pairs;
                        keys.insert(j);
                    }
            const TilesShape shape{
                .begin = begin, .end = end, .keys = end, .heads = kHeads, .kvHeads = kKvHeads};
            const TileList list = tilesOf(rule, begin, end);
            const TileVisits visits = visitsOf(shape, list);
            EXPECT_EQ(visits.pairs, pairs * kHeads);
            EXPECT_EQ(visits.keys, static_cast<std::int64_t>(keys.size()) * kKvHeads);
            EXPECT_EQ(visits.tiles, static_cast<std::int64_t>(list.tiles.size()) * kHeads);
        }
    }
}

TEST(TileVisits, ofHeadsThatChooseApartCountAKeyOnceForItsKvHead) {
    // Heads 0 and 1 share KV head 0, heads 2 and 3 KV head 1; queries 128 to 255, key blocks 0 and 1.
    const TilesShape shape{.begin = 128, .end = 256, .keys = 256, .heads = 4, .kvHeads = 2};
    const std::vector<std::uint8_t> keep{1, 1, 0, 1, 0, 1, 0, 1};
    const TileVisits visits = visitsOf(shape, tilesOfBlocks({.denseFrom = 0}, 128, 256, 4, keep));
    const std::int64_t ownBlock = 128 * 129 / 2;
    EXPECT_EQ(visits.pairs, 4 * ownBlock + 128 * 128);
    EXPECT_EQ(visits.keys, 256 + 128);
    EXPECT_EQ(visits.tiles, 5 * 2);
}

TEST(DrawnBlocks, lieBetweenSinkAndWindowAndAreDifferent) {
    const TileRule rule{.sink = 32, .window = 3, .block = 16, .drawn = 4, .draw = mixedSeed(1, 2)};
    for (std::int64_t block = 0; block < 60; ++block) {
        const std::vector<std::int64_t> drawn = rule.drawnBlocks(block);
        const std::int64_t candidates = std::max<std::int64_t>(0, block - 4);  // 2 .. block - 3
        EXPECT_EQ(static_cast<std::int64_t>(drawn.size()), std::min<std::int64_t>(4, candidates)) << block;
        EXPECT_TRUE(std::is_sorted(drawn.begin(), drawn.end(), std::less_equal<>{})) << block;
        for (const std::int64_t b : drawn) EXPECT_TRUE(b >= 2 && b <= block - 3) << b << " for " << block;
        EXPECT_EQ(drawn, rule.drawnBlocks(block));
    }
}

TEST(DrawnBlocks, dependOnSeedLayerAndBlock) {
    const auto drawn = [](std::uint64_t seed, std::uint64_t layer, std::int64_t block) {
        return TileRule{.window = 1, .block = 16, .drawn = 8, .draw = mixedSeed(seed, layer)}.drawnBlocks(
            block);
    };
    EXPECT_NE(drawn(0, 0, 1000), drawn(1, 0, 1000));
    EXPECT_NE(drawn(0, 0, 1000), drawn(0, 1, 1000));
    EXPECT_NE(drawn(0, 0, 1000), drawn(0, 0, 1001));
    // Every candidate is drawn about equally often: 8 of 40, over 2000 layers.
    std::vector<int> times(40);
    for (std::uint64_t layer = 0; layer < 2000; ++layer)
        for (const std::int64_t b : drawn(3, layer, 40)) ++times.at(b);
    EXPECT_GT(*std::min_element(times.begin(), times.end()), 320);
    EXPECT_LT(*std::max_element(times.begin(), times.end()), 480);
}

}  // namespace
}  // namespace fluxscope
