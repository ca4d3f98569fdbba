// Several observers of one run: the recorder, and whoever shows its progress. Each hears everything, in the order given.
#pragma once

#include "engine/contract/observer.h"

#include <vector>

namespace fluxscope {

class ObserverTee final : public Observer {
public:
    explicit ObserverTee(std::vector<Observer*> observers);  // not owned; none is null

    ObserverNeeds needs() const override;  // what any of them needs

    void runBegan(const RunFacts& run) override;
    void batchBegan(BatchIndex batch, std::span<const SequenceIndex> sequences) override;
    void turnBegan(SequenceIndex sequence, TurnIndex turn, const TurnFacts& facts) override;
    void scopeOpened(const ScopeKey& key) override;
    void scopeClosed(const ScopeKey& key, const std::optional<cost::OpShape>& shape) override;
    void decided(SequenceIndex sequence, TurnIndex turn, StepIndex step, LayerIndex layer,
                 const Decision& decision) override;
    void kvSettled(SequenceIndex sequence, TurnIndex turn, StepIndex step, LayerIndex layer,
                   const KvFacts& kv) override;
    void tokenEmitted(SequenceIndex sequence, TurnIndex turn, StepIndex step,
                      const TokenFacts& token) override;
    void compared(SequenceIndex sequence, TurnIndex turn, StepIndex step,
                  const FidelityStep& fidelity) override;
    void recordingBegan(RecordingIndex recording) override;
    void recordingEnded(RecordingIndex recording) override;
    void stepReplayed(const ScopeKey& step, RecordingIndex recording,
                      std::span<const std::int64_t> attended) override;
    void batchEnded(BatchIndex batch) override;
    void runEnded(RunOutcome outcome, const std::string& reason) override;
    void sampleEvaluated(const EvaluationSample& sample) override;
    void trainingBegan(const TrainingFacts& training) override;
    void trainingStepped(const TrainingStep& step) override;
    void trainingWarned(std::int64_t step, const std::string& sentence) override;
    void trainingEnded(RunOutcome outcome, const std::string& reason) override;

private:
    std::vector<Observer*> observers_;
};

}  // namespace fluxscope
