#include "profiler/analysis/evaluation.h"

#include "engine/contract/error.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

namespace fluxscope {
namespace {

using SampleKey = std::tuple<std::size_t, std::size_t, std::size_t, EvaluationPart>;
using SequenceKey = std::pair<RunIndex, SequenceIndex>;

SampleKey keyOf(const EvaluatedSample& s) { return {s.policy, s.cell, s.question, s.part}; }

// A mean that is fed value by value.
struct Mean {
    double sum = 0;
    double count = 0;

    void add(double value) {
        sum += value;
        ++count;
    }
    double value() const { return count > 0 ? sum / count : 0; }
};

double shareOf(const std::map<std::int32_t, Mean>& layers) {
    Mean share;
    for (const auto& [layer, full] : layers) share.add(full.value());
    return share.value();
}

// The rows of a snapshot that say more about a sequence that was evaluated.
struct Evaluated {
    std::map<SequenceKey, std::map<std::int32_t, Mean>> layers;
    std::map<SequenceKey, Mean> kl;

    explicit Evaluated(const Snapshot& snapshot) {
        std::set<SequenceKey> wanted;
        snapshot.evaluations.each([&](const EvaluationRow& row) { wanted.emplace(row.run, row.sequence); });
        snapshot.decisions.each([&](const DecisionRow& row) {
            const bool first = row.turn == TurnIndex{} && row.step == StepIndex{};
            if (!first || !wanted.contains({row.run, row.sequence})) return;
            layers[{row.run, row.sequence}][row.layer.value()].add(
                row.decision.attention == Attention::Full ? 1 : 0);
        });
        snapshot.fidelity.each([&](const FidelityRow& row) {
            if (row.turn == TurnIndex{} && wanted.contains({row.run, row.sequence}))
                kl[{row.run, row.sequence}].add(row.fidelity.kl);
        });
    }
};

// Absent: not JSON, or no policy that we know.
std::optional<Policy> policyIn(const std::string& text) {
    const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_discarded()) return std::nullopt;
    try {
        return policyFromJson(json, "policy");
    } catch (const Error&) {
        return std::nullopt;
    }
}

bool isMeasured(const Policy& asked, const Policy& recorded) {
    const auto* with = std::get_if<EntropyPolicy>(&recorded.kind());
    if (!asked.needsScores() || with == nullptr) return false;
    const auto& without = std::get<EntropyPolicy>(asked.kind());
    return with->count == without.count && with->eigenvalues == without.eigenvalues;
}

class PlannedRuns {
public:
    PlannedRuns(const Snapshot& snapshot, const EvaluationPlan& plan) {
        for (const RunRow& run : snapshot.runs) {
            const auto model = std::ranges::find(snapshot.models, run.model, &ModelRow::model);
            const std::string device = run.device.substr(0, run.device.find(':'));
            if (model == snapshot.models.end() || model->facts.hash != plan.modelHash ||
                run.sparse != plan.sparse || device != plan.device || run.dtype != plan.dtype)
                continue;
            if (auto policy = policyIn(run.policyJson)) runs_.emplace(run.run, *std::move(policy));
        }
    }

    const Policy* policyOf(RunIndex run) const {
        const auto found = runs_.find(run);
        return found == runs_.end() ? nullptr : &found->second;
    }

private:
    std::map<RunIndex, Policy> runs_;
};

// Blocks of questions, the same whatever is there.
template <class Visit>
void eachBlock(const EvaluationPlan& plan, const EvaluationCell& cell, Visit visit) {
    const auto most = static_cast<std::size_t>(std::max(plan.batch, 1));
    for (std::size_t first = 0; first < cell.questions.size(); first += most) {
        std::vector<std::size_t> questions;
        for (std::size_t q = first; q < std::min(first + most, cell.questions.size()); ++q)
            questions.push_back(q);
        visit(std::move(questions));
    }
}

bool answers(const EvaluationPlan& plan, std::size_t policy, const EvaluationCell& cell) {
    // Full attention's own answer is what the others are forced to give; a text that goes on is given with the question.
    const bool isReference = plan.fidelity && plan.fullPolicy() == policy && cell.scorer != kLikelihoodScorer;
    return isReference || (policy < plan.asked && !cell.scorer.empty());
}

bool isCompared(const EvaluationPlan& plan, std::size_t policy) {
    return plan.fidelity && policy < plan.asked && plan.fullPolicy() != policy;
}

}  // namespace

std::optional<std::size_t> EvaluationPlan::fullPolicy() const {
    const auto full = std::ranges::find(policies, Policy{FullPolicy{}});
    if (full == policies.end()) return std::nullopt;
    return static_cast<std::size_t>(full - policies.begin());
}

