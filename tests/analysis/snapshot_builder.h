// A capture out of text tables: the world of a test in a few lines, as a reader would draw it.
//
//   const Snapshot s = SnapshotBuilder()
//       .sequences(R"(
//           sequence  prompt    kind    tokens
//           0         needle-1  needle  512
//       )")
//       .decisions(R"(
//           sequence  layer  decision  p     threshold
//           0         0      full      0.93  0.5
//       )").build();
//
// Columns may be left out (run is then 1, everything else 0) and stand in any order; "-" is "none". An unknown column
// throws: a test that misspells one must not pass.
#pragma once

#include "profiler/capture/snapshot.h"

#include <cmath>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace fluxscope::testing {

using TextRow = std::map<std::string, std::string>;

inline std::vector<TextRow> textRows(const std::string& text, const std::set<std::string>& known) {
    std::vector<TextRow> rows;
    std::vector<std::string> names;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::vector<std::string> cells;
        for (std::string word; words >> word;) cells.push_back(word);
        if (cells.empty()) continue;
        if (names.empty()) {
            for (const std::string& name : cells)
                if (!known.contains(name))
                    throw std::invalid_argument("no column '" + name + "' in this table");
            names = cells;
            continue;
        }
        if (cells.size() != names.size())
            throw std::invalid_argument("a row with too few or too many cells: " + line);
        TextRow row;
        for (std::size_t i = 0; i < cells.size(); ++i) row[names[i]] = cells[i];
        rows.push_back(row);
    }
    return rows;
}

class SnapshotBuilder {
public:
    SnapshotBuilder() {
        ModelRow model;
        model.model = 1;
        model.facts.name = "tiny";
        model.facts.architecture = "Qwen3ForCausalLM";
        model.facts.hash = "0123abcd";
        snapshot_.models.push_back(model);
        snapshot_.file = "/captures/test.fluxdb";
    }

    SnapshotBuilder& layers(std::int32_t layers) {
        snapshot_.models.front().facts.layers = layers;
        return *this;
    }

    SnapshotBuilder& runs(const std::string& text) {
        for (const auto& row : textRows(text, {"run", "role", "policy", "outcome", "dropped", "repeat"})) {
            RunRow run = runOf(RunIndex{static_cast<std::int32_t>(whole(row, "run", 1))});
            if (row.contains("role")) run.role = row.at("role");
            if (row.contains("policy")) run.policyName = row.at("policy");
            run.repeat = static_cast<std::int32_t>(whole(row, "repeat", 0));
            run.dropped = whole(row, "dropped", 0);
            if (row.contains("outcome") && row.at("outcome") == "-") {
                run.outcome.reset();
                run.end.reset();
            } else if (row.contains("outcome")) {
                run.outcome = row.at("outcome");
            }
            snapshot_.runs.push_back(run);
        }
        return *this;
    }

    SnapshotBuilder& sequences(const std::string& text) {
        for (const auto& row : textRows(text, {"run", "sequence", "batch", "prompt", "kind", "tokens"})) {
            SequenceRow sequence;
            sequence.run = index<RunIndex>(row, "run", 1);
            sequence.sequence = index<SequenceIndex>(row, "sequence", 0);
            sequence.batch = index<BatchIndex>(row, "batch", 0);
            sequence.promptTokens = whole(row, "tokens", 0);
            sequence.prompt = promptOf(row.contains("prompt") ? row.at("prompt") : "p",
                                       row.contains("kind") ? row.at("kind") : "");
            snapshot_.sequences.push_back(sequence);
        }
        return *this;
    }

