#include "kernels/tiles/tiles.h"

#include "kernels/tiles/rule.h"
#include "tests/kernels/cpu.h"
#include "tests/kernels/world.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

TilesShape shapeOf(const cost::AttentionShape& s) {
    return {.begin = s.keys - s.rows,
            .end = s.keys,
            .keys = s.keys,
            .heads = s.heads,
            .kvHeads = s.kvHeads,
            .dim = s.dim,
            .type = s.type};
}

template <class T = float>
std::vector<T> onCpu(const AttentionWorld& world, const TileList& list, int threads = 1) {
    const std::vector<T> q = converted<T>(world.q);
    const std::vector<T> k = converted<T>(world.k);
    const std::vector<T> v = converted<T>(world.v);
    KeysValues kv = world.keysValues();
    kv.k = k.data();
    kv.v = v.data();
    std::vector<T> out(q.size());
    tilesCpu(shapeOf(world.shape), viewOf(list), q.data(), kv, out.data(), onThreads(threads));
    return out;
}

std::vector<float> byReference(const AttentionWorld& world, const TileList& list) {
    std::vector<float> out(world.q.size(), NAN);
    tilesReference(shapeOf(world.shape), viewOf(list), world.q.data(), world.keysValues(), out.data());
    return out;
}

std::vector<std::uint8_t> someBlocks(const TilesShape& s) {
    std::vector<std::uint8_t> keep;
    const std::int64_t blocks = (s.end + kTileRows - 1) / kTileRows;
    for (std::int64_t h = 0; h < s.heads; ++h)
        for (std::int64_t t = s.firstTile(); t < s.firstTile() + s.queryTiles(); ++t)
            for (std::int64_t b = 0; b < blocks; ++b)
                keep.push_back(b == t || (b < t && (b + t + h) % 2 == 0) ? 1 : 0);
    return keep;
}

std::vector<cost::AttentionShape> shapes() {
    std::vector<cost::AttentionShape> all;
    for (const auto& [rows, keys] :
         std::vector<std::pair<int, int>>{{1, 1}, {3, 3}, {1, 300}, {300, 300}, {70, 390}})
        for (const auto& [heads, kvHeads] : std::vector<std::pair<int, int>>{{1, 1}, {4, 2}, {6, 1}})
            for (const int dim : {20, 64, 128})
                all.push_back({.rows = rows, .keys = keys, .heads = heads, .kvHeads = kvHeads, .dim = dim});
    return all;
}

TEST(Tiles, areAMaskedSoftmax) {
    const TileRule rule{.sink = 5, .window = 40, .denseFrom = 350};
    for (const cost::AttentionShape& shape : shapes()) {
        const AttentionWorld world(shape);
        const TileList list = tilesOf(rule, shape.keys - shape.rows, shape.keys);
        const auto truth = world.masked([&](std::int64_t p, std::int64_t j) {
            return j <= p && (p >= rule.denseFrom || j < rule.sink || p - j < rule.window);
        });
        EXPECT_LT(largestDifference(byReference(world, list), truth), 1e-6F) << nameOf(shape);
        EXPECT_LT(largestDifference(onCpu(world, list), truth), 1e-5F) << nameOf(shape);
    }
}

TEST(Tiles, areTheReferenceForEveryKindOfMask) {
    for (const TileRule& rule :
         {TileRule{.sink = 128, .window = 1, .block = 128}, TileRule{.sink = 3, .window = 90, .dilation = 3},
          TileRule{.sink = 16, .window = 2, .block = 16, .drawn = 3, .draw = 9},
          TileRule{.denseFrom = 0, .modelWindow = 100}})
        for (const cost::AttentionShape& shape : shapes()) {
            const AttentionWorld world(shape);
            const TileList list = tilesOf(rule, shape.keys - shape.rows, shape.keys);
            EXPECT_LT(largestDifference(onCpu(world, list), byReference(world, list)), 1e-5F)
                << nameOf(shape);
        }
}

