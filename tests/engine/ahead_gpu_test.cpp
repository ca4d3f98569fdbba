// Decoding that runs ahead of the host on a GPU: against the same steps one by one, against the CPU, and what its observer is told
// of recorded steps. Skipped, saying why, where there is no GPU.
#include "engine/contract/error.h"
#include "tests/engine/ahead_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

namespace fluxscope {
namespace {

class AheadOnGpu : public testing::Test {
protected:
    void SetUp() override {
        try {
            gpu_ = std::make_unique<AheadWorld>(
                LoadOptions{.device = DeviceKind::Cuda, .dtype = {}, .router = {}});
        } catch (const MachineError& e) {
            GTEST_SKIP() << e.what();
        }
        cpu_ = std::make_unique<AheadWorld>();
    }
    std::unique_ptr<AheadWorld> gpu_;
    std::unique_ptr<AheadWorld> cpu_;
};

TEST(DeviceSamplerOnGpu, saysWhatTheHostsSamplerSays) {
    Compute compute;
    try {
        compute = chooseCompute({.device = DeviceKind::Cuda, .dtype = {}, .router = {}}, cost::DType::F32);
    } catch (const MachineError& e) {
        GTEST_SKIP() << e.what();
    }
    expectDeviceSamples(compute, 300, 6);
    expectDeviceSamples(compute, 20'000, 2);
    expectDeviceSamples(compute, 151'936, 1);
}

TEST_F(AheadOnGpu, saysWhatStepByStepSays) {
    for (const RunRequest& request : AheadWorld::requests()) {
        const RunResult ahead = gpu_->run(request, true);
        expectSame(ahead, gpu_->run(request, false), 1e-3F);
        expectSame(ahead, gpu_->run(request, true), 0);  // the same run twice is the same run
    }
}

TEST_F(AheadOnGpu, saysSixtyFourTokensAsTheCpu) {
    for (const std::int64_t length : {1, 20, 77}) {
        RunRequest request = AheadWorld::requestOf({length}, 64);
        request.stopAtEos = false;
        expectSame(gpu_->run(request, true), cpu_->run(request, false), 1e-3F);
    }
}

TEST_F(AheadOnGpu, aBatchSaysWhatEachOfItsPromptsSaysAlone) {
    for (const RunRequest& together : AheadWorld::requests()) {
        const RunResult result = gpu_->run(together, true);
        for (std::size_t i = 0; i < together.prompts.size(); ++i) {
            if (i > 0 && !together.sampling.greedy()) continue;  // a draw knows its place in the run
            RunRequest alone = together;
            alone.batch = 1;
            alone.prompts = {together.prompts[i]};
            if (!together.forcedIds.empty()) alone.forcedIds = {together.forcedIds[i]};
            expectSame({.sequences = {result.sequences[i]}}, gpu_->run(alone, true), 1e-3F);
        }
    }
}

TEST_F(AheadOnGpu, leavesCachesAsIfNothingHadBeenTooMany) {
    for (const RunRequest& request : AheadWorld::requests()) {
        Tokens ahead;
        Tokens behind;
        gpu_->run(request, true, ahead);
        gpu_->run(request, false, behind);
        EXPECT_EQ(ahead.began, behind.began);
        EXPECT_FALSE(ahead.saidInsideAScope);
        EXPECT_EQ(ahead.open, 0);
    }
}

TEST_F(AheadOnGpu, stopsWhenItIsAskedToAndGoesOnAfterwards) {
    RunRequest request = AheadWorld::requestOf({20, 9}, 100);
    request.stopAtEos = false;
    CancelToken cancel;
    class Cancels final : public Observer {
    public:
        explicit Cancels(CancelToken& token) : token_(token) {}
        void tokenEmitted(SequenceIndex, TurnIndex, StepIndex step, const TokenFacts&) override {
            if (step.value() == 5) token_.cancel();
        }

    private:
        CancelToken& token_;
    } observer(cancel);
    EXPECT_THROW(gpu_->run(request, true, observer, cancel), CancelledError);
    expectSame(gpu_->run(request, true), gpu_->run(request, false), 1e-3F);
}

TEST_F(AheadOnGpu, weightsThatAreNoNumbersAreNamed) {
    RunRequest request = AheadWorld::requestOf({20}, 60, {.temperature = 3});
    request.stopAtEos = false;
    const RunResult well = gpu_->run(request, true);
    const TurnResult& turn = well.sequences[0].first();
    const auto fresh = std::find_if(turn.ids.begin() + 3, turn.ids.end(),
                                    [&](TokenId id) { return std::ranges::count(turn.promptIds, id) == 0; });
    ASSERT_NE(fresh, turn.ids.end());
    gpu_->breakToken(*fresh);
    EXPECT_THAT(complaintOf<InputError>([&] { gpu_->run(request, true); }),
                testing::HasSubstr("give numbers that are not finite"));
}

// What it is told of recorded steps.
class Onlooker final : public Observer {
public:
    struct Recording {
        std::int32_t step = 0;
        std::multiset<std::string> scopes;
        std::vector<std::int64_t> attended;  // by layer, as recorded
    };
    ObserverNeeds needs() const override { return {.opScopes = true}; }
    void scopeOpened(const ScopeKey& key) override {
        if (key.phase == Phase::Prefill) return;
        if (!key.layer && !key.op) step_ = key;
        if (inProgress_)
            recordings[*inProgress_].scopes.insert(name(key));
        else if (key.op)
            computed[key.step.value()].insert(name(key));
    }
    void scopeClosed(const ScopeKey& key, const std::optional<cost::OpShape>& shape) override {
        if (key.phase == Phase::Prefill) return;
        if (!key.layer && !key.op) step_.reset();
        if (!inProgress_ || !shape) return;
        if (const auto* slots = std::get_if<cost::SlotAttentionShape>(&*shape))
            recordings[*inProgress_].attended.push_back(slots->attended);
    }
    void recordingBegan(RecordingIndex recording) override {
        ASSERT_TRUE(step_.has_value()) << "inside the step that records";
        EXPECT_FALSE(recordings.contains(recording)) << "an index is used once";
        inProgress_ = recording;
        recordings[recording].step = step_->step.value();
    }
    void recordingEnded(RecordingIndex recording) override {
        EXPECT_EQ(inProgress_, recording);
        inProgress_.reset();
    }
    void stepReplayed(const ScopeKey& step, RecordingIndex recording,
                      std::span<const std::int64_t> attended) override {
        EXPECT_EQ(step_, step) << "inside its step";
        EXPECT_TRUE(recordings.contains(recording));
        replays[step.step.value()] = {attended.begin(), attended.end()};
    }

    std::map<RecordingIndex, Recording> recordings;
    std::map<std::int32_t, std::multiset<std::string>>
        computed;  // operations of steps with scopes of their own
    std::map<std::int32_t, std::vector<std::int64_t>> replays;

private:
    static std::string name(const ScopeKey& key) {
        std::string text = key.layer ? "layer " + std::to_string(key.layer->value()) : "outside";
        if (key.op) text += " " + std::string(nameOf(*key.op));
        return text;
    }
    std::optional<ScopeKey> step_;
    std::optional<RecordingIndex> inProgress_;
};

TEST_F(AheadOnGpu, aRecordingIsToldOnceAndEveryReplayOfIt) {
    RunRequest request = AheadWorld::requestOf({20}, 24);
    request.stopAtEos = false;
    Onlooker seen;
    gpu_->run(request, true, seen);
    ASSERT_EQ(seen.recordings.size(), 1U);
    const Onlooker::Recording& recording = seen.recordings.begin()->second;
    EXPECT_EQ(recording.step, 1);
    ASSERT_EQ(seen.computed.size(), 1U) << "only the step that was recorded has scopes of its own";
    for (const std::string& op : seen.computed.at(1))
        EXPECT_EQ(recording.scopes.count(op), seen.computed.at(1).count(op)) << op;
    EXPECT_EQ(recording.scopes.count("outside sample"), 1U);
    EXPECT_EQ(recording.scopes.count("layer 2"), 1U);
    ASSERT_EQ(seen.replays.size(), 22U) << "steps 2 to 23";
    for (const auto& [step, attended] : seen.replays) {
        ASSERT_EQ(attended.size(), 4U);
        EXPECT_EQ(attended[0], 2 * (20 + step)) << "a full layer's two KV heads, step " << step;
        EXPECT_EQ(attended[1], 2 * 16) << "a ring's";
    }
    ASSERT_EQ(recording.attended.size(), 4U);
    EXPECT_EQ(recording.attended[0], 2 * 21);

    Onlooker behind;
    gpu_->run(request, false, behind);
    EXPECT_EQ(behind.recordings.size(), 1U);
    EXPECT_EQ(behind.recordings.begin()->second.scopes.count("outside sample"), 0U) << "the host samples";
    EXPECT_EQ(behind.replays, seen.replays);
}

TEST_F(AheadOnGpu, aBatchThatShrinksIsRecordedAnew) {
    RunRequest request = AheadWorld::requestOf({20, 10, 30}, 30);
    request.forcedIds = {AheadWorld::randomIds(4, 1), AheadWorld::randomIds(9, 2),
                         AheadWorld::randomIds(15, 3)};
    Onlooker seen;
    gpu_->run(request, true, seen);
    EXPECT_EQ(seen.recordings.size(), 3U) << "rows of four, two and one";
    EXPECT_EQ(seen.replays.size() + seen.computed.size(), 14U) << "no step is missing, and none is too many";
}

}  // namespace
}  // namespace fluxscope
