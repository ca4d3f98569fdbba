#include "kernels/dense/dense.h"
#include "kernels/streaming/streaming.h"
#include "tests/kernels/world.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace fluxscope {
namespace {

using Kernel = void (*)(const cost::AttentionShape&, const float*, const KeysValues&, float*);

std::vector<float> computed(Kernel kernel, const AttentionWorld& world) {
    std::vector<float> out(world.q.size(), NAN);
    kernel(world.shape, world.q.data(), world.keysValues(), out.data());
    return out;
}

TEST(Dense, isAMaskedSoftmax) {
    for (const cost::AttentionShape& shape : edgeShapes()) {
        const AttentionWorld world(shape);
        const auto truth = world.masked([](std::int64_t p, std::int64_t j) { return j <= p; });
        EXPECT_LT(largestDifference(computed(denseReference, world), truth), 1e-6F) << nameOf(shape);
        EXPECT_LT(largestDifference(computed(denseCpu, world), truth), 1e-5F) << nameOf(shape);
    }
}

TEST(Streaming, isAMaskedSoftmax) {
    for (const cost::AttentionShape& shape : edgeShapes()) {
        const AttentionWorld world(shape);
        const auto truth = world.masked([&](std::int64_t p, std::int64_t j) {
            return j <= p && (j < shape.sink || p - j < shape.window);
        });
        EXPECT_LT(largestDifference(computed(streamingReference, world), truth), 1e-6F) << nameOf(shape);
        EXPECT_LT(largestDifference(computed(streamingCpu, world), truth), 1e-5F) << nameOf(shape);
    }
}

TEST(Streaming, withAWindowOverAllKeysIsDense) {
    for (cost::AttentionShape shape : edgeShapes()) {
        shape.window = shape.keys;
        const AttentionWorld world(shape);
        EXPECT_EQ(computed(streamingReference, world), computed(denseReference, world)) << nameOf(shape);
        EXPECT_EQ(computed(streamingCpu, world), computed(denseCpu, world)) << nameOf(shape);
    }
}

TEST(Streaming, withASinkBeyondTheKeysIsDense) {
    const AttentionWorld world(
        {.rows = 9, .keys = 30, .heads = 4, .kvHeads = 2, .dim = 32, .sink = 64, .window = 2});
    EXPECT_LT(largestDifference(computed(streamingReference, world), computed(denseReference, world)), 1e-6F);
}

// A chunk's queries see the same keys when what lies between sink and window has been left out.
TEST(Streaming, onTheLinearScratchIsStreamingOnTheWholePrompt) {
    constexpr std::int64_t kSink = 5;
    constexpr std::int64_t kWindow = 12;
    const AttentionWorld whole(
        {.rows = 6, .keys = 90, .heads = 4, .kvHeads = 2, .dim = 32, .sink = kSink, .window = kWindow});
    AttentionWorld scratch = whole;
    scratch.shape.keys = kSink + kWindow + 6;
    const auto without = [&](const std::vector<float>& from) {
        std::vector<float> kept;
        for (std::int64_t head = 0; head < 2; ++head)
            for (std::int64_t j = 0; j < 90; ++j)
                if (j < kSink || j >= 90 - 6 - kWindow)
                    kept.insert(kept.end(), from.begin() + (head * 90 + j) * 32,
                                from.begin() + (head * 90 + j + 1) * 32);
        return kept;
    };
    scratch.k = without(whole.k);
    scratch.v = without(whole.v);
    EXPECT_EQ(computed(streamingReference, scratch), computed(streamingReference, whole));
    EXPECT_EQ(computed(streamingCpu, scratch), computed(streamingCpu, whole));
}

TEST(Prefill, mayWriteOverItsQueries) {
    for (const Kernel kernel : {denseReference, denseCpu, streamingReference, streamingCpu}) {
        AttentionWorld world(
            {.rows = 8, .keys = 20, .heads = 4, .kvHeads = 2, .dim = 32, .sink = 2, .window = 6});
        const std::vector<float> apart = computed(kernel, world);
        kernel(world.shape, world.q.data(), world.keysValues(), world.q.data());
        EXPECT_EQ(world.q, apart);
    }
}

TEST(Prefill, aRowDoesNotDependOnTheRowsBesideIt) {
    for (const Kernel kernel : {denseCpu, streamingCpu}) {
        const AttentionWorld all(
            {.rows = 30, .keys = 30, .heads = 2, .kvHeads = 1, .dim = 32, .sink = 3, .window = 7});
        AttentionWorld last = all;
        last.shape.rows = 1;
        last.q.assign(all.q.end() - 64, all.q.end());
        const std::vector<float> rows = computed(kernel, all);
        EXPECT_EQ(computed(kernel, last), std::vector<float>(rows.end() - 64, rows.end()));
    }
}

TEST(Prefill, largeScoresDoNotOverflow) {
    AttentionWorld world(
        {.rows = 4, .keys = 16, .heads = 1, .kvHeads = 1, .dim = 32, .sink = 1, .window = 8});
    for (float& value : world.q) value *= 1e4F;
    for (const Kernel kernel : {denseReference, denseCpu, streamingReference, streamingCpu}) {
        const std::vector<float> out = computed(kernel, world);
        EXPECT_TRUE(std::all_of(out.begin(), out.end(), [](float x) { return std::isfinite(x); }));
    }
}

}  // namespace
}  // namespace fluxscope
