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

}  // namespace
}  // namespace fluxscope