    SnapshotBuilder& decisions(const std::string& text) {
        for (const auto& row : textRows(text, {"run", "sequence", "turn", "step", "layer", "head", "decision",
                                               "p", "threshold", "by"})) {
            DecisionRow d;
            d.run = index<RunIndex>(row, "run", 1);
            d.sequence = index<SequenceIndex>(row, "sequence", 0);
            d.turn = index<TurnIndex>(row, "turn", 0);
            d.step = index<StepIndex>(row, "step", 0);
            d.layer = index<LayerIndex>(row, "layer", 0);
            d.decision.attention = row.at("decision") == "full" ? Attention::Full : Attention::Sparse;
            const auto p = real(row, "p");
            d.decision.threshold = real(row, "threshold");
            if (p) d.decision.logits = RouterLogits{0, static_cast<float>(std::log(*p / (1 - *p)))};
            d.decision.by = d.decision.threshold ? DecidedBy::Router : DecidedBy::Policy;
            for (const DecidedBy by :
                 {DecidedBy::Router, DecidedBy::Policy, DecidedBy::Probe, DecidedBy::Replay})
                if (row.contains("by") && row.at("by") == nameOf(by)) d.decision.by = by;
            if (row.contains("head") && row.at("head") != "-")
                d.decision.kvHead = index<KvHeadIndex>(row, "head", 0);
            decisions_.push_back(d);
        }
        return *this;
    }

    // layer "-" is what lies outside all layers.
    SnapshotBuilder& costs(const std::string& text) {
        for (const auto& row : textRows(text, {"run", "batch", "turn", "step", "layer", "begin_us", "time_us",
                                               "router_us", "read", "written", "flops", "clock", "bytes"})) {
            LayerStepRow cost;
            cost.run = index<RunIndex>(row, "run", 1);
            cost.batch = index<BatchIndex>(row, "batch", 0);
            cost.turn = index<TurnIndex>(row, "turn", 0);
            cost.step = index<StepIndex>(row, "step", 0);
            cost.phase = cost.step.value() == 0 ? Phase::Prefill : Phase::Decode;
            cost.layer = row.at("layer") == "-" ? LayerIndex{-1} : index<LayerIndex>(row, "layer", 0);
            cost.begin = Nanoseconds{whole(row, "begin_us", 0) * 1000};
            cost.time = Nanoseconds{whole(row, "time_us", 0) * 1000};
            cost.router = Nanoseconds{whole(row, "router_us", 0) * 1000};
            cost.bytesRead = whole(row, "read", 0);
            cost.bytesWritten = whole(row, "written", 0);
            cost.flops = whole(row, "flops", 0);
            cost.timeSource = row.contains("clock") ? row.at("clock") : "host-timer";
            cost.bytesSource = row.contains("bytes") ? row.at("bytes") : "analytic";
            cost.costVersion = 1;
            costs_.push_back(cost);
        }
        return *this;
    }
    SnapshotBuilder& cost(const LayerStepRow& row) {
        costs_.push_back(row);
        return *this;
    }

    SnapshotBuilder& kv(const std::string& text) {
        for (const auto& row : textRows(text, {"run", "sequence", "step", "layer", "kept", "freed"})) {
            KvRow kv;
            kv.run = index<RunIndex>(row, "run", 1);
            kv.sequence = index<SequenceIndex>(row, "sequence", 0);
            kv.step = index<StepIndex>(row, "step", 0);
            kv.layer = index<LayerIndex>(row, "layer", 0);
            kv.kv = {whole(row, "kept", 0), whole(row, "freed", 0)};
            kv_.push_back(kv);
        }
        return *this;
    }

    SnapshotBuilder& tokens(const std::string& text) {
        for (const auto& row : textRows(text, {"run", "sequence", "step", "text", "emitted_us"})) {
            TokenRow token;
            token.run = index<RunIndex>(row, "run", 1);
            token.sequence = index<SequenceIndex>(row, "sequence", 0);
            token.step = index<StepIndex>(row, "step", 0);
            token.position = token.step.value();
            token.text = row.contains("text") ? row.at("text") : "x";
            token.emitted = Nanoseconds{whole(row, "emitted_us", 0) * 1000};
            tokens_.push_back(token);
        }
        return *this;
    }

    SnapshotBuilder& evaluations(const std::string& text) {
        for (const auto& row :
             textRows(text, {"run", "sequence", "task", "length", "number", "seed", "scorer", "score"})) {
            EvaluationRow e;
            e.run = index<RunIndex>(row, "run", 1);
            e.sequence = index<SequenceIndex>(row, "sequence", 0);
            e.task = row.contains("task") ? row.at("task") : "needle";
            e.length = whole(row, "length", 0);
            e.number = whole(row, "number", 0);
            e.seed = static_cast<std::uint64_t>(whole(row, "seed", 0));
            e.scorer = row.contains("scorer") ? row.at("scorer") : "contains";
            e.score = real(row, "score").value_or(0);
            evaluations_.push_back(e);
        }
        return *this;
    }

