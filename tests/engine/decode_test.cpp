#include "engine/decode/decode.h"

#include "tests/engine/decode_world.h"

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <array>

namespace fluxscope {
namespace {

constexpr LayerIndex kFirst{0};

// The keys and values of a group's used slots, as they lie.
std::vector<at::Tensor> slotsOf(const KvCache& kv) {
    std::vector<at::Tensor> slots;
    for (std::int64_t l = 0; l < kv.layers(); ++l) {
        for (const KvGroup& group : kv.layer(LayerIndex::of(l)).groups) {
            const std::int64_t used = std::min(kv.length(), group.capacity());
            slots.push_back(group.k.slice(1, 0, used).clone());
            slots.push_back(group.v.slice(1, 0, used).clone());
        }
    }
    return slots;
}

bool sameBytes(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
    bool same = a.size() == b.size();
    for (std::size_t i = 0; same && i < a.size(); ++i) same = at::equal(a[i], b[i]);
    return same;
}

TEST(Decode, aRingWithRoomForAllIsAFullCache) {
    DecodeWorld world(3);
    const at::Tensor full = world.feed(world.cache(fullLayers(3)), 0, 40);
    EXPECT_TRUE(at::equal(world.feed(world.cache(ringLayers(3, 8, 32)), 0, 40), full));
    const at::Tensor mixed = world.feed(world.cache(mixedLayers(3, 4, 36)), 0, 40);
    EXPECT_TRUE(at::equal(mixed, full)) << "also where the heads lie in groups out of order";
    EXPECT_GT(largestDifference(world.feed(world.cache(ringLayers(3, 4, 8)), 0, 40), full), 1e-3F)
        << "and one without room is not";
}

TEST(Decode, aBatchIsEachSequenceAlone) {
    DecodeWorld world(3);
    const std::array<KeptByLayer, 3> decisions = {fullLayers(3), ringLayers(3, 4, 12), mixedLayers(3, 4, 12)};
    const std::array<std::int64_t, 3> lengths = {5, 30,
                                                 16};  // before the ring turns, after, and just about to
    std::vector<KvCache*> together;
    for (std::size_t i = 0; i < 3; ++i) {
        together.push_back(&world.cache(decisions[i]));
        world.feed(*together.back(), 0, lengths[i]);
    }
    Decode decode(world.model(), world.rotary(), together);
    for (std::int64_t n = 0; n < 10; ++n) {
        std::vector<TokenId> tokens;
        for (const std::int64_t length : lengths)
            tokens.push_back(DecodeWorld::text()[static_cast<std::size_t>(length + n)]);
        const at::Tensor logits = DecodeWorld::step(decode, tokens);
        for (std::size_t i = 0; i < 3; ++i) {
            const at::Tensor alone = world.feed(world.cache(decisions[i]), 0, lengths[i] + n + 1);
            EXPECT_LT(largestDifference(logits[static_cast<std::int64_t>(i)], alone[0]), 1e-4F)
                << "sequence " << i << " step " << n;
            EXPECT_EQ(together[i]->length(), lengths[i] + n + 1);
        }
    }
}

TEST(Decode, theOthersGoOnWhenSequencesEnd) {
    DecodeWorld world(2);
    std::vector<KvCache*> together;
    for (std::int64_t i = 0; i < 4; ++i) {
        together.push_back(&world.cache(i % 2 == 0 ? fullLayers(2) : ringLayers(2, 2, 6)));
        world.feed(*together.back(), 0, 10 + i);
    }
    Decode decode(world.model(), world.rotary(), together);
    const auto tokenAt = [](std::int64_t i) { return DecodeWorld::text()[static_cast<std::size_t>(i)]; };
    DecodeWorld::step(decode, std::array{tokenAt(10), tokenAt(11), tokenAt(12), tokenAt(13)});
    decode.retain(std::array<std::size_t, 2>{3, 0});
    const at::Tensor logits = DecodeWorld::step(decode, std::array{tokenAt(14), tokenAt(11)});
    EXPECT_LT(largestDifference(logits[0], world.feed(world.cache(ringLayers(2, 2, 6)), 0, 15)[0]), 1e-4F);
    EXPECT_LT(largestDifference(logits[1], world.feed(world.cache(fullLayers(2)), 0, 12)[0]), 1e-4F);
    EXPECT_EQ(together[1]->length(), 12) << "an ended sequence stays as it was";
}

// Whatever the ring has overwritten, surplus steps leave no trace.
TEST(Decode, stepsTakenBackHaveNeverBeen) {
    DecodeWorld world(2);
    for (const std::int64_t surplus : {1, 2}) {
        for (const std::int64_t length : {3, 11, 12, 13, 30}) {
            for (const KeptByLayer& kept : {fullLayers(2), ringLayers(2, 4, 8), mixedLayers(2, 4, 8)}) {
                KvCache& kv = world.cache(kept);
                world.feed(kv, 0, length);
                const std::vector<at::Tensor> before = slotsOf(kv);
                world.feed(kv, 90, 90 + surplus);  // other tokens than those that follow
                EXPECT_EQ(kv.length(), length + surplus);
                kv.rollback(surplus);
                EXPECT_EQ(kv.length(), length);
                EXPECT_TRUE(sameBytes(slotsOf(kv), before)) << surplus << " back to " << length;
                EXPECT_TRUE(at::equal(world.feed(kv, length, length + 5),
                                      world.feed(world.cache(kept), 0, length + 5)));
            }
        }
    }
}

TEST(Decode, takesStepsBackBetweenStepsOfOneDecode) {
    DecodeWorld world(2);
    KvCache& kv = world.cache(ringLayers(2, 2, 6));
    Decode decode(world.model(), world.rotary(), {&kv});
    const auto feed = [&](std::int64_t i) {
        return DecodeWorld::step(decode, {&DecodeWorld::text()[static_cast<std::size_t>(i)], 1});
    };
    for (std::int64_t i = 0; i < 20; ++i) feed(i);
    feed(70);
    kv.rollback(1);
    feed(20);
    feed(71);
    feed(72);
    kv.rollback(2);
    EXPECT_TRUE(at::equal(feed(21), world.feed(world.cache(ringLayers(2, 2, 6)), 0, 22)));
}

// Layer 0 sees the same keys whatever the layers do, so there its slots are those of a ring from the start, byte for byte.
TEST(Decode, aNarrowedLayerIsARingFromTheStart) {
    DecodeWorld world(1);
    for (const std::int64_t length : {2, 5, 11, 12, 13, 30, 44}) {
        KvCache& kv = world.cache(fullLayers(1));
        world.feed(kv, 0, length);
        kv.narrow(kFirst, 4, 8);
        KvCache& ring = world.cache(ringLayers(1, 4, 8));
        world.feed(ring, 0, length);
        EXPECT_TRUE(sameBytes(slotsOf(kv), slotsOf(ring))) << length;
        EXPECT_EQ(kv.bytes(), ring.bytes());
        EXPECT_TRUE(at::equal(world.feed(kv, length, length + 20), world.feed(ring, length, length + 20)))
            << length;
    }
}

TEST(Decode, stepsBeforeNarrowingCanStillBeTakenBack) {
    DecodeWorld world(1);
    for (const std::int64_t length : {5, 11, 12, 30}) {
        KvCache& kv = world.cache(fullLayers(1));
        world.feed(kv, 0, length + 2);
        kv.narrow(kFirst, 4, 8);
        kv.rollback(2);
        KvCache& ring = world.cache(ringLayers(1, 4, 8));
        world.feed(ring, 0, length);
        EXPECT_TRUE(sameBytes(slotsOf(kv), slotsOf(ring))) << length;
    }
}

TEST(Decode, narrowingSparesHeadsThatAreNarrowAlready) {
    DecodeWorld world(1);
    KvCache& kv = world.cache(mixedLayers(1, 4, 8));
    world.feed(kv, 0, 30);
    const void* ring = kv.layer(kFirst).groups[1].k.const_data_ptr();
    kv.narrow(kFirst, 4, 8);
    EXPECT_EQ(kv.layer(kFirst).groups[0].capacity(), 12);
    EXPECT_EQ(kv.layer(kFirst).groups[1].k.const_data_ptr(), ring);
    EXPECT_TRUE(at::equal(world.feed(kv, 30, 40), [&] {
        KvCache& whole = world.cache(ringLayers(1, 4, 8));
        world.feed(whole, 0, 30);
        return world.feed(whole, 30, 40);
    }()));
}

TEST(Decode, aNarrowedLayerGivesItsMemoryBack) {
    DecodeWorld world(1);
    KvCache kv(world.model().compute());
    const std::int64_t slots = std::int64_t{1} << 15;  // 2 heads of 32 numbers: a slab of its own
    KvLayer layer;
    layer.groups.push_back(
        {.kvHeads = {0, 1}, .k = kv.arena().take(2, slots, 32), .v = kv.arena().take(2, slots, 32)});
    const c10::Storage memory = layer.groups.front().k.storage();
    kv.addLayer(std::move(layer));
    kv.setLength(0);
    world.feed(kv, 0, 20);
    EXPECT_GT(memory.use_count(), 1U);
    kv.narrow(kFirst, 2, 6);
    EXPECT_EQ(memory.use_count(), 1U) << "only this test still holds it";
}

TEST(Decode, theTapSeesEachLayersQueriesBeforeTheyAreTurned) {
    DecodeWorld world(3);
    KvCache& a = world.cache(fullLayers(3));
    KvCache& b = world.cache(fullLayers(3));
    world.feed(b, 0, 7);  // the same token at another position
    std::vector<std::int32_t> layers;
    std::vector<at::Tensor> first;
    Decode decode(world.model(), world.rotary(), {&a, &b});
    DecodeWorld::step(decode, std::array{TokenId{11}, TokenId{11}},
                      [&](LayerIndex layer, const at::Tensor& queries) {
                          layers.push_back(layer.value());
                          if (layer == kFirst) first = {queries[0].clone(), queries[1].clone()};
                          EXPECT_EQ(queries.sizes().vec(), (std::vector<std::int64_t>{2, 4, 32}));
                      });
    EXPECT_EQ(layers, (std::vector<std::int32_t>{0, 1, 2}));
    EXPECT_LT(largestDifference(first[0], first[1]), 1e-5F) << "RoPE has not told them apart yet";
}

// Counted entry by entry: two sequences, three slots and twelve, of a layer whose heads keep 128 and 12.
TEST(Decode, pricesTheSlotsThatAreSeen) {
    struct Prices final : Observer {
        std::vector<cost::Cost> attention;
        void scopeClosed(const ScopeKey& key, const std::optional<cost::OpShape>& shape) override {
            if (key.op == Op::Attention) attention.push_back(costOf(*shape));
        }
    } prices;
    DecodeWorld world(1);
    KvCache& few = world.cache(fullLayers(1));
    KvCache& many = world.cache(mixedLayers(1, 4, 8));
    world.feed(few, 0, 2);
    world.feed(many, 0, 29);
    Decode decode(world.model(), world.rotary(), {&few, &many});
    decode.step(std::array{TokenId{1}, TokenId{2}},
                Tracer(prices, true, BatchIndex{}, Phase::Decode, StepIndex::of(1)));
    const std::int64_t slots = 3 + 3 + 30 + 12;
    ASSERT_EQ(prices.attention.size(), 1U);
    EXPECT_EQ(prices.attention[0].bytesRead, (2 * 4 * 32 + 2 * slots * 32) * 4);
    EXPECT_EQ(prices.attention[0].flops, 4 * slots * 2 * 32) << "two query heads read each KV head";
}

}  // namespace
}  // namespace fluxscope
