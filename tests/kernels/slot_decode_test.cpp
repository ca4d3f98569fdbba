#include "kernels/slot_decode/slot_decode.h"

#include "kernels/streaming/streaming.h"
#include "tests/kernels/world.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

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
        for (const auto kernel : {slotDecodeReference, slotDecodeCpu}) {
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
    for (const auto kernel : {slotDecodeReference, slotDecodeCpu}) {
        std::vector<float> out(q.size(), NAN);
        kernel(shape, q.data(), table.data(), out.data());
        EXPECT_LT(largestDifference(out, truth), 1e-5F);
    }
}

}  // namespace
}  // namespace fluxscope
