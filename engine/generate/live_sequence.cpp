#include "engine/generate/live_sequence.h"

#include "engine/contract/error.h"
#include "engine/generate/follow_up.h"

#include <algorithm>
#include <cmath>

namespace fluxscope {

LiveSequence::LiveSequence(const LoadedModel& model, const RunRequest& request, std::size_t index,
                           const PreparedPrompt& prompt)
    : model_(model),
      request_(request),
      prompt_(prompt),
      sequence_(SequenceIndex::of(index)),
      sampler_(request.sampling, request.seed),
      tokenizingSeconds_(prompt.tokenizingSeconds) {
    result_.promptId = request.prompts[index].id;
}

const ReplayedTurn* LiveSequence::replayed() const {
    if (request_.replay.empty()) return nullptr;
    const ReplayedSequence& sequence = request_.replay[static_cast<std::size_t>(sequence_.value())];
    return &sequence.turns[static_cast<std::size_t>(turnIndex_.value())];
}

const std::vector<TokenId>& LiveSequence::forced() const {
    const ReplayedTurn* then = replayed();
    return then ? then->ids : request_.forcedIds[static_cast<std::size_t>(sequence_.value())];
}

void LiveSequence::beginTurn(TurnIndex turn, Observer& observer) {
    turnIndex_ = turn;
    result_.turns.emplace_back();
    text_.emplace(model_.tokenizer);
    stop_.emplace(request_.sampling.stop);
    ended_ = false;
    const ReplayedTurn* const then = replayed();
    if (turn == TurnIndex{}) {
        history_ = prompt_.ids;
        cached_ = 0;
    } else if (then) {
        repeatFollowUp(*then);
    } else {
        beginFollowUp(turn);
    }
    if (then) given_ = then->decisions;
    result_.turns.back().promptIds.assign(history_.begin() + cached_, history_.end());

    const auto tokens = static_cast<std::int64_t>(history_.size());
    const std::int64_t context = model_.transformer.config().context;
    if (tokens > context)
        throw UsageError("prompt " + result_.promptId, "",
                         "has grown to " + std::to_string(tokens) +
                             " tokens with its follow-ups, and the model's "
                             "context holds " +
                             std::to_string(context),
                         "say less, or generate less (--max-new)");
    const std::int64_t wanted =
        isForced() ? static_cast<std::int64_t>(forced().size()) : std::int64_t{request_.maxNew};
    // The last token generated need not be computed with, so it takes no position.
    mostNew_ = std::min(wanted, context - tokens + 1);
    if (isForced() && mostNew_ < wanted)
        throw UsageError("prompt " + result_.promptId, "forced ids",
                         "are " + std::to_string(wanted) + ", and the model's context has room for " +
                             std::to_string(mostNew_),
                         "give fewer");
    positions_ = std::max(tokens + mostNew_ - 1, then ? then->positions : 0);
    if (turn > TurnIndex{})
        observer.turnBegan(sequence_, turn, {.firstPosition = cached_, .promptIds = this->turn().promptIds});
}

void LiveSequence::beginFollowUp(TurnIndex turn) {
    const auto number = static_cast<std::size_t>(turn.value());
    std::vector<std::string> answers;
    for (std::size_t t = 0; t < number; ++t) answers.push_back(result_.turns[t].text);
    const std::span<const std::string> said(request_.followUps.data(), number);
    FollowUp next = followUpOf(model_, prompt_, history_, answers, said);
    tokenizingSeconds_ = next.tokenizingSeconds;
    const bool keeps = request_.turns == TurnMode::Keep && next.redoneWhy.empty();
    TurnResult& now = result_.turns.back();
    now.keptCache = keeps;
    now.redoneWhy = request_.turns == TurnMode::Keep ? next.redoneWhy : "";
    history_ = std::move(next.ids);
    goOn(keeps);
    given_.clear();
    if (!keeps) return;
    for (const LayerRouting& layer : result_.turns[number - 1].layers) given_.push_back(layer.decisions);
}

void LiveSequence::repeatFollowUp(const ReplayedTurn& then) {
    tokenizingSeconds_ = 0;
    result_.turns.back().keptCache = then.keptCache;
    if (then.keptCache)  // the answer's last token was not computed then: it comes first, and stands there already
        history_.insert(history_.end(), then.promptIds.begin() + 1, then.promptIds.end());
    else
        history_ = then.promptIds;
    goOn(then.keptCache);
}

void LiveSequence::goOn(bool keepsCache) {
    cached_ = keepsCache ? kv_->length() : 0;
    earlier_ = keepsCache ? std::move(kv_) : nullptr;
    earlierShadow_ = keepsCache ? std::move(shadow_) : nullptr;
}

SequencePlan LiveSequence::plan(const Policy& policy, const SparseForm& sparse, std::int64_t chunkTokens) {
    kv_ = std::make_unique<KvCache>(model_.transformer.compute());
    return {.sequence = sequence_,
            .tokens = turn().promptIds,  // history_ moves when it grows
            .positions = positions_,
            .chunkTokens = chunkTokens,
            .policy = &policy,
            .sparse = sparse,
            .kv = kv_.get(),
            .given = given_.empty() ? nullptr : &given_,
            .earlier = earlier_.get()};
}

SequencePlan LiveSequence::shadowPlan(const Policy& full, const SparseForm& sparse,
                                      std::int64_t chunkTokens) {
    shadow_ = std::make_unique<KvCache>(model_.transformer.compute());
    allFull_.assign(static_cast<std::size_t>(model_.transformer.config().layers), {Decision{}});
    return {.sequence = sequence_,
            .tokens = turn().promptIds,  // history_ moves when it grows
            .positions = positions_,
            .chunkTokens = chunkTokens,
            .policy = &full,
            .sparse = sparse,
            .kv = shadow_.get(),
            .given = &allFull_,
            .earlier = earlierShadow_.get()};
}

void LiveSequence::prefilled(PrefilledSequence& done, const Router& router) {
    // A turn that was prefilled onto the cache asked no router; its probe goes on with what it has heard.
    if (request_.probe && !earlier_) probe_.emplace(router, std::vector<PromptEnds>{std::move(done.ends)});
    earlier_.reset();
    turn().layers = std::move(done.routing);
    turn().kvBytes = kv_->bytes();
}

void LiveSequence::reconsider(LayerIndex layer, const RouterLogits& logits, const RunPlan& plan,
                              StepIndex step, Observer& observer) {
    LayerRouting& routing = turn().layers[static_cast<std::size_t>(layer.value())];
    if (layer == LayerIndex{}) turn().probes.push_back({.step = step, .layers = {}});
    if (routing.decisions.size() > 1) {  // a head-level policy: no router has a say
        LayerDecisions& probed = turn().probes.back().layers;
        probed.push_back(routing.decisions);
        for (Decision& decision : probed.back()) decision.logits = logits;
        return;
    }
    settle(layer, reconsidered(plan.policy, layer, routing.decisions.front(), logits, request_.probe->act),
           plan, step, observer);
}

void LiveSequence::repeatProbe(const RunPlan& plan, StepIndex step, Observer& observer) {
    const ReplayedTurn* const then = replayed();
    if (!then) return;
    const auto spoke = std::find_if(then->probes.begin(), then->probes.end(),
                                    [step](const ProbedStep& probe) { return probe.step == step; });
    if (spoke == then->probes.end()) return;
    turn().probes.push_back({.step = step, .layers = {}});
    for (std::size_t l = 0; l < spoke->layers.size(); ++l) {
        Decision now = spoke->layers[l].front();
        now.by = DecidedBy::Replay;
        settle(LayerIndex::of(l), now, plan, step, observer);
    }
}

// A layer that turned sparse lets go of what a sparse layer does not keep.
void LiveSequence::settle(LayerIndex layer, const Decision& now, const RunPlan& plan, StepIndex step,
                          Observer& observer) {
    LayerRouting& routing = turn().layers[static_cast<std::size_t>(layer.value())];
    Decision& current = routing.decisions.front();
    observer.decided(sequence_, turnIndex_, step, layer, now);
    turn().probes.back().layers.push_back({now});
    const bool turned = now.attention != current.attention;
    current = now;
    if (!turned) return;
    const auto keeps =
        ruleOf(Attention::Sparse, plan.sparse, model_.transformer.config().slidingWindow(layer)).keeps;
    const std::int64_t before = kv_->layer(layer).bytes();
    kv_->narrow(layer, keeps->sink, keeps->window);
    const std::int64_t freed = before - kv_->layer(layer).bytes();
    routing.kv.bytesKept -= freed;
    routing.kv.bytesFreed += freed;
    turn().kvBytes -= freed;
    observer.kvSettled(sequence_, turnIndex_, step, layer, routing.kv);
}

TokenChoice LiveSequence::choose(std::span<const float> logits, StepIndex step) const {
    return isForced() ? sampler_.given(logits, forced()[static_cast<std::size_t>(step.value())])
                      : sampler_.choose(logits, history_, {sequence_, turnIndex_, step});
}

RowInput LiveSequence::inputOf(StepIndex step) const {
    if (isForced()) return {.given = forced()[static_cast<std::size_t>(step.value())]};
    return {.given = {}, .drawn = uniformAt(request_.seed, {sequence_, turnIndex_, step})};
}

void LiveSequence::say(TokenChoice choice, StepIndex step, Observer& observer) {
    TurnResult& now = turn();
    if (!std::isfinite(choice.logprob))
        throw InputError(model_.facts.path, "the weights", "give numbers that are not finite",
                         "use undamaged weights, or another --dtype");

    now.ids.push_back(choice.id);
    now.logprobs.push_back(choice.logprob);
    history_.push_back(choice.id);
    TokenFacts facts{.id = choice.id,
                     .text = text_->append(choice.id),
                     .logprob = choice.logprob,
                     .top = std::move(choice.top),
                     .tailMass = choice.tailMass};
    now.text += stop_->append(facts.text);
    const std::optional<TurnEnd> end = endAfter(choice.id, stop_->matched());
    if (end) {
        const std::string rest = text_->finish();
        facts.text += rest;
        now.text += stop_->append(rest) + stop_->finish();
        now.end = *end;
        ended_ = true;
    }
    observer.tokenEmitted(sequence_, turnIndex_, step, facts);
    now.choices.push_back({.top = std::move(facts.top), .tailMass = facts.tailMass});
}

std::optional<TurnEnd> LiveSequence::endAfter(TokenId id, bool stopped) const {
    const auto said = static_cast<std::int64_t>(result_.turns.back().ids.size());
    if (isForced()) return said == mostNew_ ? std::optional(TurnEnd::Forced) : std::nullopt;
    const auto& ends = model_.transformer.config().endOfSequence;
    if (request_.stopAtEos && std::find(ends.begin(), ends.end(), id) != ends.end()) return TurnEnd::EndToken;
    if (stopped) return TurnEnd::StopString;
    return said == mostNew_ ? std::optional(TurnEnd::MaxNew) : std::nullopt;
}

}  // namespace fluxscope