    SnapshotBuilder& fidelity(const std::string& text) {
        for (const auto& row : textRows(text, {"run", "sequence", "step", "kl", "same"})) {
            FidelityRow f;
            f.run = index<RunIndex>(row, "run", 1);
            f.sequence = index<SequenceIndex>(row, "sequence", 0);
            f.step = index<StepIndex>(row, "step", 0);
            f.fidelity = {.kl = real(row, "kl").value_or(0), .sameTop = whole(row, "same", 0) != 0};
            fidelity_.push_back(f);
        }
        return *this;
    }

    // What a table of words cannot say.
    Snapshot& edit() { return snapshot_; }

    Snapshot build() const {
        Snapshot s = snapshot_;
        if (s.runs.empty()) {
            std::set<RunIndex> seen;
            for (const SequenceRow& row : s.sequences)
                if (seen.insert(row.run).second) s.runs.push_back(runOf(row.run));
        }
        s.decisions = Chunks<DecisionRow>({std::make_shared<const std::vector<DecisionRow>>(decisions_)});
        s.layerSteps = Chunks<LayerStepRow>({std::make_shared<const std::vector<LayerStepRow>>(costs_)});
        s.kv = Chunks<KvRow>({std::make_shared<const std::vector<KvRow>>(kv_)});
        s.tokens = Chunks<TokenRow>({std::make_shared<const std::vector<TokenRow>>(tokens_)});
        s.evaluations =
            Chunks<EvaluationRow>({std::make_shared<const std::vector<EvaluationRow>>(evaluations_)});
        s.fidelity = Chunks<FidelityRow>({std::make_shared<const std::vector<FidelityRow>>(fidelity_)});
        return s;
    }

private:
    using Row = TextRow;

    static std::int64_t whole(const Row& row, const std::string& name, std::int64_t otherwise) {
        return row.contains(name) && row.at(name) != "-" ? std::stoll(row.at(name)) : otherwise;
    }
    static std::optional<double> real(const Row& row, const std::string& name) {
        if (!row.contains(name) || row.at(name) == "-") return std::nullopt;
        return std::stod(row.at(name));
    }
    template <class I>
    static I index(const Row& row, const std::string& name, std::int64_t otherwise) {
        return I::of(whole(row, name, otherwise));
    }

    static RunRow runOf(RunIndex index) {
        RunRow run;
        run.run = index;
        run.process = ProcessIndex{1};
        run.model = 1;
        run.role = "timed";
        run.policyName = "routed";
        run.policyJson = R"({"kind":"routed","threshold":0.5})";
        run.sparse = "streaming:sink=16,window=128";
        run.device = "cpu";
        run.dtype = "fp32";
        run.end = Nanoseconds{1};
        run.outcome = "finished";
        return run;
    }

    std::int64_t promptOf(const std::string& id, const std::string& kind) {
        for (const PromptRow& prompt : snapshot_.prompts)
            if (prompt.id == id) return prompt.prompt;
        PromptRow prompt;
        prompt.prompt = static_cast<std::int64_t>(snapshot_.prompts.size()) + 1;
        prompt.id = id;
        prompt.kind = kind;
        prompt.text = "text of " + id;
        snapshot_.prompts.push_back(prompt);
        return prompt.prompt;
    }

    Snapshot snapshot_;
    std::vector<DecisionRow> decisions_;
    std::vector<LayerStepRow> costs_;
    std::vector<KvRow> kv_;
    std::vector<TokenRow> tokens_;
    std::vector<EvaluationRow> evaluations_;
    std::vector<FidelityRow> fidelity_;
};

// Both sides of a comparison with one blank between cells and no empty lines.
inline std::string rows(const std::string& text) {
    std::istringstream lines(text);
    std::string out;
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string joined;
        for (std::string word; words >> word;) joined += (joined.empty() ? "" : " ") + word;
        if (!joined.empty()) out += joined + "\n";
    }
    return out;
}

}  // namespace fluxscope::testing