TEST(Tiles, takeAListForEachHead) {
    for (const cost::AttentionShape& shape : shapes()) {
        const AttentionWorld world(shape);
        const TilesShape at = shapeOf(shape);
        const TileList list = tilesOfBlocks({.denseFrom = 0}, at.begin, at.end, at.heads, someBlocks(at));
        EXPECT_LT(largestDifference(onCpu(world, list), byReference(world, list)), 1e-5F) << nameOf(shape);
    }
}

TEST(Tiles, compute16Bits) {
    const cost::AttentionShape shape{.rows = 70, .keys = 390, .heads = 4, .kvHeads = 2, .dim = 64};
    const TileList list = tilesOf({.sink = 5, .window = 90}, 320, 390);
    const auto check = [&]<class T>(T, cost::DType type) {
        const AttentionWorld world = worldIn<T>(shape, type);
        EXPECT_LT(largestDifference(converted<float>(onCpu<T>(world, list)), byReference(world, list)),
                  toleranceOf(type));
    };
    check(TestBf16{}, cost::DType::BF16);
    check(TestF16{}, cost::DType::F16);
}

// Bit for bit: whoever computes them, and in whichever chunk a row stands.
TEST(Tiles, givesTheSameBits) {
    const AttentionWorld all({.rows = 390, .keys = 390, .heads = 4, .kvHeads = 2, .dim = 64});
    const TileRule rule{.sink = 16, .window = 2, .block = 16, .drawn = 3, .draw = 9};
    const std::vector<float> whole = onCpu(all, tilesOf(rule, 0, 390));
    EXPECT_EQ(onCpu(all, tilesOf(rule, 0, 390), 3), whole);
    AttentionWorld last = all;
    last.shape.rows = 45;
    last.q.assign(all.q.end() - 45 * 4 * 64, all.q.end());
    EXPECT_EQ(onCpu(last, tilesOf(rule, 345, 390)),
              std::vector<float>(whole.end() - 45 * 4 * 64, whole.end()));
}

// What lies between sink and window has been left out; the same keys are seen.
TEST(Tiles, onTheLinearScratchAreTilesOnTheWholePrompt) {
    constexpr std::int64_t kSink = 10;
    constexpr std::int64_t kWindow = 60;
    constexpr std::int64_t kRows = 45;
    const TileRule rule{.sink = kSink, .window = kWindow, .dilation = 2};
    const AttentionWorld whole({.rows = kRows, .keys = 390, .heads = 4, .kvHeads = 2, .dim = 32});
    AttentionWorld scratch = whole;
    scratch.shape.keys = kSink + kWindow + kRows;
    const auto without = [&](const std::vector<float>& from) {
        std::vector<float> kept;
        for (std::int64_t head = 0; head < 2; ++head)
            for (std::int64_t j = 0; j < 390; ++j)
                if (j < kSink || j >= 390 - kRows - kWindow)
                    kept.insert(kept.end(), from.begin() + (head * 390 + j) * 32,
                                from.begin() + (head * 390 + j + 1) * 32);
        return kept;
    };
    scratch.k = without(whole.k);
    scratch.v = without(whole.v);
    const TileList list = tilesOf(rule, 390 - kRows, 390, {.sink = kSink, .gap = 390 - scratch.shape.keys});
    const std::vector<float> truth = byReference(whole, tilesOf(rule, 390 - kRows, 390));
    TilesShape at = shapeOf(whole.shape);
    at.keys = scratch.shape.keys;
    std::vector<float> out(whole.q.size());
    tilesCpu(at, viewOf(list), scratch.q.data(), scratch.keysValues(), out.data(), serially);
    EXPECT_LT(largestDifference(out, truth), 1e-5F);
}

TEST(Tiles, mayWriteOverTheirQueries) {
    AttentionWorld world({.rows = 200, .keys = 300, .heads = 4, .kvHeads = 2, .dim = 32});
    const TileList list = tilesOf({.sink = 5, .window = 60}, 100, 300);
    const std::vector<float> apart = onCpu(world, list);
    tilesCpu(shapeOf(world.shape), viewOf(list), world.q.data(), world.keysValues(), world.q.data(),
             serially);
    EXPECT_EQ(world.q, apart);
}

}  // namespace
}  // namespace fluxscope
