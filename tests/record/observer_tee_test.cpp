#include "profiler/record/observer_tee.h"

#include "tests/record/scripted_run.h"

#include <gtest/gtest.h>

#include <string>

namespace fluxscope {
namespace {

class Listener final : public Observer {
public:
    explicit Listener(ObserverNeeds needs) : needs_(needs) {}
    ObserverNeeds needs() const override { return needs_; }

    void runBegan(const RunFacts&) override { heard += "run "; }
    void batchBegan(BatchIndex, std::span<const SequenceIndex> s) override {
        heard += "batch:" + std::to_string(s.size()) + " ";
    }
    void scopeOpened(const ScopeKey& key) override { heard += key.op || key.layer ? "" : "step "; }
    void scopeClosed(const ScopeKey& key, const std::optional<cost::OpShape>& shape) override {
        if (key.op == Op::Head) heard += shape ? "head+shape " : "head ";
    }
    void decided(SequenceIndex, TurnIndex, StepIndex, LayerIndex l, const Decision&) override {
        heard += "decided:" + std::to_string(l.value()) + " ";
    }
    void kvSettled(SequenceIndex, TurnIndex, StepIndex, LayerIndex l, const KvFacts&) override {
        heard += "kv:" + std::to_string(l.value()) + " ";
    }
    void tokenEmitted(SequenceIndex, TurnIndex, StepIndex, const TokenFacts& t) override {
        heard += "token:" + t.text + " ";
    }
    void compared(SequenceIndex, TurnIndex, StepIndex, const FidelityStep& f) override {
        heard += f.sameTop ? "same " : "other ";
    }
    void recordingBegan(RecordingIndex) override { heard += "recording "; }
    void recordingEnded(RecordingIndex r) override { heard += "recorded:" + std::to_string(r.value()) + " "; }
    void stepReplayed(const ScopeKey&, RecordingIndex, std::span<const std::int64_t> attended) override {
        heard += "replayed:" + std::to_string(attended.size()) + " ";
    }
    void batchEnded(BatchIndex) override { heard += "batch-end "; }
    void runEnded(RunOutcome, const std::string& reason) override { heard += "end:" + reason; }
    void sampleEvaluated(const EvaluationSample& sample) override { heard += " evaluated:" + sample.task; }
    void trainingBegan(const TrainingFacts& training) override { heard += " training:" + training.model; }
    void trainingStepped(const TrainingStep& step) override {
        heard += " trained:" + std::to_string(step.step);
    }
    void trainingWarned(std::int64_t step, const std::string& sentence) override {
        heard += " warned:" + std::to_string(step) + sentence;
    }
    void trainingEnded(RunOutcome, const std::string& reason) override { heard += " trained-end:" + reason; }

    std::string heard;

private:
    ObserverNeeds needs_;
};

TEST(ObserverTee, tellsEverybodyEverything) {
    Listener one({.opScopes = false});
    Listener other({.opScopes = false});
    ObserverTee tee({&one, &other});
    testing::ScriptedRun(tee, {}, {.decodeSteps = 0}).run(RunOutcome::Failed, "why");
    tee.compared({}, {}, {}, {.sameTop = true});
    tee.recordingBegan(RecordingIndex(7));
    tee.recordingEnded(RecordingIndex(7));
    tee.stepReplayed({}, RecordingIndex(7), std::vector<std::int64_t>(2));
    TrainingStep step;
    step.step = 3;
    EvaluationSample sample;
    sample.task = "needle";
    TrainingFacts training;
    training.model = "m";
    tee.sampleEvaluated(sample);
    tee.trainingBegan(training);
    tee.trainingStepped(step);
    tee.trainingWarned(3, "!");
    tee.trainingEnded(RunOutcome::Failed, "so");
    EXPECT_EQ(one.heard,
              "run batch:1 step decided:0 kv:0 decided:1 kv:1 head+shape token:t0 batch-end end:why"
              "same recording recorded:7 replayed:2  evaluated:needle training:m trained:3 warned:3! "
              "trained-end:so");
    EXPECT_EQ(one.heard, other.heard);
}

TEST(ObserverTee, needsWhatAnyOfThemNeeds) {
    Listener plain({.opScopes = false});
    Listener scopes({.opScopes = true});
    Listener eager({.opScopes = false, .eager = true});
    EXPECT_FALSE(ObserverTee({&plain}).needs().opScopes);
    EXPECT_TRUE(ObserverTee({&plain, &scopes}).needs().opScopes);
    EXPECT_FALSE(ObserverTee({&plain, &scopes}).needs().eager);
    EXPECT_TRUE(ObserverTee({&scopes, &eager}).needs().eager);
}

}  // namespace
}  // namespace fluxscope
