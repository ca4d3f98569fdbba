// Some prompts of a run together: prefill, decoding step by step until each has ended, then the next turn.
#pragma once

#include "engine/decode/decode.h"
#include "engine/generate/live_sequence.h"
#include "engine/generate/loaded_model.h"
#include "engine/generate/requests.h"
#include "engine/generate/run_plan.h"
#include "engine/prefill/prefill.h"

#include <vector>

namespace fluxscope {

class BatchRun {
public:
    BatchRun(const LoadedModel& model, const RunRequest& request, const RunPlan& plan, Observer& observer,
             const CancelToken& cancel);

    // Prompts first .. first + prompts.size() - 1 of the run.
    std::vector<SequenceResult> run(BatchIndex batch, std::size_t first,
                                    std::span<const PreparedPrompt> prompts);

private:
    struct Place {
        BatchIndex batch;
        TurnIndex turn;
    };

    Tracer tracer(const Place& place, Phase phase, StepIndex step) const;
    void turn(const Place& place, std::vector<LiveSequence>& sequences);
    void prefill(const Place& place, std::vector<LiveSequence>& sequences, const RotaryTable& rotary);
    void decode(const Place& place, std::vector<LiveSequence>& sequences, const RotaryTable& rotary);
    void decodeStepByStep(const Place& place, std::vector<LiveSequence*> rows, const RotaryTable& rotary);
    void probe(std::span<LiveSequence* const> rows, StepIndex step);
    void choose(std::span<LiveSequence* const> rows, const at::Tensor& logits, const Tracer& step);
    void compare(const Place& place, StepIndex step, std::span<LiveSequence* const> rows,
                 const at::Tensor& logits, const at::Tensor& full);
    PromptFidelity comparePrompt(std::span<const TokenId> tokens, const at::Tensor& hidden,
                                 const at::Tensor& full, const Tracer& unseen) const;

    const LoadedModel& model_;
    const RunRequest& request_;
    const RunPlan& plan_;
    Observer& observer_;
    const CancelToken& cancel_;
    Router router_;
};

}  // namespace fluxscope
