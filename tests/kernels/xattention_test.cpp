#include "kernels/xattention/xattention.h"

#include "tests/kernels/cpu.h"
#include "tests/kernels/xattention_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace fluxscope {
namespace {

template <class T = float>
std::vector<std::uint8_t> onCpu(const AttentionWorld& world, std::int64_t stride, double threshold,
                                int threads = 1) {
    const BlockEstimateShape s = estimateOf(world, stride);
    const std::vector<T> q = converted<T>(world.q);
    const std::vector<T> k = converted<T>(world.k);
    KeysValues kv = world.keysValues();
    kv.k = k.data();
    std::vector<std::uint8_t> keep(static_cast<std::size_t>(s.heads * queryBlocksOf(s) * keyBlocksOf(s)), 9);
    selectBlocksCpu(s, threshold, q.data(), kv, keep.data(), onThreads(threads));
    return keep;
}

TEST(KeepBlocks, takesTheHeaviestUntilTheThreshold) {
    const auto kept = [](std::vector<double> weights, double threshold) {
        std::vector<std::uint8_t> keep(weights.size(), 9);
        keepBlocks(weights, threshold, keep.data());
        return std::string(keep.begin(), keep.end());
    };
    const auto flags = [](const char* text) {
        std::string bytes = text;
        for (char& c : bytes) c = static_cast<char>(c - '0');
        return bytes;
    };
    EXPECT_EQ(kept({1}, 0.9), flags("1"));
    EXPECT_EQ(kept({1, 0}, 0.9), flags("11"));               // first and own, whatever they weigh
    EXPECT_EQ(kept({4, 3, 1, 2, 0}, 0.5), flags("11001"));   // 4 + 3 of 10 reach 5
    EXPECT_EQ(kept({4, 3, 1, 2, 0}, 0.4), flags("10001"));   // 4 are enough
    EXPECT_EQ(kept({4, 3, 1, 2, 0}, 0.71), flags("11011"));  // 7 are not
    EXPECT_EQ(kept({1, 2, 2, 2, 1}, 0.5), flags("11001"));   // equal ones: the earlier
    EXPECT_EQ(kept({1, 0, 3, 0, 1}, 1.0), flags("10101"));   // blocks without weight never follow
}

TEST(SelectBlocks, weighsEachRowOfTheGridOnce) {
    for (const std::int64_t stride : {8, 16, 64}) {
        const AttentionWorld world({.rows = 300, .keys = 428, .heads = 2, .kvHeads = 1, .dim = 16});
        const BlockChoice choice = chosenByReference(world, stride, 0.9);
        const std::int64_t keyBlocks = 4;
        for (std::int64_t row = 0; row < 2 * 3; ++row) {  // heads x query blocks
            const double sum = std::accumulate(choice.weights.begin() + row * keyBlocks,
                                               choice.weights.begin() + (row + 1) * keyBlocks, 0.0);
            const std::int64_t positions = row % 3 == 2 ? 428 - 384 : 128;
            const std::int64_t gridRows = (positions + stride - 1) / stride;
            EXPECT_NEAR(sum, static_cast<double>(gridRows), 1e-9);
        }
    }
}

TEST(SelectBlocks, isTheReference) {
    for (const auto& [rows, keys] : std::vector<std::pair<int, int>>{
             {1, 1}, {3, 3}, {128, 128}, {129, 129}, {44, 300}, {700, 700}, {316, 700}})
        for (const auto& [heads, kvHeads] : std::vector<std::pair<int, int>>{{1, 1}, {4, 2}})
            for (const int dim : {20, 64})
                for (const std::int64_t stride : {8, 16, 128})
                    for (const double threshold : {0.3, 0.9, 1.0}) {
                        const AttentionWorld world = uneven(
                            {.rows = rows, .keys = keys, .heads = heads, .kvHeads = kvHeads, .dim = dim});
                        EXPECT_EQ(onCpu(world, stride, threshold),
                                  chosenByReference(world, stride, threshold).keep)
                            << nameOf(world.shape) << " stride " << stride << " threshold " << threshold;
                    }
}

TEST(SelectBlocks, leavesSomethingOutAndKeepsTheEnds) {
    const AttentionWorld world = uneven({.rows = 1000, .keys = 1000, .heads = 2, .kvHeads = 1, .dim = 32});
    const std::vector<std::uint8_t> keep = chosenByReference(world, 16, 0.6).keep;
    std::int64_t kept = 0;
    for (std::int64_t head = 0; head < 2; ++head)
        for (std::int64_t block = 0; block < 8; ++block) {
            const std::uint8_t* row = keep.data() + (head * 8 + block) * 8;
            EXPECT_EQ(row[0], 1);
            EXPECT_EQ(row[block], 1);
            for (std::int64_t b = block + 1; b < 8; ++b) EXPECT_EQ(row[b], 0) << "behind the query";
            kept += std::accumulate(row, row + 8, 0);
        }
    EXPECT_LT(kept, 2 * 36);
    EXPECT_GT(kept, 2 * 15);
}

TEST(SelectBlocks, choosesTheSameInChunks) {
    const AttentionWorld whole = uneven({.rows = 700, .keys = 700, .heads = 4, .kvHeads = 2, .dim = 32});
    const std::vector<std::uint8_t> truth = onCpu(whole, 16, 0.8);
    EXPECT_EQ(onCpu(whole, 16, 0.8, 3), truth);
    for (const std::int64_t chunk : {128, 384})
        for (std::int64_t begin = 0; begin < 700; begin += chunk) {
            const std::int64_t end = std::min<std::int64_t>(begin + chunk, 700);
            BlockEstimateShape s = estimateOf(whole, 16);
            s.begin = begin;
            s.end = end;
            const std::int64_t keyBlocks = keyBlocksOf(s);
            std::vector<std::uint8_t> keep(static_cast<std::size_t>(4 * queryBlocksOf(s) * keyBlocks));
            selectBlocksCpu(s, 0.8, whole.q.data() + begin * 4 * 32, whole.keysValues(), keep.data(),
                            serially);
            for (std::int64_t h = 0; h < 4; ++h)
                for (std::int64_t b = 0; b < queryBlocksOf(s); ++b)
                    for (std::int64_t k = 0; k < keyBlocks; ++k)
                        EXPECT_EQ(keep[(h * queryBlocksOf(s) + b) * keyBlocks + k],
                                  truth[(h * 6 + begin / 128 + b) * 6 + k]);
        }
}

TEST(SelectBlocks, reads16Bits) {
    const auto check = [&]<class T>(T, cost::DType type) {
        AttentionWorld world = uneven({.rows = 400, .keys = 400, .heads = 2, .kvHeads = 1, .dim = 64});
        for (std::vector<float>* values : {&world.q, &world.k})
            *values = converted<float>(converted<T>(*values));
        world.shape.type = type;
        EXPECT_EQ(onCpu<T>(world, 16, 0.9), chosenByReference(world, 16, 0.9).keep);
    };
    check(TestBf16{}, cost::DType::BF16);
    check(TestF16{}, cost::DType::F16);
}

}  // namespace
}  // namespace fluxscope