RecordedEvaluation recordedEvaluation(const Snapshot& snapshot, const EvaluationPlan& plan) {
    using Asked = std::tuple<std::string, std::int64_t, std::int64_t, std::uint64_t>;
    std::multimap<Asked, std::pair<std::size_t, std::size_t>> places;  // cell and question
    for (std::size_t c = 0; c < plan.cells.size(); ++c)
        for (std::size_t q = 0; q < plan.cells[c].questions.size(); ++q) {
            const EvaluationCell& cell = plan.cells[c];
            places.emplace(Asked{cell.task, cell.length, cell.questions[q].number, cell.questions[q].seed},
                           std::pair{c, q});
        }
    const PlannedRuns runs(snapshot, plan);
    const Evaluated more(snapshot);
    RecordedEvaluation recorded;
    std::map<SampleKey, EvaluatedSample> samples;  // the last of each

    const auto take = [&](const EvaluationRow& row, const Policy& policy, std::size_t p, std::size_t c,
                          std::size_t q) {
        const bool compared = row.scorer == kFidelityScorer;
        if (!compared && row.scorer != plan.cells[c].scorer) return;
        if (plan.policies[p] != policy) {
            if (!isMeasured(plan.policies[p], policy)) return;
            if (recorded.measured.try_emplace({p, c}, policy).first->second != policy) return;
        }
        EvaluatedSample sample{.policy = p,
                               .cell = c,
                               .question = q,
                               .part = compared ? EvaluationPart::Fidelity : EvaluationPart::Answer,
                               .score = row.score,
                               .run = row.run,
                               .sequence = row.sequence};
        const auto layers = more.layers.find({row.run, row.sequence});
        if (layers == more.layers.end()) return;  // cut off, or damaged
        sample.fullShare = shareOf(layers->second);
        if (compared) {
            const auto kl = more.kl.find({row.run, row.sequence});
            if (kl == more.kl.end()) return;
            sample.meanKl = kl->second.value();
        }
        samples[keyOf(sample)] = sample;
    };
    snapshot.evaluations.each([&](const EvaluationRow& row) {
        const Policy* policy = runs.policyOf(row.run);
        if (policy == nullptr) return;
        const auto [first, last] = places.equal_range({row.task, row.length, row.number, row.seed});
        for (auto place = first; place != last; ++place)
            for (std::size_t p = 0; p < plan.policies.size(); ++p)
                take(row, *policy, p, place->second.first, place->second.second);
    });
    for (const auto& [key, sample] : samples) recorded.samples.push_back(sample);
    return recorded;
}

std::vector<EvaluationBatch> allBatches(const EvaluationPlan& plan) { return stillWanted(plan, {}); }

std::vector<EvaluationBatch> stillWanted(const EvaluationPlan& plan,
                                         const std::vector<EvaluatedSample>& samples) {
    std::set<SampleKey> there;
    for (const EvaluatedSample& sample : samples) there.insert(keyOf(sample));
    std::vector<EvaluationBatch> wanted;
    const auto want = [&](EvaluationBatch batch) {
        const bool whole = std::ranges::all_of(batch.questions, [&](std::size_t question) {
            return there.contains({batch.policy, batch.cell, question, batch.part});
        });
        if (!whole) wanted.push_back(std::move(batch));
    };
    for (std::size_t c = 0; c < plan.cells.size(); ++c)
        eachBlock(plan, plan.cells[c], [&](const std::vector<std::size_t>& questions) {
            for (std::size_t p = 0; p < plan.policies.size(); ++p)
                if (answers(plan, p, plan.cells[c])) want({p, c, EvaluationPart::Answer, questions});
            for (std::size_t p = 0; p < plan.policies.size(); ++p)
                if (isCompared(plan, p)) want({p, c, EvaluationPart::Fidelity, questions});
        });
    return wanted;
}

std::vector<EvaluationResult> evaluationResults(const EvaluationPlan& plan,
                                                const std::vector<EvaluatedSample>& samples) {
    struct Row {
        std::vector<double> scores;
        Mean answeredShare, loss, comparedShare, kl, sameTop;
    };
    std::map<SampleKey, EvaluatedSample> last;
    for (const EvaluatedSample& sample : samples) last[keyOf(sample)] = sample;
    std::map<std::pair<std::size_t, std::size_t>, Row> rows;  // by cell and policy
    for (const auto& [key, sample] : last) {
        if (sample.policy >= plan.asked) continue;
        Row& row = rows[{sample.cell, sample.policy}];
        if (sample.part == EvaluationPart::Fidelity) {
            row.kl.add(sample.meanKl);
            row.sameTop.add(sample.score);
            row.comparedShare.add(sample.fullShare);
        } else {
            row.scores.push_back(sample.score);
            row.loss.add(-std::log(sample.score));
            row.answeredShare.add(sample.fullShare);
        }
    }
    std::vector<EvaluationResult> results;
    for (const auto& [place, row] : rows) {
        const EvaluationCell& cell = plan.cells[place.first];
        const bool judged = !cell.scorer.empty();
        const bool compared = row.kl.count > 0;
        EvaluationResult result{.policy = place.second, .cell = place.first};
        const Mean& share = row.answeredShare.count > 0 ? row.answeredShare : row.comparedShare;
        result.samples = std::llround(share.count);
        result.fullShare = share.value();
        if (judged && !row.scores.empty()) result.score = scoreInterval(row.scores);
        if (cell.scorer == kLikelihoodScorer && result.score && std::isfinite(row.loss.value()))
            result.lossNats = row.loss.value();
        if (plan.fidelity && compared) {
            result.meanKl = row.kl.value();
            result.sameTop = row.sameTop.value();
        }
        results.push_back(result);
    }
    return results;
}

double fullShareOf(const std::vector<LayerRouting>& layers) {
    Mean share;
    for (const LayerRouting& layer : layers) {
        Mean full;
        for (const Decision& decision : layer.decisions)
            full.add(decision.attention == Attention::Full ? 1 : 0);
        share.add(full.value());
    }
    return share.value();
}

}  // namespace fluxscope
