#include "app/serve/evaluate.h"

#include "app/serve/detail/evaluation_questions.h"
#include "engine/contract/error.h"
#include "engine/tasks/scoring.h"
#include "profiler/capture/capture_feed.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <utility>

namespace fluxscope {
namespace {

using Clock = std::chrono::steady_clock;
using QuestionPlace = std::pair<std::size_t, std::size_t>;  // cell and question

EvaluationPlan planOf(const EvaluationRequest& request, const protocol::LoadedEvent& loaded,
                      std::vector<EvaluationCell> cells) {
    EvaluationPlan plan{.modelHash = loaded.model.hash,
                        .sparse = request.sparse ? shortForm(*request.sparse) : loaded.sparse,
                        .device = loaded.device.substr(0, loaded.device.find(':')),
                        .dtype = loaded.dtype,
                        .policies = request.policies,
                        .asked = request.policies.size(),
                        .cells = std::move(cells),
                        .batch = request.batch,
                        .fidelity = request.fidelity};
    if (request.fidelity && !plan.fullPolicy()) plan.policies.emplace_back(FullPolicy{});
    return plan;
}

std::int64_t answersIn(const std::vector<EvaluationBatch>& batches) {
    std::int64_t answers = 0;
    for (const EvaluationBatch& batch : batches) answers += std::ssize(batch.questions);
    return answers;
}

// Of what was done since it began, by tokens: a length's answers take about as long as its prompts are.
class Countdown {
public:
    Countdown(const EvaluationPlan& plan, const std::vector<EvaluationBatch>& wanted)
        : plan_(plan), total_(answersIn(allBatches(plan))), done_(total_ - answersIn(wanted)) {
        for (const EvaluationBatch& batch : wanted) left_ += weightOf(batch);
    }
    void did(const EvaluationBatch& batch) {
        done_ += std::ssize(batch.questions);
        left_ -= weightOf(batch);
        behind_ += weightOf(batch);
    }
    EvaluationProgress now() const {
        EvaluationProgress progress{.done = done_, .total = total_, .secondsLeft = {}};
        const double seconds = std::chrono::duration<double>(Clock::now() - began_).count();
        if (behind_ > 0) progress.secondsLeft = seconds / behind_ * left_;
        return progress;
    }

private:
    double weightOf(const EvaluationBatch& batch) const {
        return static_cast<double>(std::ssize(batch.questions) *
                                   std::max<std::int64_t>(plan_.cells[batch.cell].length, 1));
    }

    const EvaluationPlan& plan_;
    std::int64_t total_ = 0;
    std::int64_t done_ = 0;
    double left_ = 0;
    double behind_ = 0;
    Clock::time_point began_ = Clock::now();
};

class Evaluation {
public:
    Evaluation(EngineHost& host, const EvaluationRequest& request, const EvaluationPlan& plan,
               const EvaluationQuestions& questions, const CancelToken& cancel)
        : host_(host), request_(request), plan_(plan), questions_(questions), cancel_(cancel) {}

    // What a capture holds: samples, measured policies, and what full attention has answered.
    void takeRecorded(const std::filesystem::path& file) {
        std::error_code unknown;
        if (file.empty() || !std::filesystem::exists(file, unknown) ||
            std::filesystem::file_size(file, unknown) == 0)
            return;
        const SnapshotPtr snapshot = readCapture(file);
        RecordedEvaluation recorded = recordedEvaluation(*snapshot, plan_);
        samples_ = std::move(recorded.samples);
        measured_ = std::move(recorded.measured);
        if (!plan_.fidelity) return;
        std::map<std::pair<RunIndex, SequenceIndex>, QuestionPlace> ofFull;
        for (const EvaluatedSample& sample : samples_)
            if (sample.part == EvaluationPart::Answer && sample.policy == plan_.fullPolicy())
                ofFull[{sample.run, sample.sequence}] = {sample.cell, sample.question};
        snapshot->tokens.each([&](const TokenRow& row) {
            const auto place = ofFull.find({row.run, row.sequence});
            if (place != ofFull.end() && row.turn == TurnIndex{})
                answersOfFull_[place->second].push_back(row.token);
        });
    }

