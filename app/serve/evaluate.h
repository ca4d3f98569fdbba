// evaluate: asks a loaded model the questions of tasks or of a prompt set under several policies and judges what it answers.
//
// Which questions are still to be asked, and what comes of the answers, is profiler/analysis/evaluation.h; this carries it out, in
// batches, one run each, and records them where a capture is named. A capture that holds some of it already is gone on with.
#pragma once

#include "app/serve/engine_host.h"
#include "engine/contract/policy.h"
#include "engine/tasks/tasks.h"
#include "profiler/analysis/evaluation.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace fluxscope {

struct EvaluationRequest {
    // Tasks x lengths x samples ...
    std::vector<tasks::TaskSpec> tasks;  // without their length, seed and number
    std::vector<std::int64_t> lengths;
    std::int64_t samples = 1;
    std::uint64_t seed = 0;
    // ... or a prompt set.
    std::filesystem::path promptFile;  // empty: tasks
    std::optional<PromptSplit> split;  // absent: all of it

    std::vector<Policy> policies;
    std::optional<SparseForm> sparse;  // absent: the model's own
    std::int32_t batch = 1;            // questions that go through the layers together
    bool fidelity = false;
    std::filesystem::path capture;  // empty: nothing is recorded
    bool promptText = true;
};

struct EvaluationProgress {
    std::int64_t done = 0;  // answers
    std::int64_t total = 0;
    std::optional<double> secondsLeft;  // absent: nothing has been measured yet
};

struct EvaluationReport {
    EvaluationPlan plan;
    std::vector<EvaluationResult> results;
    std::int64_t answers = 0;
    std::int64_t reused = 0;  // of them, those that the capture held
    std::optional<std::string>
        recordingProblem;  // the results are fine, the capture is not whole: one sentence
};

// The host has loaded the model in `folder`, with its collectors off. Throws UsageError and InputError before anything runs where the
// questions do not fit the model; cancelled, an Error of that family that says how to go on.
EvaluationReport evaluate(EngineHost& host, const protocol::LoadedEvent& loaded,
                          const std::filesystem::path& folder, const EvaluationRequest& request,
                          const std::function<void(const EvaluationProgress&)>& progress,
                          const CancelToken& cancel);

}  // namespace fluxscope
