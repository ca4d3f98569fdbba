#include "kernels/kv_write/kv_write.h"

#include "tests/kernels/slot_world.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

constexpr std::int64_t kDim = 6;

std::vector<float> filled(std::int64_t count, float value) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = value + static_cast<float>(i);
    return values;
}

std::vector<float> rowOf(const std::vector<float>& values, std::int64_t row) {
    return {values.begin() + row * kDim, values.begin() + (row + 1) * kDim};
}

TEST(BeginStep, growsEveryLengthAndTellsWhereTheTokensStand) {
    std::vector<KvSlot> table(2 * 2 * 3);  // [layers, sequences, kvHeads]
    for (std::size_t i = 0; i < table.size(); ++i) table[i].length = i / 3 % 2 == 0 ? 5 : 40;
    std::vector<std::int64_t> positions(2);
    beginStep({.layers = 2, .sequences = 2, .kvHeads = 3}, table.data(), positions.data());
    EXPECT_EQ(positions, (std::vector<std::int64_t>{5, 40}));
    for (std::size_t i = 0; i < table.size(); ++i) EXPECT_EQ(table[i].length, i / 3 % 2 == 0 ? 6 : 41);
}

TEST(KvWrite, putsTheNewestRowIntoItsSlotAndSavesWhatWasThere) {
    for (const bool reference : {true, false}) {
        // A ring of 2 behind a sink of 2: position 9 stands in slot 2 + (9 - 2) mod 2 = 3. And a full head: in slot 9.
        SlotWorld world({.sequences = 1, .heads = 2, .kvHeads = 2, .dim = kDim}, {{4, 2, 10}, {16, 0, 10}});
        const auto before = world.k;
        const auto beforeV = world.v;
        const auto undoBefore = world.undoK;
        const std::vector<float> k = filled(2 * kDim, 100);
        const std::vector<float> v = filled(2 * kDim, 200);
        const KvWriteShape shape{
            .sequences = 1, .kvHeads = 2, .dim = kDim, .kStride = 2 * kDim, .vStride = 2 * kDim};
        if (reference)
            kvWriteReference(shape, k.data(), v.data(), world.table.data());
        else
            kvWriteCpu(shape, k.data(), v.data(), world.table.data());

        EXPECT_EQ(rowOf(world.k[0], 3), rowOf(k, 0));
        EXPECT_EQ(rowOf(world.v[0], 3), rowOf(v, 0));
        EXPECT_EQ(rowOf(world.k[1], 9), rowOf(k, 1));
        EXPECT_EQ(rowOf(world.v[1], 9), rowOf(v, 1));
        for (const std::int64_t kept : {0, 1, 2}) EXPECT_EQ(rowOf(world.k[0], kept), rowOf(before[0], kept));
        EXPECT_EQ(rowOf(world.undoK[0], 1), rowOf(before[0], 3)) << "position 9 saves to place 1";
        EXPECT_EQ(rowOf(world.undoV[0], 1), rowOf(beforeV[0], 3));
        EXPECT_EQ(rowOf(world.undoK[0], 0), rowOf(undoBefore[0], 0)) << "position 8's place is left alone";
    }
}

// Rows may be columns of one product of q, k and v.
TEST(KvWrite, readsRowsThatLieApart) {
    const std::vector<float> rows = filled(3 * 5 * kDim, 0);
    for (const bool reference : {true, false}) {
        SlotWorld world({.sequences = 3, .heads = 1, .kvHeads = 1, .dim = kDim},
                        {{8, 0, 1}, {8, 0, 2}, {8, 0, 3}});
        const KvWriteShape shape{
            .sequences = 3, .kvHeads = 1, .dim = kDim, .kStride = 5 * kDim, .vStride = 5 * kDim};
        const float* k = rows.data() + 3 * kDim;
        const float* v = rows.data() + 4 * kDim;
        if (reference)
            kvWriteReference(shape, k, v, world.table.data());
        else
            kvWriteCpu(shape, k, v, world.table.data());
        for (std::int64_t n = 0; n < 3; ++n) {
            EXPECT_EQ(rowOf(world.k[static_cast<std::size_t>(n)], n), rowOf(rows, 5 * n + 3));
            EXPECT_EQ(rowOf(world.v[static_cast<std::size_t>(n)], n), rowOf(rows, 5 * n + 4));
        }
    }
}

}  // namespace
}  // namespace fluxscope
