#include "kernels/cost/attention.h"

#include <gtest/gtest.h>

#include <set>

namespace fluxscope::cost {
namespace {

struct Counted {
    std::int64_t pairs = 0;
    std::int64_t keys = 0;
};

// The definition in the header, counted pair by pair.
Counted countOneByOne(const AttentionShape& s) {
    Counted counted;
    std::set<std::int64_t> seen;
    for (std::int64_t r = 0; r < s.rows; ++r) {
        const std::int64_t p = s.keys - s.rows + r;
        for (std::int64_t j = 0; j <= p; ++j) {
            if (j >= s.sink && p - j >= s.window) continue;
            ++counted.pairs;
            seen.insert(j);
        }
    }
    counted.keys = std::ssize(seen);
    return counted;
}

TEST(AttentionCost, countsVisiblePairsAndKeysAsTheDefinitionDoes) {
    for (const std::int64_t keys : {1, 2, 5, 9, 20}) {
        for (std::int64_t rows = 1; rows <= keys; ++rows) {
            for (const std::int64_t sink : {0, 1, 3, 8}) {
                for (const std::int64_t window : {1, 2, 4, 30}) {
                    const AttentionShape shape{.rows = rows,
                                               .keys = keys,
                                               .heads = 1,
                                               .kvHeads = 1,
                                               .dim = 1,
                                               .sink = sink,
                                               .window = window};
                    const Counted expected = countOneByOne(shape);
                    const auto label = testing::Message() << "keys " << keys << " rows " << rows << " sink "
                                                          << sink << " window " << window;
                    EXPECT_EQ(visiblePairs(shape), expected.pairs) << label;
                    EXPECT_EQ(visibleKeys(shape), expected.keys) << label;
                }
            }
        }
    }
}

TEST(AttentionCost, ofDenseDecodeReadsTheWholeCacheOnce) {
    const AttentionShape shape = denseShape(1, 1000, 8, 2, 64, DType::BF16);
    const Cost cost = costOf(shape);
    EXPECT_EQ(cost.bytesRead, (8 * 64 + 2 * 1000 * 2 * 64) * 2);
    EXPECT_EQ(cost.bytesWritten, 8 * 64 * 2);
    EXPECT_EQ(cost.flops, 4 * 1000 * 8 * 64);
}

}  // namespace
}  // namespace fluxscope::cost
