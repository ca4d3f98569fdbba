// An evaluation: policies x cells x questions. What of it a capture holds, what is still to be run, and the table of it all.
// app/serve/evaluate.h carries it out.
//
// A recorded answer is one of the plan's when model, sparse form, kind of device, dtype, policy, task, length, number, seed and scorer
// are the same. Of several the last counts.
#pragma once

#include "engine/contract/policy.h"
#include "engine/contract/run.h"
#include "profiler/analysis/score_interval.h"
#include "profiler/capture/snapshot.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fluxscope {

// The rule of answers that were compared, not judged: the share of steps where full attention thinks the same token most probable.
inline constexpr const char* kFidelityScorer = "fidelity";
inline constexpr const char* kLikelihoodScorer = "likelihood";

struct EvaluationQuestion {
    std::int64_t number = 0;
    std::uint64_t seed = 0;  // of the task; of a prompt set, a hash of the prompt
};

// Questions whose answers are one row of the table for each policy.
struct EvaluationCell {
    std::string task;         // of a prompt set, the kind
    std::string split;        // of a prompt set: "tune", "test" or ""
    std::int64_t length = 0;  // of a prompt set 0
    std::string scorer;       // "": nothing to judge by; answers are compared only
    std::vector<EvaluationQuestion> questions;
};

struct EvaluationPlan {
    std::string modelHash;
    std::string sparse;  // short form
    std::string device;  // "cpu" or "cuda"
    std::string dtype;
    std::vector<Policy> policies;
    std::size_t asked = 0;  // how many of them, from the first on, are in the table
    std::vector<EvaluationCell> cells;
    std::int32_t batch = 1;
    // Asked policies are compared with full attention, step by step of what full attention answers: `policies` has it then.
    bool fidelity = false;

    std::optional<std::size_t> fullPolicy() const;
};

enum class EvaluationPart : std::uint8_t {
    Answer,   // given, and judged where there is a scorer
    Fidelity  // the same tokens for every policy, compared with full attention
};

struct EvaluatedSample {
    std::size_t policy = 0;
    std::size_t cell = 0;
    std::size_t question = 0;
    EvaluationPart part = EvaluationPart::Answer;
    double score = 0;
    double fullShare = 0;  // of the layers; a layer whose heads differ counts in part
    double meanKl = 0;     // of a Fidelity
    RunIndex run;          // where it is recorded; 0: nowhere
    SequenceIndex sequence;
};

// What a capture holds of a plan.
struct RecordedEvaluation {
    std::vector<EvaluatedSample> samples;
    // By policy and cell: of a policy that measures its scores, the one with the scores that the cell was run with.
    std::map<std::pair<std::size_t, std::size_t>, Policy> measured;
};
RecordedEvaluation recordedEvaluation(const Snapshot& snapshot, const EvaluationPlan& plan);

// Questions that go through the engine together.
struct EvaluationBatch {
    std::size_t policy = 0;
    std::size_t cell = 0;
    EvaluationPart part = EvaluationPart::Answer;
    std::vector<std::size_t> questions;
};

// In the order in which they are best run: what is forced on others comes before them. A batch is always the same questions, whatever is
// there already, for the last bits of an answer may depend on what is computed beside it: one of which a part is missing is wanted whole.
std::vector<EvaluationBatch> stillWanted(const EvaluationPlan& plan,
                                         const std::vector<EvaluatedSample>& samples);
// All of it, as if nothing was there.
std::vector<EvaluationBatch> allBatches(const EvaluationPlan& plan);

struct EvaluationResult {
    std::size_t policy = 0;
    std::size_t cell = 0;
    std::int64_t samples = 0;
    double fullShare = 0;                // mean over the samples
    std::optional<ScoreInterval> score;  // absent without a scorer
    std::optional<double> lossNats;      // of a likelihood: the mean over the samples of nats a token
    // Means over the samples; absent for full attention itself, and where nobody asked.
    std::optional<double> meanKl;
    std::optional<double> sameTop;
};

// Cell by cell, in it the policies that were asked for. What has no sample yet has no row.
std::vector<EvaluationResult> evaluationResults(const EvaluationPlan& plan,
                                                const std::vector<EvaluatedSample>& samples);

// Of the layers of one answer; 0 for none.
double fullShareOf(const std::vector<LayerRouting>& layers);

}  // namespace fluxscope
