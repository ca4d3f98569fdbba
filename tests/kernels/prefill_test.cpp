#include "kernels/dense/dense.h"
#include "kernels/streaming/streaming.h"
#include "tests/kernels/cpu.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>

namespace fluxscope {
namespace {

using Kernel = void (*)(const cost::AttentionShape&, const float*, const KeysValues&, float*);
using CpuKernel = void (*)(const cost::AttentionShape&, const void*, const KeysValues&, void*,
                           const ParallelFor&);

void denseSerially(const cost::AttentionShape& shape, const float* q, const KeysValues& kv, float* out) {
    denseCpu(shape, q, kv, out, serially);
}
void streamingSerially(const cost::AttentionShape& shape, const float* q, const KeysValues& kv, float* out) {
    streamingCpu(shape, q, kv, out, serially);
}

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
        EXPECT_LT(largestDifference(computed(denseSerially, world), truth), 1e-5F) << nameOf(shape);
    }
}

TEST(Streaming, isAMaskedSoftmax) {
    for (const cost::AttentionShape& shape : edgeShapes()) {
        const AttentionWorld world(shape);
        const auto truth = world.masked([&](std::int64_t p, std::int64_t j) {
            return j <= p && (j < shape.sink || p - j < shape.window);
        });
        EXPECT_LT(largestDifference(computed(streamingReference, world), truth), 1e-6F) << nameOf(shape);
        EXPECT_LT(largestDifference(computed(streamingSerially, world), truth), 1e-5F) << nameOf(shape);
    }
}

