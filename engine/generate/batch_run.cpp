#include "engine/generate/batch_run.h"

#include "engine/contract/error.h"
#include "engine/generate/chunk_size.h"
#include "engine/generate/device_decode.h"
#include "engine/generate/fidelity.h"

#include <ATen/ops/cat.h>

#include <algorithm>
#include <chrono>

namespace fluxscope {
namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point began) {
    return std::chrono::duration<double>(Clock::now() - began).count();
}

// The last row of each prompt, [prompts, hidden].
at::Tensor lastRows(const std::vector<PrefilledSequence>& sequences) {
    std::vector<at::Tensor> rows;
    rows.reserve(sequences.size());
    for (const PrefilledSequence& s : sequences) rows.push_back(s.hidden.slice(0, s.hidden.size(0) - 1));
    return at::cat(rows);
}

}  // namespace

BatchRun::BatchRun(const LoadedModel& model, const RunRequest& request, const RunPlan& plan,
                   Observer& observer, const CancelToken& cancel)
    : model_(model),
      request_(request),
      plan_(plan),
      observer_(observer),
      cancel_(cancel),
      router_(model.router(request.batch)) {}

std::vector<SequenceResult> BatchRun::run(BatchIndex batch, std::size_t first,
                                          std::span<const PreparedPrompt> prompts) {
    std::vector<SequenceIndex> indices;
    std::vector<LiveSequence> sequences;
    sequences.reserve(prompts.size());
    for (std::size_t i = 0; i < prompts.size(); ++i) {
        sequences.emplace_back(model_, request_, first + i, prompts[i]);
        indices.push_back(sequences.back().index());
    }
    observer_.batchBegan(batch, indices);
    for (std::size_t t = 0; t < turnsOf(request_); ++t)
        turn({.batch = batch, .turn = TurnIndex::of(t)}, sequences);
    observer_.batchEnded(batch);

    std::vector<SequenceResult> results;
    results.reserve(sequences.size());
    for (LiveSequence& sequence : sequences) results.push_back(sequence.take());
    return results;
}

void BatchRun::turn(const Place& place, std::vector<LiveSequence>& sequences) {
    std::int64_t positions = 0;
    for (LiveSequence& sequence : sequences) {
        sequence.beginTurn(place.turn, observer_);
        positions = std::max(positions, sequence.positions());
    }
    const RotaryTable rotary = model_.transformer.rotary(positions);
    prefill(place, sequences, rotary);
    decode(place, sequences, rotary);
}

void BatchRun::prefill(const Place& place, std::vector<LiveSequence>& sequences, const RotaryTable& rotary) {
    const std::int64_t chunk = chunkTokensOf(request_.chunkTokens, model_.transformer, plan_.sparse);
    const Policy full{FullPolicy{}};
    std::vector<SequencePlan> plans;
    std::vector<SequencePlan> shadows;
    std::vector<LiveSequence*> rows;
    for (LiveSequence& sequence : sequences) {
        plans.push_back(sequence.plan(plan_.policy, plan_.sparse, chunk));
        if (request_.fidelity) shadows.push_back(sequence.shadowPlan(full, plan_.sparse, chunk));
        rows.push_back(&sequence);
    }

    Prefill prefill(model_.transformer, router_, rotary, cancel_);
    Observer nobody;
    const Tracer unseen(nobody, false, place.batch, Phase::Prefill, StepIndex{});
    // The plans look at the text as it is: full attention is heard before anything is said.
    std::vector<PrefilledSequence> truth;
    if (request_.fidelity) truth = prefill.run(shadows, unseen);

    const auto began = Clock::now();
    const Tracer step = tracer(place, Phase::Prefill, StepIndex{});
    const auto scope = step.open();
    std::vector<PrefilledSequence> done = prefill.run(plans, step);
    const at::Tensor logits = model_.transformer.logits(lastRows(done), step);  // [rows, vocabulary]
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i]->prefilled(done[i], router_);
    choose(rows, logits, step);
    const double seconds = secondsSince(began);
    for (LiveSequence& sequence : sequences) {
        sequence.turn().prefillSeconds = seconds;
        sequence.turn().ttftSeconds = seconds + sequence.tokenizingSeconds();
    }

    if (!request_.fidelity) return;
    compare(place, StepIndex{}, rows, logits, model_.transformer.logits(lastRows(truth), unseen));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        TurnResult& turn = rows[i]->turn();
        if (turn.promptIds.size() > 1)
            turn.promptFidelity = comparePrompt(turn.promptIds, done[i].hidden, truth[i].hidden, unseen);
    }
}

void BatchRun::decode(const Place& place, std::vector<LiveSequence>& sequences, const RotaryTable& rotary) {
    std::vector<LiveSequence*> rows;
    for (LiveSequence& sequence : sequences)
        if (!sequence.ended()) rows.push_back(&sequence);
    if (rows.empty()) return;
    if (!plan_.ahead) return decodeStepByStep(place, std::move(rows), rotary);
    DeviceDecode batch(model_, request_, rotary, rows, !plan_.obeyed.eager, observer_,
                       [this, &place](StepIndex step) { return tracer(place, Phase::Decode, step); });
    runAhead(batch, cancel_);
}

