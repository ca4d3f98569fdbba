#include "app/cli/recorded_run.h"

#include "engine/contract/error.h"
#include "profiler/capture/capture_feed.h"
#include "profiler/capture/layer_details.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace fluxscope::cli {
namespace {

const char* const kCutOff = "was cut off before every prompt had its answers";

class Reader {
public:
    Reader(const std::filesystem::path& file, RecordedPrompts prompts)
        : file_(file), prompts_(prompts), capture_(readCapture(file)) {}

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
        request.maxNew = run.maxNew;
        const ModelFacts& model = modelOf(run);
        for (const SequenceRow& row : capture_->sequences)
            if (row.run == run.run) {
                request.prompts.push_back(promptOf(run, row));
                request.replay.push_back(replayOf(run, row, model));
                if (request.replay.back().turns.size() != request.replay.front().turns.size())
                    throw refuse(run, kCutOff);
            }
        if (request.prompts.empty()) throw refuse(run, "has no prompts");
        recorded.modelHash = model.hash;
        return recorded;
    }

private:
    std::string nameOf(const RunRow& run) const {
        return file_.string() + ": run " + std::to_string(run.run.value());
    }
    InputError refuse(const RunRow& run, const std::string& problem) const {
        return {nameOf(run), "", problem, "record the run again, or choose another with --replay-run"};
    }

    const ModelFacts& modelOf(const RunRow& run) const {
        for (const ModelRow& model : capture_->models)
            if (model.model == run.model) return model.facts;
        throw refuse(run, "does not say which model it is of");
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
        const bool hasTokens = std::ssize(ids) == row.promptTokens || prompts_ == RecordedPrompts::GivenAgain;
        if (about == capture_->prompts.end() || !hasTokens)
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

    ReplayedSequence replayOf(const RunRow& run, const SequenceRow& sequence, const ModelFacts& model) const {
        ReplayedSequence replay;
        std::vector<ReplayedTurn>& turns = replay.turns;
        const auto own = [&](const auto& row) {
            return row.run == run.run && row.sequence == sequence.sequence;
        };
        capture_->tokens.each([&](const TokenRow& row) {
            if (!own(row)) return;
            const auto turn = static_cast<std::size_t>(row.turn.value());
            if (turn > turns.size()) throw refuse(run, "lacks a turn between others");
            if (turn == turns.size()) turns.emplace_back();
            turns[turn].ids.push_back(row.token);
        });
        if (turns.empty()) throw refuse(run, kCutOff);
        capture_->decisions.each([&](const DecisionRow& row) {
            if (own(row)) addDecision(turnOf(run, row.turn, turns), row);
        });
        capture_->kv.each([&](const KvRow& row) {
            if (own(row) && row.step == StepIndex{} && row.layer == LayerIndex{})
                turnOf(run, row.turn, turns).positions = positionsOf(run, row.kv, model);
        });
        std::int64_t said = sequence.promptTokens;
        for (std::size_t t = 0; t < turns.size(); ++t) {
            requireWhole(run, turns[t], static_cast<std::size_t>(model.layers));
            if (t > 0) said = addFollowUp(run, sequence, TurnIndex::of(t), said, turns[t]);
            said += std::ssize(turns[t].ids);
        }
        return replay;
    }

    ReplayedTurn& turnOf(const RunRow& run, TurnIndex turn, std::vector<ReplayedTurn>& turns) const {
        const auto index = static_cast<std::size_t>(turn.value());
        if (index >= turns.size()) throw refuse(run, kCutOff);
        return turns[index];
    }

    static void addDecision(ReplayedTurn& turn, const DecisionRow& row) {
        LayerDecisions* layers = &turn.decisions;
        if (row.step > StepIndex{}) {
            if (turn.probes.empty() || turn.probes.back().step != row.step)
                turn.probes.push_back({.step = row.step, .layers = {}});
            layers = &turn.probes.back().layers;
        }
        const auto layer = static_cast<std::size_t>(row.layer.value());
        if (layers->size() <= layer) layers->resize(layer + 1);
        (*layers)[layer].push_back(row.decision);
        (*layers)[layer].back().by = DecidedBy::Replay;
    }

    void requireWhole(const RunRow& run, const ReplayedTurn& turn, std::size_t layers) const {
        const auto whole = [layers](const LayerDecisions& decisions) {
            return decisions.size() == layers &&
                   std::none_of(decisions.begin(), decisions.end(), [](const auto& d) { return d.empty(); });
        };
        if (turn.positions == 0 || !whole(turn.decisions)) throw refuse(run, kCutOff);
        for (const ProbedStep& probe : turn.probes)
            if (!whole(probe.layers)) throw refuse(run, "was cut off in the midst of a probe");
    }

    // What a layer kept and what it did without are together what every position takes.
    std::int64_t positionsOf(const RunRow& run, const KvFacts& kv, const ModelFacts& model) const {
        const std::int64_t element = run.dtype == "fp32" ? 4 : 2;
        const std::int64_t each = 2 * element * model.kvHeads * model.headDim;
        if (each <= 0) throw refuse(run, "has a model without KV heads");
        return (kv.bytesKept + kv.bytesFreed) / each;
    }

    // `said`: tokens of the conversation before it. Returns those with what it prefilled.
    std::int64_t addFollowUp(const RunRow& run, const SequenceRow& sequence, TurnIndex number,
                             std::int64_t said, ReplayedTurn& turn) const {
        const std::vector<PromptTokenRow> tokens =
            readPromptTokens(file_, run.run, sequence.sequence, number);
        if (tokens.empty()) throw refuse(run, "does not hold its follow-ups' tokens");
        const std::int64_t first = tokens.front().position;
        turn.keptCache = first > 0;
        // The answer's last token was not computed before: a turn on the kept cache begins with it.
        if (tokens.back().position - first + 1 != std::ssize(tokens) || (turn.keptCache && first != said - 1))
            throw refuse(run, "has a follow-up that does not go on where the turn before it ended");
        for (const PromptTokenRow& token : tokens) turn.promptIds.push_back(token.token);
        return first + std::ssize(tokens);
    }

    std::filesystem::path file_;
    RecordedPrompts prompts_;
    SnapshotPtr capture_;
};

}  // namespace

RecordedRun recordedRun(const std::filesystem::path& file, std::optional<std::int64_t> run,
                        RecordedPrompts prompts) {
    return Reader(file, prompts).read(run);
}

}  // namespace fluxscope::cli
