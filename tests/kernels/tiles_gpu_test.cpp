// Attention over lists of tiles and XAttention's choice against their references, on a GPU; skipped elsewhere.
#include "kernels/tiles/rule.h"
#include "kernels/xattention/xattention.h"
#include "tests/kernels/gpu.h"
#include "tests/kernels/xattention_world.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

TilesShape shapeOf(const AttentionWorld& world) {
    const cost::AttentionShape& s = world.shape;
    return {.begin = s.keys - s.rows,
            .end = s.keys,
            .keys = s.keys,
            .heads = s.heads,
            .kvHeads = s.kvHeads,
            .dim = s.dim,
            .type = s.type};
}

template <class T>
class GpuTiles : public GpuTest {
protected:
    // Numbers that T holds exactly, so that only the kernel rounds.
    static AttentionWorld exact(AttentionWorld world) {
        for (std::vector<float>* values : {&world.q, &world.k, &world.v})
            *values = widened(narrowed<T>(*values));
        world.shape.type = Element<T>::kType;
        return world;
    }

    struct OnDevice {
        explicit OnDevice(const AttentionWorld& world)
            : q(uploaded(narrowed<T>(world.q))),
              k(uploaded(narrowed<T>(world.k))),
              v(uploaded(narrowed<T>(world.v))),
              out(world.q.size() * sizeof(T)),
              kv(world.keysValues()) {
            kv.k = k.data();
            kv.v = v.data();
        }
        DeviceBuffer q, k, v, out;
        KeysValues kv;
    };

    static std::vector<float> attended(const AttentionWorld& world, const TileList& list) {
        const OnDevice there(world);
        const DeviceBuffer runs = uploaded(list.runs);
        const DeviceBuffer tiles = uploaded(list.tiles);
        const DeviceBuffer masks((list.masks.size() + 1) * sizeof(TileMask));
        require(cudaMemcpy(masks.data(), list.masks.data(), list.masks.size() * sizeof(TileMask),
                           cudaMemcpyHostToDevice));
        tilesCuda(shapeOf(world),
                  {list.lists, runs.template as<TileRun>(), tiles.template as<KeyTile>(),
                   masks.template as<TileMask>()},
                  there.q.data(), there.kv, there.out.data(), nullptr);
        return widened(there.out.template values<T>());
    }

    static std::vector<float> byReference(const AttentionWorld& world, const TileList& list) {
        std::vector<float> out(world.q.size());
        tilesReference(shapeOf(world), viewOf(list), world.q.data(), world.keysValues(), out.data());
        return out;
    }

    struct Chosen {
        std::vector<std::uint8_t> keep;
        std::vector<TileRun> runs;
        std::vector<KeyTile> tiles;
    };
    static Chosen chosen(const AttentionWorld& world, std::int64_t stride, double threshold) {
        const OnDevice there(world);
        const BlockEstimateShape s = estimateOf(world, stride);
        const auto lists = static_cast<std::size_t>(s.heads * queryBlocksOf(s));
        const auto flags = lists * static_cast<std::size_t>(keyBlocksOf(s));
        const DeviceBuffer scratch(static_cast<std::size_t>(selectScratchBytes(s)));
        const DeviceBuffer keep(flags);
        const DeviceBuffer runs(lists * sizeof(TileRun));
        const DeviceBuffer tiles(flags * 2 * sizeof(KeyTile));
        selectBlocksCuda(s, threshold, there.q.data(), there.kv, scratch.data(),
                         keep.template as<std::uint8_t>(), runs.template as<TileRun>(),
                         tiles.template as<KeyTile>(), nullptr);
        return {keep.template values<std::uint8_t>(), runs.template values<TileRun>(),
                tiles.template values<KeyTile>()};
    }
};
TYPED_TEST_SUITE(GpuTiles, Elements);

std::vector<cost::AttentionShape> shapes() {
    std::vector<cost::AttentionShape> all;
    for (const auto& [rows, keys] :
         std::vector<std::pair<int, int>>{{1, 1}, {3, 3}, {1, 300}, {300, 300}, {70, 390}, {200, 1000}})
        for (const auto& [heads, kvHeads] : std::vector<std::pair<int, int>>{{1, 1}, {4, 2}, {6, 1}})
            for (const int dim : {2, 20, 32, 64, 80, 128, 256})
                all.push_back({.rows = rows, .keys = keys, .heads = heads, .kvHeads = kvHeads, .dim = dim});
    return all;
}