    const std::vector<EvaluatedSample>& samples() const { return samples_; }

    void carryOut(const EvaluationBatch& batch, HostSeries& series) {
        const std::vector<AskedQuestion>& asked = askedIn(batch);
        const bool compares = batch.part == EvaluationPart::Fidelity;
        RunRequest run = requestOf(batch, asked);
        if (compares || scorerOf(batch) == kLikelihoodScorer) run.forcedIds = forcedIn(batch, asked, series);
        run.fidelity = compares;
        std::vector<EvaluatedSample> judged;
        const HostJudge judge = [&](const std::vector<SequenceResult>& sequences) {
            std::vector<EvaluationSample> told;
            for (std::size_t i = 0; i < sequences.size(); ++i) {
                judged.push_back(sampleOf(batch, i, asked[i].prompt, sequences[i].first()));
                told.push_back(toldOf(batch, i, judged.back().score));
            }
            return told;
        };
        const std::vector<SequenceResult> sequences = series.run(run, {}, cancel_, judge);
        samples_.insert(samples_.end(), judged.begin(), judged.end());
        if (batch.part != EvaluationPart::Answer || plan_.fullPolicy() != batch.policy) return;
        for (std::size_t i = 0; i < sequences.size(); ++i)
            answersOfFull_[{batch.cell, batch.questions[i]}] = sequences[i].first().ids;
    }

private:
    // Policy after policy is asked the same: it is made once.
    const std::vector<AskedQuestion>& askedIn(const EvaluationBatch& batch) {
        if (askedCell_ == batch.cell && askedQuestions_ == batch.questions) return asked_;
        asked_.clear();
        for (const std::size_t question : batch.questions)
            asked_.push_back(questions_.question(batch.cell, question));
        askedCell_ = batch.cell;
        askedQuestions_ = batch.questions;
        return asked_;
    }

    const std::string& scorerOf(const EvaluationBatch& batch) const { return plan_.cells[batch.cell].scorer; }

    RunRequest requestOf(const EvaluationBatch& batch, const std::vector<AskedQuestion>& asked) {
        RunRequest run;
        run.policy = policyOf(batch);
        run.sparse = request_.sparse;
        run.batch = static_cast<std::int32_t>(asked.size());
        run.raw = true;
        run.maxNew = 1;
        bool endsAtNewline = true;
        for (const AskedQuestion& question : asked) {
            run.prompts.push_back(question.prompt);
            run.maxNew = std::max(run.maxNew, question.mostNew);
            endsAtNewline = endsAtNewline && question.endsAtNewline;
        }
        if (endsAtNewline) run.sampling.stop = {"\n"};
        return run;
    }

    // One that measures does so once for a cell.
    const Policy& policyOf(const EvaluationBatch& batch) {
        const Policy& policy = plan_.policies[batch.policy];
        if (!policy.needsScores()) return policy;
        const auto known = measured_.find({batch.policy, batch.cell});
        if (known != measured_.end()) return known->second;
        RunRequest run;
        run.prompts = questions_.measuredOn(batch.cell);
        run.policy = policy;
        run.sparse = request_.sparse;
        run.raw = true;
        return measured_.emplace(std::pair{batch.policy, batch.cell}, host_.measured(run, cancel_))
            .first->second;
    }

    std::vector<std::vector<TokenId>> forcedIn(const EvaluationBatch& batch,
                                               const std::vector<AskedQuestion>& asked, HostSeries& series) {
        std::vector<std::vector<TokenId>> forced;
        if (scorerOf(batch) == kLikelihoodScorer) {
            for (const AskedQuestion& question : asked) forced.push_back(question.answer);
            return forced;
        }
        const auto isKnown = [&](std::size_t question) {
            return answersOfFull_.contains({batch.cell, question});
        };
        if (!std::ranges::all_of(batch.questions, isKnown))  // the capture lacks their tokens
            carryOut({*plan_.fullPolicy(), batch.cell, EvaluationPart::Answer, batch.questions}, series);
        for (const std::size_t question : batch.questions)
            forced.push_back(answersOfFull_.at({batch.cell, question}));
        return forced;
    }