// Where something looks into every step (a probe, fidelity, an observer that wants no recorded ones), and on a CPU.
void BatchRun::decodeStepByStep(const Place& place, std::vector<LiveSequence*> rows,
                                const RotaryTable& rotary) {
    const auto cachesOf = [&](KvCache& (LiveSequence::*cache)() const) {
        std::vector<KvCache*> caches;
        for (const LiveSequence* row : rows) caches.push_back(&(row->*cache)());
        return caches;
    };
    Decode decode(model_.transformer, rotary, cachesOf(&LiveSequence::kv), {.graphs = !plan_.obeyed.eager});
    std::optional<Decode> truth;
    if (request_.fidelity) truth.emplace(model_.transformer, rotary, cachesOf(&LiveSequence::shadow));

    RoutedTap tap;
    if (request_.probe)
        tap = [&rows](LayerIndex layer, const at::Tensor& queries) {
            for (std::size_t i = 0; i < rows.size(); ++i)
                rows[i]->probe().push(
                    layer, queries.slice(0, static_cast<std::int64_t>(i), static_cast<std::int64_t>(i) + 1));
        };

    const auto began = Clock::now();
    for (std::int32_t n = 1; !rows.empty(); ++n) {
        if (cancel_.cancelled()) throw CancelledError("the run");
        std::vector<TokenId> tokens;
        for (const LiveSequence* row : rows) tokens.push_back(row->last());
        at::Tensor logits;  // [rows, vocabulary]
        {
            const Tracer step = tracer(place, Phase::Decode, StepIndex::of(n));
            const auto scope = step.open();
            logits = decode.step(tokens, step, tap);
            choose(rows, logits, step);
            probe(rows, StepIndex::of(n));
        }
        if (truth) {
            Observer nobody;
            const Tracer unseen(nobody, false, place.batch, Phase::Decode, StepIndex::of(n));
            compare(place, StepIndex::of(n), rows, logits, truth->step(tokens, unseen));
        }
        std::vector<std::size_t> staying;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            if (!rows[i]->ended())
                staying.push_back(i);
            else
                rows[i]->turn().decodeSeconds = secondsSince(began);
        }
        if (staying.size() == rows.size()) continue;
        decode.retain(staying);
        if (truth) truth->retain(staying);
        std::vector<LiveSequence*> left;
        for (const std::size_t i : staying) left.push_back(rows[i]);
        rows = std::move(left);
    }
}

// What the routers would decide now, where a probe is due; in a replay, what they had said then. Acting on it, a layer that
// would be sparse lets go of what a sparse layer does not keep.
void BatchRun::probe(std::span<LiveSequence* const> rows, StepIndex step) {
    for (LiveSequence* row : rows) row->repeatProbe(plan_, step, observer_);
    if (!request_.probe || step.value() % request_.probe->every != 0) return;
    for (LiveSequence* row : rows) {
        const auto logits = row->probe().logits();  // by layer
        for (std::size_t l = 0; l < logits.size(); ++l)
            row->reconsider(LayerIndex::of(l), logits[l].front(), plan_, step, observer_);
    }
}

// Every sequence says something, given its row of logits.
void BatchRun::choose(std::span<LiveSequence* const> rows, const at::Tensor& logits, const Tracer& step) {
    const std::int64_t vocabulary = model_.facts.vocabulary;
    const auto op = step.op(Op::Sample, sampleShape(static_cast<std::int64_t>(rows.size()), vocabulary));
    const at::Tensor host = logits.to(at::kCPU).contiguous();
    const float* values = host.const_data_ptr<float>();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const std::span<const float> row(values + static_cast<std::ptrdiff_t>(i) * vocabulary,
                                         static_cast<std::size_t>(vocabulary));
        rows[i]->say(rows[i]->choose(row, step.key().step), step.key().step, observer_);
    }
}

void BatchRun::compare(const Place& place, StepIndex step, std::span<LiveSequence* const> rows,
                       const at::Tensor& logits, const at::Tensor& full) {
    std::vector<TokenId> decoded;
    for (LiveSequence* row : rows) decoded.push_back(row->last());
    const std::vector<FidelityStep> steps = fidelityOf(logits, full, decoded);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        rows[i]->turn().fidelity.push_back(steps[i]);
        observer_.compared(rows[i]->index(), place.turn, step, steps[i]);
    }
}

// A prompt's positions under both, some rows of logits at a time: never all positions of a large vocabulary.
PromptFidelity BatchRun::comparePrompt(std::span<const TokenId> tokens, const at::Tensor& hidden,
                                       const at::Tensor& full, const Tracer& unseen) const {
    const std::int64_t positions = static_cast<std::int64_t>(tokens.size()) - 1;
    PromptFidelity sum{.positions = positions};
    for (std::int64_t begin = 0; begin < positions; begin += kComparedAtOnce) {
        if (cancel_.cancelled()) throw CancelledError("the run");
        const std::int64_t end = std::min(begin + kComparedAtOnce, positions);
        const auto next =
            tokens.subspan(static_cast<std::size_t>(begin) + 1, static_cast<std::size_t>(end - begin));
        const auto steps = fidelityOf(model_.transformer.logits(hidden.slice(0, begin, end), unseen),
                                      model_.transformer.logits(full.slice(0, begin, end), unseen), next);
        for (const FidelityStep& step : steps) {
            sum.meanKl += step.kl;
            sum.top1Agreement += step.sameTop ? 1 : 0;
            sum.meanLogprobChange += step.logprobChange;
        }
    }
    const auto count = static_cast<double>(positions);
    return {positions, sum.meanKl / count, sum.top1Agreement / count, sum.meanLogprobChange / count};
}

Tracer BatchRun::tracer(const Place& place, Phase phase, StepIndex step) const {
    return Tracer(observer_, plan_.obeyed.opScopes, place.batch, phase, step).turn(place.turn);
}

}  // namespace fluxscope
