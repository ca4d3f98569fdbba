#include "profiler/record/host_timer.h"

#include "tests/record/scripted_run.h"

#include <gtest/gtest.h>

#include <string>

namespace fluxscope {
namespace {

using testing::FakeClock;
using namespace std::chrono_literals;

// The last sum of each layer, as text.
class Sums final : public RecordSink {
public:
    void take(const ScopeRecord&) override { ++scopes; }
    void take(const LayerStepRecord& step) override {
        text += std::to_string(step.step.value()) + " " +
                (step.layer ? std::to_string(step.layer->value()) : "outside") + " " +
                std::to_string(step.time.count()) + "\n";
    }
    int scopes = 0;
    std::string text = "\n";
};

RunFacts cpuRun() {
    RunFacts run;
    run.model.layers = 2;
    run.device = "cpu";
    return run;
}

TEST(HostTimer, countsNestedScopesOfALayerOnce) {
    FakeClock clock;
    Sums sums;
    HostTimer timer(clock.reader(), sums);
    timer.runBegan(cpuRun());
    const ScopeKey layer{.layer = LayerIndex(1)};
    ScopeKey chunk = layer;
    chunk.chunk = ChunkIndex(0);
    ScopeKey op = chunk;
    op.op = Op::Mlp;
    timer.scopeOpened(layer);
    timer.scopeOpened(chunk);
    timer.scopeOpened(op);
    clock.advance(10us);
    timer.scopeClosed(op, {});
    clock.advance(1us);
    timer.scopeClosed(chunk, {});
    clock.advance(1us);
    timer.scopeClosed(layer, {});
    EXPECT_EQ(sums.text, "\n0 1 12000\n");
    EXPECT_EQ(sums.scopes, 3);
}

TEST(HostTimer, addsUpALayerThatIsVisitedOncePerChunk) {
    FakeClock clock;
    Sums sums;
    HostTimer timer(clock.reader(), sums);
    timer.runBegan(cpuRun());
    for (int c = 0; c < 2; ++c) {
        for (int l = 0; l < 2; ++l) {
            const ScopeKey key{.layer = LayerIndex(l), .chunk = ChunkIndex(c)};
            timer.scopeOpened(key);
            clock.advance(10us);
            timer.scopeClosed(key, {});
        }
    }
    EXPECT_EQ(sums.text, "\n0 0 10000\n0 1 10000\n0 0 20000\n0 1 20000\n");
}

TEST(HostTimer, beginsAnewWithEachStep) {
    FakeClock clock;
    Sums sums;
    HostTimer timer(clock.reader(), sums);
    timer.runBegan(cpuRun());
    for (int step = 1; step <= 2; ++step) {
        ScopeKey key{.phase = Phase::Decode, .step = StepIndex(step)};
        key.op = Op::Sample;
        timer.scopeOpened(key);
        clock.advance(4us);
        timer.scopeClosed(key, {});
    }
    timer.runEnded();
    EXPECT_EQ(sums.text, "\n1 outside 4000\n2 outside 4000\n");
}

TEST(HostTimer, leavesAloneAScopeWhoseBeginningItDidNotSee) {
    FakeClock clock;
    Sums sums;
    HostTimer timer(clock.reader(), sums);
    timer.runBegan(cpuRun());
    timer.scopeClosed({.layer = LayerIndex(0)}, {});
    EXPECT_EQ(sums.scopes, 0);
}

// Layer 0 attends to 10 slots when it is recorded and to 14 when it is replayed; layer 1 has a ring.
TEST(HostTimer, pricesAReplayedStepByItsRecordingAndByWhatItSees) {
    class Costs final : public RecordSink {
    public:
        void take(const ScopeRecord&) override { ++scopes; }
        void take(const LayerStepRecord& step) override { steps.push_back(step); }
        int scopes = 0;
        std::vector<LayerStepRecord> steps;
    } seen;
    FakeClock clock;
    HostTimer timer(clock.reader(), seen);
    RunFacts run = cpuRun();
    run.device = "cuda:0";
    timer.runBegan(run);

    const ScopeKey first{.phase = Phase::Decode, .step = StepIndex(1)};
    const cost::LinearShape mlp{.rows = 1, .inputs = 8, .outputs = 4};
    const cost::PointwiseShape head{.elements = 5};
    const auto slots = [](std::int64_t attended) {
        return cost::SlotAttentionShape{
            .sequences = 1, .attended = attended, .heads = 2, .kvHeads = 1, .dim = 4};
    };
    const auto op = [&](const ScopeKey& step, std::optional<LayerIndex> layer, Op which,
                        const cost::OpShape& shape) {
        ScopeKey key = step;
        key.layer = layer;
        key.op = which;
        timer.scopeOpened(key);
        clock.advance(10us);
        timer.scopeClosed(key, shape);
    };
    const auto pass = [&] {
        for (int l = 0; l < 2; ++l) {
            op(first, LayerIndex(l), Op::Attention, slots(l == 0 ? 10 : 6));
            op(first, LayerIndex(l), Op::Mlp, mlp);
        }
        op(first, {}, Op::Head, head);
    };
    timer.scopeOpened(first);
    pass();
    const int scopes = seen.scopes;
    const std::size_t sums = seen.steps.size();
    timer.recordingBegan(RecordingIndex(3));
    pass();
    timer.recordingEnded(RecordingIndex(3));
    EXPECT_EQ(seen.scopes, scopes) << "a recording's scopes are no intervals";
    EXPECT_EQ(seen.steps.size(), sums);
    timer.scopeClosed(first, {});

    const ScopeKey second{.phase = Phase::Decode, .step = StepIndex(2)};
    seen.steps.clear();
    timer.scopeOpened(second);
    timer.stepReplayed(second, RecordingIndex(3), std::vector<std::int64_t>{14, 6});
    timer.scopeClosed(second, {});
    timer.runEnded();
    std::erase_if(seen.steps, [](const LayerStepRecord& step) { return step.step == StepIndex(1); });
    ASSERT_EQ(seen.steps.size(), 3U);
    for (const LayerStepRecord& step : seen.steps) {
        EXPECT_EQ(step.step, StepIndex(2));
        EXPECT_EQ(step.timeSource, "none");
        EXPECT_EQ(step.time, Nanoseconds{});
    }
    EXPECT_EQ(seen.steps[0].layer, LayerIndex(0));
    EXPECT_EQ(seen.steps[0].cost, costOf(slots(14)) + costOf(mlp));
    EXPECT_EQ(seen.steps[1].cost, costOf(slots(6)) + costOf(mlp));
    EXPECT_EQ(seen.steps[2].layer, std::nullopt);
    EXPECT_EQ(seen.steps[2].cost, costOf(head));
}

TEST(HostTimer, knowsNoRecordingOfAnEarlierRun) {
    FakeClock clock;
    Sums sums;
    HostTimer timer(clock.reader(), sums);
    timer.runBegan(cpuRun());
    timer.recordingBegan(RecordingIndex(0));
    const ScopeKey mlp{.phase = Phase::Decode, .layer = LayerIndex(0), .op = Op::Mlp};
    timer.scopeOpened(mlp);
    timer.scopeClosed(mlp, cost::PointwiseShape{.elements = 5});
    timer.recordingEnded(RecordingIndex(0));
    timer.runEnded();
    timer.runBegan(cpuRun());
    timer.stepReplayed({.phase = Phase::Decode}, RecordingIndex(0), {});
    timer.runEnded();
    EXPECT_EQ(sums.text, "\n");
}

}  // namespace
}  // namespace fluxscope
