#include "profiler/analysis/decision_cost.h"

#include "engine/contract/error.h"
#include "engine/contract/sparse_form.h"
#include "kernels/cost/attention.h"
#include "kernels/cost/slot_attention.h"
#include "profiler/analysis/percentiles.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace fluxscope {

namespace {

// What one batch under one policy spent in a layer and phase.
struct Spent {
    std::map<std::int32_t, double> ns;  // by step
    std::map<std::int32_t, double> bytes;
    std::map<std::int32_t, double> flops;
};
using LayerPhase = std::pair<Phase, LayerIndex>;
using Sheet = std::map<LayerPhase, Spent>;

Sheet sheetOf(const Snapshot& snapshot, const TwinBatch::Side& side, Origins& times, Origins& bytes,
              bool& enqueued) {
    Sheet sheet;
    snapshot.layerSteps.each([&](const LayerStepRow& row) {
        if (row.run != side.run || row.batch != side.batch || row.turn.value() != 0 || row.layer.value() < 0)
            return;
        Spent& spent = sheet[{row.phase, row.layer}];
        const std::int32_t step = row.step.value();
        spent.ns[step] = static_cast<double>(row.time.count());
        spent.bytes[step] = static_cast<double>(row.bytesRead) + static_cast<double>(row.bytesWritten);
        spent.flops[step] = static_cast<double>(row.flops);
        times.add(timeOrigin(row.timeSource));
        bytes.add(bytesOrigin(row.bytesSource, row.costVersion));
        enqueued = enqueued || isEnqueueTime(row.timeSource);
    });
    return sheet;
}

std::optional<double> meanOver(const std::map<std::int32_t, double>& values,
                               const std::vector<std::int32_t>& steps) {
    if (steps.empty()) return std::nullopt;
    double mean = 0;
    for (const std::int32_t step : steps) mean += values.at(step) / static_cast<double>(steps.size());
    return mean;
}

// Steps that every repeat of both sides has of a layer.
std::vector<std::int32_t> commonSteps(const std::vector<Sheet>& sheets, const LayerPhase& key) {
    std::vector<std::int32_t> steps;
    const auto first = sheets.front().find(key);
    if (first == sheets.front().end()) return steps;
    for (const auto& [step, ns] : first->second.ns) {
        const bool everywhere =
            std::all_of(sheets.begin(), sheets.end(), [&, step = step](const Sheet& sheet) {
                const auto spent = sheet.find(key);
                return spent != sheet.end() && spent->second.ns.contains(step);
            });
        if (everywhere) steps.push_back(step);
    }
    return steps;
}

TwinTimes timesOf(const std::vector<double>& repeats) {
    const Percentiles p = percentilesOf(repeats);
    return {p.least, p.median, p.most, p.count};
}

std::string idOf(const Snapshot& snapshot, std::int64_t prompt) {
    for (const PromptRow& row : snapshot.prompts)
        if (row.prompt == prompt) return row.id;
    return {};
}

std::string collectorOf(const Snapshot& snapshot, ProcessIndex process) {
    for (const ProcessRow& row : snapshot.processes)
        if (row.process == process) return row.collector;
    return {};
}

std::optional<cost::DType> dtypeOf(std::string_view name) {
    if (name == "fp32") return cost::DType::F32;
    if (name == "fp16") return cost::DType::F16;
    if (name == "bf16") return cost::DType::BF16;
    return std::nullopt;
}

double bytesOf(const cost::Cost& c) {
    return static_cast<double>(c.bytesRead) + static_cast<double>(c.bytesWritten);
}

// A file may say anything of a model; beyond these a formula would overflow or divide by nothing.
bool plausible(const ModelFacts& m, std::int64_t tokens) {
    const auto within = [](std::int64_t value, std::int64_t most) { return value > 0 && value <= most; };
    return within(m.layers, 4096) && within(m.heads, 1 << 12) && within(m.kvHeads, m.heads) &&
           m.heads % m.kvHeads == 0 && within(m.headDim, 1 << 12) && within(tokens, 1 << 22);
}

}  // namespace

