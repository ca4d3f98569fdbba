#include "profiler/record/cupti/detail/joiner.h"

#include "tests/record/cupti/activity_buffer.h"

#include <gtest/gtest.h>

#include <chrono>

namespace fluxscope {
namespace {

using namespace std::chrono_literals;
using testing::ActivityBuffer;
using testing::text;

ScopeKey decodeStep(int step) { return {.phase = Phase::Decode, .step = StepIndex(step)}; }

ScopeKey op(ScopeKey key, int layer, Op what) {
    key.layer = LayerIndex(layer);
    key.op = what;
    return key;
}

class Joining : public ::testing::Test {
protected:
    Joining() : joiner(scopes, nodes) {
        scopes.setRun(1);
        joiner.beginRun(1, Nanoseconds(1));
    }
    void give(ActivityBuffer& buffer, Nanoseconds now) { joiner.take(testing::decoded(buffer, names), now); }

    ScopeIds scopes;
    GraphNodes nodes;
    Names names;
    Joiner joiner;
};

TEST_F(Joining, findsAKernelsScopeWhicheverOfTheTwoComesFirst) {
    const ScopeTicket attention = scopes.ticketOf(op(decodeStep(3), 2, Op::Attention));
    const ScopeTicket mlp = scopes.ticketOf(op(decodeStep(3), 2, Op::Mlp));
    ActivityBuffer first;
    first.kernel(10, 100, 200).external(10, attention).kernel(11, 200, 300);
    give(first, 0ms);
    EXPECT_EQ(text(joiner.ready(0ms).kernels), "10: decode b0 s3 l2 attention external-id\n");
    ActivityBuffer second;  // in another buffer, 250 ms later
    second.external(11, mlp);
    give(second, 250ms);
    EXPECT_EQ(text(joiner.ready(250ms).kernels), "11: decode b0 s3 l2 mlp external-id\n");
    EXPECT_EQ(joiner.quality().unattributed, 0);
    EXPECT_EQ(joiner.quality().kernels, 2);
}

TEST_F(Joining, waitsHalfASecondAndHandsOnWithoutAPlace) {
    ActivityBuffer buffer;
    buffer.kernel(10, 100, 200);
    give(buffer, 0ms);
    EXPECT_EQ(text(joiner.ready(499ms).kernels), "");
    EXPECT_EQ(text(joiner.ready(500ms).kernels), "10: nobody\n");
    EXPECT_EQ(joiner.quality().unattributed, 1);
}

TEST_F(Joining, tellsOnceAtTheEndWhoseALateKernelWas) {
    ActivityBuffer kernels;
    kernels.kernel(10, 100, 200).kernel(12, 200, 300);
    give(kernels, 0ms);
    EXPECT_EQ(joiner.ready(500ms).kernels.size(), 2U);
    ActivityBuffer late;
    late.external(10, scopes.ticketOf(op(decodeStep(1), 0, Op::Qkv)));
    give(late, 900ms);
    EXPECT_TRUE(isEmpty(joiner.ready(900ms)));
    const DeviceBatch last = joiner.finish();
    ASSERT_EQ(last.late.size(), 1U);
    EXPECT_EQ(last.late[0].correlation, 10);
    EXPECT_EQ(last.late[0].place, op(decodeStep(1), 0, Op::Qkv));
    EXPECT_EQ(joiner.quality().late, 1);
    EXPECT_EQ(joiner.quality().unattributed, 1);  // 12 is nobody's for good
    EXPECT_TRUE(joiner.finish().late.empty());
}

TEST_F(Joining, givesTheKernelsOfAGraphTheirStepFromTheLaunchAndTheirLayerFromTheNode) {
    // Recorded within step 1 of another batch, instantiated, launched in steps 5 and 6.
    constexpr std::uint64_t graph = 3ULL << 32;
    constexpr std::uint64_t executable = 4ULL << 32;
    ScopeKey recorded = decodeStep(1);
    recorded.batch = BatchIndex(9);
    constexpr std::uint64_t count = 300;
    for (std::uint64_t i = 0; i < count; ++i) {
        nodes.created(graph | i, scopes.ticketOf(op(recorded, static_cast<int>(i / 3),
                                                    i % 3 == 0 ? Op::Attention : Op::Mlp)));
        nodes.cloned(executable | i, graph | i);
    }
    ActivityBuffer buffer;
    for (std::uint32_t launch : {5U, 6U}) {
        for (std::uint64_t i = 0; i < count; ++i)
            buffer.kernel(100 + launch, 1000 * launch + i, 1000 * launch + i + 1, executable | i);
        buffer.external(100 + launch, scopes.ticketOf(decodeStep(static_cast<int>(launch))));
    }
    give(buffer, 0ms);
    const DeviceBatch batch = joiner.ready(0ms);
    ASSERT_EQ(batch.kernels.size(), 2 * count);
    EXPECT_EQ(text(batch.kernels[3].scope), "decode b0 s5 l1 attention graph-node");
    EXPECT_EQ(text(batch.kernels[count + 299].scope), "decode b0 s6 l99 mlp graph-node");
    ASSERT_EQ(batch.nodes.size(), count);  // each once, however often it is launched
    EXPECT_EQ(batch.nodes[3].original, graph | 3);
    EXPECT_EQ(batch.nodes[3].place->layer, LayerIndex(1));
    EXPECT_EQ(batch.nodes[3].place->step, StepIndex(0));
    EXPECT_EQ(joiner.quality().unattributed, 0);
}

TEST_F(Joining, findsANodeThatNoCallbackAnnouncedByItsGraph) {
    nodes.created(3ULL << 32 | 5, scopes.ticketOf(op(decodeStep(1), 7, Op::Output)));
    nodes.instantiated(8, 3);
    ActivityBuffer buffer;
    buffer.kernel(20, 10, 20, 8ULL << 32 | 5)
        .kernel(20, 20, 30, 8ULL << 32 | 6)
        .external(20, scopes.ticketOf(decodeStep(2)));
    give(buffer, 0ms);
    EXPECT_EQ(text(joiner.ready(0ms).kernels),
              "20: decode b0 s2 l7 output graph-node\n"
              "20: decode b0 s2 external-id\n");  // an unknown node is of its step, at least
}

TEST_F(Joining, keepsTheKernelsOfAnotherRunOut) {
    const ScopeTicket ours = scopes.ticketOf(decodeStep(1));
    scopes.setRun(2);
    const ScopeTicket next = scopes.ticketOf(decodeStep(1));
    EXPECT_NE(ours, next);
    joiner.beginRun(2, Nanoseconds(1000));
    ActivityBuffer buffer;  // of the run before, of nobody before this run, of this run, of nobody within it
    buffer.kernel(1, 900, 950)
        .external(1, ours)
        .kernel(2, 960, 970)
        .kernel(3, 1100, 1200)
        .external(3, next)
        .kernel(4, 1200, 1300);
    give(buffer, 0ms);
    EXPECT_EQ(text(joiner.ready(600ms).kernels), "3: decode b0 s1 external-id\n4: nobody\n");
}

TEST_F(Joining, widensCorrelationIdsThatGoRound) {
    const ScopeTicket scope = scopes.ticketOf(decodeStep(1));
    ActivityBuffer buffer;
    buffer.kernel(0xFFFFFFFE, 10, 20).external(0xFFFFFFFE, scope);
    buffer.kernel(3, 30, 40).external(3, scope);
    buffer.kernel(0xFFFFFFFF, 20, 30).external(0xFFFFFFFF, scope);  // out of order, before the turn
    give(buffer, 0ms);
    const DeviceBatch batch = joiner.ready(0ms);
    ASSERT_EQ(batch.kernels.size(), 3U);
    EXPECT_EQ(batch.kernels[0].correlation, 0xFFFFFFFELL);
    EXPECT_EQ(batch.kernels[1].correlation, 0x100000003LL);
    EXPECT_EQ(batch.kernels[2].correlation, 0xFFFFFFFFLL);
    EXPECT_EQ(joiner.quality().unattributed, 0);
}

TEST_F(Joining, attributesCopiesFillsAndCallsAlike) {
    const ScopeTicket scope = scopes.ticketOf(op(decodeStep(1), 3, Op::KvWrite));
    ActivityBuffer buffer;
    buffer.copy(1, 10, 20, 8)
        .fill(2, 20, 30, 64)
        .call(3, 30, 40)
        .external(1, scope)
        .external(2, scope)
        .external(3, scope);
    give(buffer, 0ms);
    const DeviceBatch batch = joiner.ready(0ms);
    EXPECT_EQ(text(batch.copies.at(0).scope), "decode b0 s1 l3 kv-write external-id");
    EXPECT_EQ(text(batch.fills.at(0).scope), "decode b0 s1 l3 kv-write external-id");
    EXPECT_EQ(text(batch.calls.at(0).scope), "decode b0 s1 l3 kv-write external-id");
}

TEST(ScopeIds, giveBackWhatTheyWereGiven) {
    ScopeIds ids;
    ids.setRun(3);
    ScopeKey chunk{.batch = BatchIndex(2),
                   .turn = TurnIndex(1),
                   .layer = LayerIndex(35),
                   .chunk = ChunkIndex(2047),
                   .op = Op::Mlp};
    for (const ScopeKey& key :
         {ScopeKey{}, decodeStep(1), decodeStep(40'000'000), op(decodeStep(7), 0, Op::Embed), chunk}) {
        const auto place = ids.placeOf(ids.ticketOf(key));
        ASSERT_TRUE(place);
        EXPECT_EQ(place->run, 3U);
        EXPECT_EQ(place->key, key);
    }
    EXPECT_FALSE(ids.placeOf(kNoTicket));
    EXPECT_FALSE(ids.placeOf(0xFFFFULL << 32));
}

// 10 000 steps of 36 layers and 10 ops: the table has a row for each op, not for each step.
TEST(ScopeIds, doNotGrowWithTheSteps) {
    ScopeIds ids;
    ids.setRun(1);
    for (int step = 1; step <= 100; ++step)
        for (int layer = 0; layer < 36; ++layer) ids.ticketOf(op(decodeStep(step), layer, Op::Qkv));
    EXPECT_EQ(ids.entries().size(), 36U);
}

}  // namespace
}  // namespace fluxscope
