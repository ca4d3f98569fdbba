#include "kernels/slot_decode/slot_decode.h"

#include "kernels/streaming/streaming.h"
#include "tests/kernels/cpu.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

void slotDecodeSerially(const SlotDecodeShape& shape, const float* q, const KvSlot* table, float* out) {
    slotDecodeCpu(shape, q, table, out, serially);
}

TEST(SlotOf, keepsTheSinkAndTurnsTheRest) {
    std::vector<std::int64_t> slots;
    for (std::int64_t position = 0; position < 14; ++position) slots.push_back(slotOf(position, 6, 2));
    EXPECT_EQ(slots, (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 2, 3, 4, 5, 2, 3, 4, 5}));
}

// Positions written one by one into slots, as decoding does.
struct Slots {
    std::int64_t capacity;
    std::int64_t sink;
    std::vector<float> k, v;
    std::vector<KvSlot> table;

    Slots(const AttentionWorld& world, std::int64_t slotCapacity, std::int64_t sinkSlots)
        : capacity(slotCapacity), sink(sinkSlots) {
        const cost::AttentionShape& s = world.shape;
        k.resize(static_cast<std::size_t>(s.kvHeads * capacity * s.dim),
                 NAN);  // a slot never written must not be read
        v.resize(k.size(), NAN);
        for (std::int64_t head = 0; head < s.kvHeads; ++head) {
            for (std::int64_t p = 0; p < s.keys; ++p) {
                const std::int64_t to = (head * capacity + slotOf(p, capacity, sink)) * s.dim;
                const std::int64_t from = (head * s.keys + p) * s.dim;
                std::copy_n(world.k.begin() + from, s.dim, k.begin() + to);
                std::copy_n(world.v.begin() + from, s.dim, v.begin() + to);
            }
            table.push_back({k.data() + head * capacity * s.dim, v.data() + head * capacity * s.dim, capacity,
                             sink, s.keys});
        }
    }
};

TEST(SlotDecode, overSinkAndRingIsStreamingAttention) {
    for (const std::int64_t keys : {1, 5, 19, 20, 21, 57, 200}) {
        const AttentionWorld world(
            {.rows = 1, .keys = keys, .heads = 4, .kvHeads = 2, .dim = 32, .sink = 4, .window = 16});
        const Slots slots(world, 20, 4);
        std::vector<float> truth(world.q.size());
        streamingReference(world.shape, world.q.data(), world.keysValues(), truth.data());
        const SlotDecodeShape shape{.sequences = 1, .heads = 4, .kvHeads = 2, .dim = 32};
        for (const auto kernel : {slotDecodeReference, slotDecodeSerially}) {
            std::vector<float> out(world.q.size(), NAN);
            kernel(shape, world.q.data(), slots.table.data(), out.data());
            EXPECT_LT(largestDifference(out, truth), 1e-5F) << keys << " keys";
        }
    }
}

// Two sequences of different length and decision in one call.
TEST(SlotDecode, takesEachHeadsSlotsFromTheTable) {
    const AttentionWorld first(
        {.rows = 1, .keys = 50, .heads = 4, .kvHeads = 2, .dim = 20, .sink = 2, .window = 6}, 1);
    const AttentionWorld second(
        {.rows = 1, .keys = 9, .heads = 4, .kvHeads = 2, .dim = 20, .sink = 0, .window = 9}, 2);
    const Slots ring(first, 8, 2);
    const Slots full(second, 64, 0);
    std::vector<KvSlot> table = ring.table;
    table.insert(table.end(), full.table.begin(), full.table.end());
    std::vector<float> q = first.q;
    q.insert(q.end(), second.q.begin(), second.q.end());
    std::vector<float> truth(q.size());
    streamingReference(first.shape, first.q.data(), first.keysValues(), truth.data());
    streamingReference(second.shape, second.q.data(), second.keysValues(), truth.data() + first.q.size());
    const SlotDecodeShape shape{.sequences = 2, .heads = 4, .kvHeads = 2, .dim = 20};
    for (const auto kernel : {slotDecodeReference, slotDecodeSerially}) {
        std::vector<float> out(q.size(), NAN);
        kernel(shape, q.data(), table.data(), out.data());
        EXPECT_LT(largestDifference(out, truth), 1e-5F);
    }
}

// Slots are shared out in parts, which are merged: around one part and around several, for all sizes of groups.
TEST(SlotDecode, isTheReferenceHoweverManyPartsThereAre) {
    for (const std::int64_t keys : {1023, 1024, 1025, 2500}) {
        for (const std::int64_t heads : {2, 6, 8, 16}) {
            for (const std::int64_t dim : {20, 32, 128}) {
                const AttentionWorld world({.rows = 1,
                                            .keys = keys,
                                            .heads = heads,
                                            .kvHeads = 2,
                                            .dim = dim,
                                            .sink = 0,
                                            .window = keys});
                const Slots slots(world, 2600, 0);
                const SlotDecodeShape shape{.sequences = 1, .heads = heads, .kvHeads = 2, .dim = dim};
                std::vector<float> truth(world.q.size());
                slotDecodeReference(shape, world.q.data(), slots.table.data(), truth.data());
                std::vector<float> out(world.q.size(), NAN);
                slotDecodeCpu(shape, world.q.data(), slots.table.data(), out.data(), serially);
                EXPECT_LT(largestDifference(out, truth), 1e-5F) << nameOf(world.shape);
                std::vector<float> together(world.q.size(), NAN);
                slotDecodeCpu(shape, world.q.data(), slots.table.data(), together.data(), onThreads(3));
                EXPECT_EQ(together, out) << nameOf(world.shape);
            }
        }
    }
}

TEST(SlotDecode, isTheReferenceInBf16) {
    for (const std::int64_t keys : {1, 70, 1500}) {
        const AttentionWorld world = worldIn<TestBf16>(
            {.rows = 1, .keys = keys, .heads = 8, .kvHeads = 2, .dim = 32, .sink = 0, .window = keys},
            cost::DType::BF16);
        const Slots slots(world, keys, 0);
        const SlotDecodeShape shape{
            .sequences = 1, .heads = 8, .kvHeads = 2, .dim = 32, .type = cost::DType::BF16};
        std::vector<float> truth(world.q.size());
        slotDecodeReference(shape, world.q.data(), slots.table.data(), truth.data());

        const std::vector<TestBf16> q = converted<TestBf16>(world.q);
        std::vector<TestBf16> k = converted<TestBf16>(slots.k);
        std::vector<TestBf16> v = converted<TestBf16>(slots.v);
        std::vector<KvSlot> table = slots.table;
        for (std::int64_t head = 0; head < 2; ++head) {
            table[static_cast<std::size_t>(head)].k = k.data() + head * keys * 32;
            table[static_cast<std::size_t>(head)].v = v.data() + head * keys * 32;
        }
        std::vector<TestBf16> out(q.size());
        slotDecodeCpu(shape, q.data(), table.data(), out.data(), serially);
        EXPECT_LT(largestDifference(converted<float>(out), truth), toleranceOf(cost::DType::BF16))
            << keys << " keys";
    }
}

}  // namespace
}  // namespace fluxscope
