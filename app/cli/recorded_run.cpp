#include "app/cli/recorded_run.h"

#include "engine/contract/error.h"
#include "profiler/capture/capture_feed.h"
#include "profiler/capture/layer_details.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace fluxscope::cli {
namespace {

class Reader {
public:
    explicit Reader(const std::filesystem::path& file) : file_(file), capture_(readCapture(file)) {}

    RecordedRun read(std::optional<std::int64_t> wanted) const {
        const RunRow& run = find(wanted);
        RecordedRun recorded;
        RunRequest& request = recorded.request;
        const nlohmann::json policy = nlohmann::json::parse(run.policyJson, nullptr, false);
        if (policy.is_discarded()) throw refuse(run, "has a policy that is not JSON");
        request.policy = policyFromJson(policy, nameOf(run));
        request.sparse = parseSparseForm(run.sparse, nameOf(run));
        request.chunkTokens = run.chunkTokens;
        request.seed = run.seed;
        for (const SequenceRow& row : capture_->sequences)
            if (row.run == run.run) {
                request.prompts.push_back(promptOf(run, row));
                request.replay.push_back(replayOf(run, row));
            }
        if (request.prompts.empty()) throw refuse(run, "has no prompts");
        for (const ModelRow& model : capture_->models)
            if (model.model == run.model) recorded.modelHash = model.facts.hash;
        return recorded;
    }

private:
    std::string nameOf(const RunRow& run) const {
        return file_.string() + ": run " + std::to_string(run.run.value());
    }
    InputError refuse(const RunRow& run, const std::string& problem) const {
        return {nameOf(run), "", problem, "record the run again, or choose another with --replay-run"};
    }

    const RunRow& find(std::optional<std::int64_t> wanted) const {
        for (auto run = capture_->runs.rbegin(); run != capture_->runs.rend(); ++run)
            if (wanted ? run->run.value() == *wanted : run->outcome == "finished") return *run;
        throw InputError(file_.string(), "",
                         wanted ? "has no run " + std::to_string(*wanted) : "has no run that finished",
                         "see its runs with fluxscope-cli report");
    }

    Prompt promptOf(const RunRow& run, const SequenceRow& row) const {
        const auto about = std::find_if(capture_->prompts.begin(), capture_->prompts.end(),
                                        [&](const PromptRow& p) { return p.prompt == row.prompt; });
        std::vector<TokenId> ids;
        for (const PromptTokenRow& token : readPromptTokens(file_, run.run, row.sequence))
            ids.push_back(token.token);
        if (about == capture_->prompts.end() || std::ssize(ids) != row.promptTokens)
            throw refuse(run, "does not hold its prompts' tokens");
        Prompt prompt;
        prompt.id = about->id;
        prompt.kind = about->kind;
        prompt.split = about->split == "tune"   ? PromptSplit::Tune
                       : about->split == "test" ? PromptSplit::Test
                                                : PromptSplit::Unsplit;
        prompt.answer = about->answer;
        prompt.content = std::move(ids);
        return prompt;
    }

    ReplayedSequence replayOf(const RunRow& run, const SequenceRow& sequence) const {
        ReplayedSequence replay;
        bool laterTurns = false;
        capture_->tokens.each([&](const TokenRow& row) {
            if (row.run != run.run || row.sequence != sequence.sequence) return;
            laterTurns |= row.turn != TurnIndex{};
            replay.ids.push_back(row.token);
        });
        if (laterTurns) throw refuse(run, "has follow-up turns, and a replay goes through one turn");
        if (replay.ids.empty()) throw refuse(run, "was cut off before every prompt had its answer");

        bool changed = false;
        capture_->decisions.each([&](const DecisionRow& row) {
            if (row.run != run.run || row.sequence != sequence.sequence) return;
            const auto layer = static_cast<std::size_t>(row.layer.value());
            if (replay.decisions.size() <= layer) replay.decisions.resize(layer + 1);
            std::vector<Decision>& decisions = replay.decisions[layer];
            if (row.step == StepIndex{}) {
                decisions.push_back(row.decision);
                decisions.back().by = DecidedBy::Replay;
            } else {
                changed |= decisions.empty() || decisions.front().attention != row.decision.attention;
            }
        });
        if (changed) throw refuse(run, "had layers turned sparse by a probe, which a replay cannot repeat");
        return replay;
    }

    std::filesystem::path file_;
    SnapshotPtr capture_;
};

}  // namespace

RecordedRun recordedRun(const std::filesystem::path& file, std::optional<std::int64_t> run) {
    return Reader(file).read(run);
}

}  // namespace fluxscope::cli