std::optional<double> DecisionCost::costNs() const {
    if (!fullNs || !sparseNs) return std::nullopt;
    return fullNs->median - sparseNs->median;
}

std::vector<TwinBatch> twinBatches(const Snapshot& snapshot) {
    std::map<std::pair<RunIndex, BatchIndex>, std::vector<std::int64_t>> prompts;
    for (const SequenceRow& row : snapshot.sequences)
        if (row.batch.value() >= 0) prompts[{row.run, row.batch}].push_back(row.prompt);
    for (auto& [key, list] : prompts) std::sort(list.begin(), list.end());

    using Key = std::tuple<std::vector<std::int64_t>, std::int64_t, std::string, std::string, std::int32_t,
                           std::string, std::string>;
    std::map<Key, TwinBatch> batches;
    // Sparse twins may come in several forms: each is a comparison of its own with the same full ones.
    std::map<Key, std::vector<TwinBatch::Side>> fulls;
    for (const auto& [key, list] : prompts)
        for (const RunRow& run : snapshot.runs) {
            if (run.run != key.first || run.role != "timed" || run.outcome.value_or("") != "finished")
                continue;
            const bool full = run.policyName == "full";
            if (!full && run.policyName != "sparse") continue;
            const Key about{list,
                            run.model,
                            run.device,
                            run.dtype,
                            run.chunkTokens,
                            collectorOf(snapshot, run.process),
                            full ? "" : run.sparse};
            if (full) {
                fulls[about].push_back({run.run, key.second});
                continue;
            }
            TwinBatch& batch = batches[about];
            batch.prompts = list;
            batch.sparse.push_back({run.run, key.second});
        }
    std::vector<TwinBatch> twins;
    for (auto& [key, batch] : batches) {
        Key full = key;
        std::get<6>(full).clear();
        const auto found = fulls.find(full);
        if (found == fulls.end()) continue;
        batch.full = found->second;
        twins.push_back(batch);
    }
    return twins;
}

DecisionCosts decisionCosts(const Snapshot& snapshot, const TwinBatch& twins) {
    DecisionCosts costs;
    for (const std::int64_t prompt : twins.prompts) costs.prompts.push_back(idOf(snapshot, prompt));
    if (twins.full.empty() || twins.sparse.empty()) {
        costs.timeOrigin = "no twin runs: record the same prompts with --policy full and --policy sparse";
        return costs;
    }
    Origins times;
    Origins bytes;
    bool enqueued = false;
    std::vector<Sheet> sheets;
    for (const TwinBatch::Side& side : twins.full) {
        sheets.push_back(sheetOf(snapshot, side, times, bytes, enqueued));
        costs.fullRuns.push_back(side.run);
    }
    for (const TwinBatch::Side& side : twins.sparse) {
        sheets.push_back(sheetOf(snapshot, side, times, bytes, enqueued));
        costs.sparseRuns.push_back(side.run);
        for (const RunRow& run : snapshot.runs)
            if (run.run == side.run) costs.sparse = run.sparse;
    }
    costs.bytesOrigin = bytes.text();
    const bool timed = !enqueued && times.one();
    costs.timeOrigin = timed      ? times.text()
                       : enqueued ? "the GPU was not timed"
                                  : "times of several sources are not compared: " + times.text();

    for (const auto& [key, first] : sheets.front()) {
        const std::vector<std::int32_t> steps = commonSteps(sheets, key);
        if (steps.empty()) continue;
        DecisionCost row;
        row.phase = key.first;
        row.layer = key.second;
        std::vector<double> ns[2];
        double byteSum[2]{};
        double flopSum[2]{};
        for (std::size_t i = 0; i < sheets.size(); ++i) {
            const std::size_t side = i < twins.full.size() ? 0 : 1;
            const double repeats = static_cast<double>(side == 0 ? twins.full.size() : twins.sparse.size());
            const Spent& spent = sheets[i].at(key);
            ns[side].push_back(*meanOver(spent.ns, steps));
            byteSum[side] += *meanOver(spent.bytes, steps) / repeats;
            flopSum[side] += *meanOver(spent.flops, steps) / repeats;
        }
        if (timed) {
            row.fullNs = timesOf(ns[0]);
            row.sparseNs = timesOf(ns[1]);
        }
        row.fullBytes = byteSum[0];
        row.sparseBytes = byteSum[1];
        row.fullFlops = flopSum[0];
        row.sparseFlops = flopSum[1];
        costs.rows.push_back(row);
    }
    return costs;
}