TEST(Streaming, withAWindowOverAllKeysIsDense) {
    for (cost::AttentionShape shape : edgeShapes()) {
        shape.window = shape.keys;
        const AttentionWorld world(shape);
        EXPECT_EQ(computed(streamingReference, world), computed(denseReference, world)) << nameOf(shape);
        EXPECT_EQ(computed(streamingSerially, world), computed(denseSerially, world)) << nameOf(shape);
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
    // Its tiles of keys begin elsewhere, so the sums are rounded elsewhere.
    EXPECT_LT(largestDifference(computed(streamingSerially, scratch), computed(streamingSerially, whole)),
              1e-6F);
}

TEST(Prefill, mayWriteOverItsQueries) {
    for (const Kernel kernel : {denseReference, denseSerially, streamingReference, streamingSerially}) {
        AttentionWorld world(
            {.rows = 8, .keys = 20, .heads = 4, .kvHeads = 2, .dim = 32, .sink = 2, .window = 6});
        const std::vector<float> apart = computed(kernel, world);
        kernel(world.shape, world.q.data(), world.keysValues(), world.q.data());
        EXPECT_EQ(world.q, apart);
    }
}

TEST(Prefill, aRowDoesNotDependOnTheRowsBesideIt) {
    for (const Kernel kernel : {denseSerially, streamingSerially}) {
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
    for (const Kernel kernel : {denseReference, denseSerially, streamingReference, streamingSerially}) {
        const std::vector<float> out = computed(kernel, world);
        EXPECT_TRUE(std::all_of(out.begin(), out.end(), [](float x) { return std::isfinite(x); }));
    }
}

// Tiles of queries and keys that begin and end everywhere: inside, at and beyond a tile of 64 keys and of 128 queries.
std::vector<cost::AttentionShape> tileShapes() {
    std::vector<cost::AttentionShape> shapes;
    for (const auto& [rows, keys] : std::vector<std::pair<int, int>>{{1, 63},
                                                                     {1, 64},
                                                                     {1, 65},
                                                                     {2, 300},
                                                                     {31, 64},
                                                                     {33, 97},
                                                                     {64, 64},
                                                                     {65, 129},
                                                                     {128, 128},
                                                                     {129, 321},
                                                                     {130, 130}})
        for (const auto& [heads, kvHeads] :
             std::vector<std::pair<int, int>>{{1, 1}, {3, 1}, {8, 2}, {5, 1}, {7, 1}, {8, 1}})
            for (const int dim : {6, 32, 80, 96})
                for (const auto& [sink, window] : std::vector<std::pair<int, int>>{
                         {0, 1}, {0, 64}, {1, 65}, {64, 31}, {70, 130}, {500, 1}})
                    shapes.push_back({rows, keys, heads, kvHeads, dim, sink, window, cost::DType::F32});
    return shapes;
}

TEST(Prefill, isTheReferenceWhereverTilesEnd) {
    for (const cost::AttentionShape& shape : tileShapes()) {
        const AttentionWorld world(shape);
        EXPECT_LT(largestDifference(computed(streamingSerially, world), computed(streamingReference, world)),
                  1e-5F)
            << nameOf(shape);
        if (shape.window != 1) continue;  // dense looks at neither sink nor window
        EXPECT_LT(largestDifference(computed(denseSerially, world), computed(denseReference, world)), 1e-5F)
            << nameOf(shape);
    }
}

template <class T>
void expectTheReferenceIn(cost::DType type) {
    for (const cost::AttentionShape& shape : edgeShapes()) {
        const AttentionWorld world = worldIn<T>(shape, type);
        const std::vector<T> q = converted<T>(world.q);
        const std::vector<T> k = converted<T>(world.k);
        const std::vector<T> v = converted<T>(world.v);
        KeysValues kv = world.keysValues();
        kv.k = k.data();
        kv.v = v.data();
        std::vector<T> out(q.size());
        streamingCpu(world.shape, q.data(), kv, out.data(), serially);
        EXPECT_LT(largestDifference(converted<float>(out), computed(streamingReference, world)),
                  toleranceOf(type))
            << nameOf(shape);
    }
}

TEST(Prefill, isTheReferenceInBf16) { expectTheReferenceIn<TestBf16>(cost::DType::BF16); }
TEST(Prefill, isTheReferenceInFp16) { expectTheReferenceIn<TestF16>(cost::DType::F16); }

// What an older machine would do, on this one.
TEST(Prefill, isTheReferenceOnEachInstructionSet) {
    for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
        hwy::SetSupportedTargetsForTest(target);
        for (const cost::AttentionShape& shape : edgeShapes()) {
            if (shape.rows != 7 && shape.rows != 64) continue;
            const AttentionWorld world(shape);
            EXPECT_LT(
                largestDifference(computed(streamingSerially, world), computed(streamingReference, world)),
                1e-5F)
                << hwy::TargetName(target) << " " << nameOf(shape);
        }
    }
    hwy::SetSupportedTargetsForTest(0);
}

TEST(Prefill, doesNotDependOnTheNumberOfThreads) {
    const AttentionWorld world(
        {.rows = 200, .keys = 333, .heads = 6, .kvHeads = 2, .dim = 32, .sink = 5, .window = 90});
    for (const CpuKernel kernel : {denseCpu, streamingCpu}) {
        std::vector<float> alone(world.q.size());
        kernel(world.shape, world.q.data(), world.keysValues(), alone.data(), serially);
        for (const int threads : {1, 2, 5}) {
            std::vector<float> together(world.q.size(), NAN);
            kernel(world.shape, world.q.data(), world.keysValues(), together.data(), onThreads(threads));
            EXPECT_EQ(together, alone) << threads << " threads";
        }
    }
}

// Whatever chunk a row comes in, and whatever tile: rows 70 .. 199 of one call are those of another.
TEST(Prefill, givesARowTheSameBitsInAnyChunk) {
    const AttentionWorld all(
        {.rows = 200, .keys = 200, .heads = 6, .kvHeads = 2, .dim = 32, .sink = 5, .window = 90});
    for (const CpuKernel kernel : {denseCpu, streamingCpu}) {
        std::vector<float> whole(all.q.size());
        kernel(all.shape, all.q.data(), all.keysValues(), whole.data(), serially);
        for (const std::int64_t rows : {1, 13, 130}) {
            cost::AttentionShape last = all.shape;
            last.rows = rows;
            const std::size_t skipped = static_cast<std::size_t>((200 - rows) * 6 * 32);
            std::vector<float> out(all.q.size() - skipped, NAN);
            kernel(last, all.q.data() + skipped, all.keysValues(), out.data(), serially);
            EXPECT_EQ(out,
                      std::vector<float>(whole.begin() + static_cast<std::ptrdiff_t>(skipped), whole.end()));
        }
    }
}

// A query that is no number must show: sampling looks for it. Its neighbours in the tile are not touched.
TEST(Prefill, aQueryThatIsNoNumberGivesNone) {
    AttentionWorld world(
        {.rows = 9, .keys = 80, .heads = 2, .kvHeads = 1, .dim = 32, .sink = 1, .window = 80});
    const std::vector<float> before = computed(denseSerially, world);
    world.q[5 * 64 + 3] = NAN;  // row 5, head 0
    const std::vector<float> after = computed(denseSerially, world);
    for (std::size_t i = 0; i < after.size(); ++i) {
        if (i / 32 == 10)
            EXPECT_TRUE(std::isnan(after[i])) << i;
        else
            EXPECT_EQ(after[i], before[i]) << i;
    }
}

}  // namespace
}  // namespace fluxscope
