#include "profiler/record/observer_tee.h"

#include <utility>

namespace fluxscope {

ObserverTee::ObserverTee(std::vector<Observer*> observers) : observers_(std::move(observers)) {}

ObserverNeeds ObserverTee::needs() const {
    ObserverNeeds all{.opScopes = false};
    for (const Observer* observer : observers_) {
        const ObserverNeeds one = observer->needs();
        all.opScopes |= one.opScopes;
        all.eager |= one.eager;
        all.noDependentLaunch |= one.noDependentLaunch;
    }
    return all;
}

void ObserverTee::runBegan(const RunFacts& run) {
    for (Observer* observer : observers_) observer->runBegan(run);
}

void ObserverTee::batchBegan(BatchIndex batch, std::span<const SequenceIndex> sequences) {
    for (Observer* observer : observers_) observer->batchBegan(batch, sequences);
}

void ObserverTee::turnBegan(SequenceIndex sequence, TurnIndex turn, const TurnFacts& facts) {
    for (Observer* observer : observers_) observer->turnBegan(sequence, turn, facts);
}

void ObserverTee::scopeOpened(const ScopeKey& key) {
    for (Observer* observer : observers_) observer->scopeOpened(key);
}

void ObserverTee::scopeClosed(const ScopeKey& key, const std::optional<cost::OpShape>& shape) {
    for (Observer* observer : observers_) observer->scopeClosed(key, shape);
}

void ObserverTee::decided(SequenceIndex sequence, TurnIndex turn, StepIndex step, LayerIndex layer,
                          const Decision& decision) {
    for (Observer* observer : observers_) observer->decided(sequence, turn, step, layer, decision);
}

void ObserverTee::kvSettled(SequenceIndex sequence, TurnIndex turn, StepIndex step, LayerIndex layer,
                            const KvFacts& kv) {
    for (Observer* observer : observers_) observer->kvSettled(sequence, turn, step, layer, kv);
}

void ObserverTee::tokenEmitted(SequenceIndex sequence, TurnIndex turn, StepIndex step,
                               const TokenFacts& token) {
    for (Observer* observer : observers_) observer->tokenEmitted(sequence, turn, step, token);
}

void ObserverTee::compared(SequenceIndex sequence, TurnIndex turn, StepIndex step,
                           const FidelityStep& fidelity) {
    for (Observer* observer : observers_) observer->compared(sequence, turn, step, fidelity);
}

void ObserverTee::recordingBegan(RecordingIndex recording) {
    for (Observer* observer : observers_) observer->recordingBegan(recording);
}

void ObserverTee::recordingEnded(RecordingIndex recording) {
    for (Observer* observer : observers_) observer->recordingEnded(recording);
}

void ObserverTee::stepReplayed(const ScopeKey& step, RecordingIndex recording,
                               std::span<const std::int64_t> attended) {
    for (Observer* observer : observers_) observer->stepReplayed(step, recording, attended);
}

void ObserverTee::batchEnded(BatchIndex batch) {
    for (Observer* observer : observers_) observer->batchEnded(batch);
}

void ObserverTee::runEnded(RunOutcome outcome, const std::string& reason) {
    for (Observer* observer : observers_) observer->runEnded(outcome, reason);
}

void ObserverTee::sampleEvaluated(const EvaluationSample& sample) {
    for (Observer* observer : observers_) observer->sampleEvaluated(sample);
}

void ObserverTee::trainingBegan(const TrainingFacts& training) {
    for (Observer* observer : observers_) observer->trainingBegan(training);
}

void ObserverTee::trainingStepped(const TrainingStep& step) {
    for (Observer* observer : observers_) observer->trainingStepped(step);
}

void ObserverTee::trainingWarned(std::int64_t step, const std::string& sentence) {
    for (Observer* observer : observers_) observer->trainingWarned(step, sentence);
}

void ObserverTee::trainingEnded(RunOutcome outcome, const std::string& reason) {
    for (Observer* observer : observers_) observer->trainingEnded(outcome, reason);
}

}  // namespace fluxscope