    EvaluatedSample sampleOf(const EvaluationBatch& batch, std::size_t i, const Prompt& prompt,
                             const TurnResult& turn) const {
        EvaluatedSample sample{.policy = batch.policy,
                               .cell = batch.cell,
                               .question = batch.questions[i],
                               .part = batch.part,
                               .fullShare = fullShareOf(turn.layers),
                               .run = {},
                               .sequence = SequenceIndex::of(i)};
        if (batch.part == EvaluationPart::Fidelity) {
            const auto steps = static_cast<double>(turn.fidelity.size());
            for (const FidelityStep& step : turn.fidelity) {
                sample.meanKl += step.kl;
                sample.score += step.sameTop ? 1 : 0;
            }
            sample.meanKl /= steps;
            sample.score /= steps;
            return sample;
        }
        const tasks::Scorer scorer = tasks::scorerFrom(scorerOf(batch), "the evaluation");
        if (scorer == tasks::Scorer::Likelihood)
            sample.score = tasks::likelihood(turn.logprobs);
        else if (scorer != tasks::Scorer::None)
            sample.score = tasks::score(scorer, prompt.answer, turn.text);
        return sample;
    }

    EvaluationSample toldOf(const EvaluationBatch& batch, std::size_t i, double score) const {
        const EvaluationCell& cell = plan_.cells[batch.cell];
        const EvaluationQuestion& question = cell.questions[batch.questions[i]];
        return {.sequence = SequenceIndex::of(i),
                .task = cell.task,
                .length = cell.length,
                .number = question.number,
                .seed = question.seed,
                .scorer = batch.part == EvaluationPart::Fidelity ? kFidelityScorer : cell.scorer,
                .score = score};
    }

    EngineHost& host_;
    const EvaluationRequest& request_;
    const EvaluationPlan& plan_;
    const EvaluationQuestions& questions_;
    const CancelToken& cancel_;
    std::size_t askedCell_ = 0;
    std::vector<std::size_t> askedQuestions_;  // of that cell
    std::vector<AskedQuestion> asked_;
    std::vector<EvaluatedSample> samples_;
    std::map<std::pair<std::size_t, std::size_t>, Policy> measured_;  // by policy and cell
    std::map<QuestionPlace, std::vector<TokenId>> answersOfFull_;
};

Error cancelledAt(const EvaluationProgress& at, bool recorded) {
    return {ErrorFamily::Cancelled, "evaluate", "",
            "was cancelled after " + std::to_string(at.done) + " of " + std::to_string(at.total) + " answers",
            recorded ? "the same command goes on from there"
                     : "none was kept: with --capture FILE.fluxdb the same command would go on from there"};
}

}  // namespace

EvaluationReport evaluate(EngineHost& host, const protocol::LoadedEvent& loaded,
                          const std::filesystem::path& folder, const EvaluationRequest& request,
                          const std::function<void(const EvaluationProgress&)>& progress,
                          const CancelToken& cancel) {
    for (const Policy& policy : request.policies)
        policy.requireFits(loaded.model.layers, loaded.model.kvHeads, loaded.model.routerParameters > 0);
    const EvaluationQuestions questions(request, folder);
    EvaluationReport report{.plan = planOf(request, loaded, questions.cells()), .results = {}};
    const EvaluationPlan& plan = report.plan;

    Evaluation evaluation(host, request, plan, questions, cancel);
    evaluation.takeRecorded(request.capture);
    const std::vector<EvaluationBatch> wanted = stillWanted(plan, evaluation.samples());
    Countdown countdown(plan, wanted);
    report.answers = countdown.now().total;
    report.reused = countdown.now().done;
    if (!wanted.empty()) {
        const std::unique_ptr<HostSeries> series = host.series(request.capture, request.promptText);
        try {
            for (const EvaluationBatch& batch : wanted) {
                if (cancel.cancelled()) throw CancelledError("evaluate");
                if (progress) progress(countdown.now());
                evaluation.carryOut(batch, *series);
                countdown.did(batch);
            }
        } catch (const CancelledError&) {
            series->finish();
            throw cancelledAt(countdown.now(), !request.capture.empty());
        }
        report.recordingProblem = series->finish();
    }
    report.results = evaluationResults(plan, evaluation.samples());
    return report;
}

}  // namespace fluxscope