DecisionCosts modelledDecisionCosts(const Snapshot& snapshot, RunIndex run, SequenceIndex sequence) {
    DecisionCosts costs;
    costs.modelled = true;
    costs.attentionOnly = true;
    costs.timeOrigin = "no twin runs: record the same prompts with --policy full and --policy sparse";
    costs.bytesOrigin = bytesOrigin("analytic", cost::kVersion) + ": attention alone";
    const RunRow* settings = nullptr;
    const SequenceRow* about = nullptr;
    const ModelRow* model = nullptr;
    for (const RunRow& row : snapshot.runs)
        if (row.run == run) settings = &row;
    for (const SequenceRow& row : snapshot.sequences)
        if (row.run == run && row.sequence == sequence) about = &row;
    if (settings == nullptr || about == nullptr) return costs;
    for (const ModelRow& row : snapshot.models)
        if (row.model == settings->model) model = &row;
    costs.prompts.push_back(idOf(snapshot, about->prompt));
    costs.sparse = settings->sparse;
    const auto type = dtypeOf(settings->dtype);
    if (model == nullptr || !type || !plausible(model->facts, about->promptTokens)) {
        costs.bytesOrigin = "the capture does not say enough about the model";
        return costs;
    }

    SparseForm form;
    try {
        form = parseSparseForm(settings->sparse);
    } catch (const Error&) {
        costs.bytesOrigin = "the sparse form '" + printable(settings->sparse, 60) + "' is not known";
        return costs;
    }
    if (form.prefill != PrefillMode::Streaming || form.granularity != Granularity::Token) {
        costs.bytesOrigin =
            "what '" + printable(settings->sparse, 60) + "' visits is not a formula of the length";
        return costs;
    }

    const ModelFacts& m = model->facts;
    const std::int64_t n = about->promptTokens;
    const cost::Cost fullPrefill = costOf(cost::denseShape(n, n, m.heads, m.kvHeads, m.headDim, *type));
    const cost::Cost sparsePrefill = costOf(cost::AttentionShape{.rows = n,
                                                                 .keys = n,
                                                                 .heads = m.heads,
                                                                 .kvHeads = m.kvHeads,
                                                                 .dim = m.headDim,
                                                                 .sink = std::min(form.sink, n),
                                                                 .window = std::min(form.window, n),
                                                                 .type = *type});
    const auto slots = [&](std::int64_t attended) {
        return costOf(cost::SlotAttentionShape{.sequences = 1,
                                               .attended = attended * m.kvHeads,
                                               .heads = m.heads,
                                               .kvHeads = m.kvHeads,
                                               .dim = m.headDim,
                                               .type = *type});
    };
    // The first decode step sees the prompt and itself.
    const std::int64_t seen = n + 1;
    const cost::Cost fullDecode = slots(seen);
    const cost::Cost sparseDecode = form.decode == DecodeMode::Dense
                                        ? fullDecode
                                        : slots(std::min(seen, form.decodeSink() + form.decodeWindow()));
    for (const Phase phase : {Phase::Prefill, Phase::Decode})
        for (std::int32_t layer = 0; layer < m.layers; ++layer) {
            const cost::Cost& full = phase == Phase::Prefill ? fullPrefill : fullDecode;
            const cost::Cost& sparse = phase == Phase::Prefill ? sparsePrefill : sparseDecode;
            DecisionCost row;
            row.layer = LayerIndex{layer};
            row.phase = phase;
            row.fullBytes = bytesOf(full);
            row.sparseBytes = bytesOf(sparse);
            row.fullFlops = static_cast<double>(full.flops);
            row.sparseFlops = static_cast<double>(sparse.flops);
            costs.rows.push_back(row);
        }
    return costs;
}

}  // namespace fluxscope
