// One prompt while it is being answered: what it has said so far, what comes next, and whether it has ended.
#pragma once

#include "engine/engine.h"
#include "engine/generate/loaded_model.h"
#include "engine/generate/requests.h"
#include "engine/generate/run_plan.h"
#include "engine/kv/kv_cache.h"
#include "engine/prefill/sequence_prefill.h"
#include "engine/router/probe.h"
#include "engine/sampling/device_sampler.h"
#include "engine/sampling/sampler.h"
#include "engine/sampling/stop_strings.h"

#include <memory>
#include <optional>

namespace fluxscope {

class LiveSequence {
public:
    LiveSequence(const LoadedModel& model, const RunRequest& request, std::size_t index,
                 const PreparedPrompt& prompt);

    // Sets up a turn: the prompt's own first, then the request's follow-ups. Throws UsageError when the conversation has
    // outgrown the model's context.
    void beginTurn(TurnIndex turn, Observer& observer);
    // This turn's tokens on their way through prefill, into a cache of their own.
    SequencePlan plan(const Policy& policy, const SparseForm& sparse, std::int64_t chunkTokens);
    // The same under policy `full`, for the fidelity of what was decided.
    SequencePlan shadowPlan(const Policy& full, const SparseForm& sparse, std::int64_t chunkTokens);
    void prefilled(PrefilledSequence& done, const Router& router);

    // What a step says: chosen here from its row of logits [vocabulary], or where they lie, given this.
    TokenChoice choose(std::span<const float> logits, StepIndex step) const;
    RowInput inputOf(StepIndex step) const;
    // Takes what a step has said, wherever it was chosen, and tells the observer. Throws InputError if it is no number.
    void say(TokenChoice choice, StepIndex step, Observer& observer);

    // What a probe heard from a layer's router.
    void reconsider(LayerIndex layer, const RouterLogits& logits, const RunPlan& plan, StepIndex step,
                    Observer& observer);
    // What a probe of the recorded run left behind at this step, if one spoke.
    void repeatProbe(const RunPlan& plan, StepIndex step, Observer& observer);

    SequenceIndex index() const { return sequence_; }
    std::int64_t positions() const { return positions_; }
    bool ended() const { return ended_; }
    TokenId last() const { return history_.back(); }
    std::span<const TokenId> text() const { return history_; }
    // Until this turn ends, if nothing ends it earlier.
    std::int64_t stepsLeft() const {
        return mostNew_ - static_cast<std::int64_t>(result_.turns.back().ids.size());
    }
    KvCache& kv() const { return *kv_; }
    RouterProbe& probe() { return *probe_; }
    KvCache& shadow() const { return *shadow_; }
    TurnResult& turn() { return result_.turns.back(); }
    SequenceResult take() { return std::move(result_); }
    double tokenizingSeconds() const { return tokenizingSeconds_; }

private:
    void beginFollowUp(TurnIndex turn);
    void repeatFollowUp(const ReplayedTurn& then);
    void goOn(bool keepsCache);
    void settle(LayerIndex layer, const Decision& now, const RunPlan& plan, StepIndex step,
                Observer& observer);
    bool isForced() const { return !request_.forcedIds.empty() || !request_.replay.empty(); }
    const std::vector<TokenId>& forced() const;
    const ReplayedTurn* replayed() const;  // this turn, when it is one of a recording
    std::optional<TurnEnd> endAfter(TokenId id, bool stopped) const;

    const LoadedModel& model_;
    const RunRequest& request_;
    const PreparedPrompt& prompt_;
    SequenceIndex sequence_;
    TurnIndex turnIndex_;
    Sampler sampler_;
    SequenceResult result_;
    std::vector<TokenId> history_;  // prompt and answers, all turns; the last one is not in the cache yet
    std::int64_t cached_ = 0;       // tokens of history_ that lie in the cache when a turn begins
    std::int64_t positions_ = 0;
    std::int64_t mostNew_ = 0;
    bool ended_ = false;
    double tokenizingSeconds_ = 0;
    std::vector<std::vector<Decision>> given_;  // by layer: of the recording, or of the turn before
    std::unique_ptr<KvCache> kv_;
    std::unique_ptr<KvCache> earlier_;
    std::unique_ptr<KvCache> shadow_;
    std::unique_ptr<KvCache> earlierShadow_;
    std::vector<std::vector<Decision>> allFull_;
    std::optional<RouterProbe> probe_;
    std::optional<TextStream> text_;
    std::optional<StopStrings> stop_;
};

}  // namespace fluxscope