TYPED_TEST(GpuTiles, areTheReference) {
    for (const TileRule& rule :
         {TileRule{.sink = 5, .window = 40, .denseFrom = 350},
          TileRule{.sink = 128, .window = 1, .block = 128}, TileRule{.sink = 3, .window = 90, .dilation = 3},
          TileRule{.sink = 16, .window = 2, .block = 16, .drawn = 3, .draw = 9},
          TileRule{.denseFrom = 0, .modelWindow = 100}, TileRule{.denseFrom = 0}})
        for (const cost::AttentionShape& shape : shapes()) {
            const AttentionWorld world = this->exact(AttentionWorld(shape));
            const TileList list = tilesOf(rule, shape.keys - shape.rows, shape.keys);
            EXPECT_LT(largestDifference(this->attended(world, list), this->byReference(world, list)),
                      Element<TypeParam>::kTolerance)
                << nameOf(shape) << " by sink " << rule.sink << " window " << rule.window;
        }
}

TYPED_TEST(GpuTiles, takeAListForEachHeadAndGiveTheSameBits) {
    const AttentionWorld world =
        this->exact(AttentionWorld({.rows = 600, .keys = 700, .heads = 8, .kvHeads = 2, .dim = 128}));
    std::vector<std::uint8_t> keep;
    for (std::int64_t h = 0; h < 8; ++h)
        for (std::int64_t t = 0; t < 6; ++t)
            for (std::int64_t b = 0; b < 6; ++b)
                keep.push_back(b == t || (b < t && (b + t + h) % 2 == 0) ? 1 : 0);
    const TileList list = tilesOfBlocks({.denseFrom = 0}, 100, 700, 8, keep);
    const std::vector<float> out = this->attended(world, list);
    EXPECT_LT(largestDifference(out, this->byReference(world, list)), Element<TypeParam>::kTolerance);
    EXPECT_EQ(this->attended(world, list), out);
}

TYPED_TEST(GpuTiles, largeScoresDoNotOverflow) {
    AttentionWorld world({.rows = 200, .keys = 200, .heads = 2, .kvHeads = 1, .dim = 64});
    for (float& q : world.q) q *= 1e3F;
    for (const float value : this->attended(this->exact(world), tilesOf({.sink = 1, .window = 50}, 0, 200)))
        ASSERT_TRUE(std::isfinite(value));
}

// The flags are the reference's but for ties, and the list that comes with them is the flags'.
TYPED_TEST(GpuTiles, areThoseThatXAttentionChooses) {
    for (const auto& [rows, keys] : std::vector<std::pair<int, int>>{
             {1, 1}, {3, 3}, {128, 128}, {129, 129}, {44, 300}, {700, 700}, {316, 700}, {200, 1480}})
        for (const auto& [heads, kvHeads] : std::vector<std::pair<int, int>>{{1, 1}, {4, 2}})
            for (const int dim : {20, 64, 128, 256})
                for (const std::int64_t stride : {2, 8, 16, 128})
                    for (const double threshold : {0.3, 0.9, 1.0}) {
                        const AttentionWorld world = this->exact(uneven(
                            {.rows = rows, .keys = keys, .heads = heads, .kvHeads = kvHeads, .dim = dim}));
                        const BlockEstimateShape s = estimateOf(world, stride);
                        const BlockChoice truth = chosenByReference(world, stride, threshold);
                        const auto mine = this->chosen(world, stride, threshold);
                        const std::string name = nameOf(world.shape) + " stride " + std::to_string(stride) +
                                                 " threshold " + std::to_string(threshold);
                        const std::int64_t blocks = keyBlocksOf(s);
                        for (std::size_t i = 0; i < mine.keep.size(); ++i) {
                            if (mine.keep[i] == truth.keep[i]) continue;
                            const auto row = static_cast<std::int64_t>(i) / blocks;
                            const std::int64_t own = s.begin / 128 + row % queryBlocksOf(s);
                            EXPECT_TRUE(isTie(truth.weights.data() + row * blocks, own, threshold,
                                              static_cast<std::int64_t>(i) % blocks))
                                << name << " flag " << i;
                        }
                        const TileList list =
                            tilesOfBlocks({.denseFrom = 0}, s.begin, s.end, s.heads, mine.keep);
                        for (std::size_t l = 0; l < list.runs.size(); ++l) {
                            const TileRun& wanted = list.runs[l];
                            ASSERT_EQ(mine.runs.at(l).count, wanted.count) << name << " list " << l;
                            for (std::int64_t t = 0; t < wanted.count; ++t) {
                                const KeyTile& tile = mine.tiles.at(mine.runs[l].first + t);
                                EXPECT_EQ(tile.key, list.tiles.at(wanted.first + t).key) << name;
                                const bool isOwn =
                                    tile.key / 2 ==
                                    s.begin / 128 + static_cast<std::int64_t>(l) % queryBlocksOf(s);
                                EXPECT_EQ(tile.mask, isOwn ? tile.key % 2 : KeyTile::kWhole) << name;
                            }
                        }
                    }
}

}  // namespace
}  // namespace fluxscope
