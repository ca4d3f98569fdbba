#include "views/inspector/facts.h"

#include "profiler/analysis/layer_costs.h"
#include "profiler/analysis/routing_table.h"
#include "profiler/analysis/run_summary.h"
#include "profiler/analysis/training_curves.h"
#include "profiler/figure/layer_cost_figure.h"
#include "profiler/figure/number.h"
#include "profiler/figure/routing_figure.h"

#include <algorithm>
#include <cmath>

namespace fluxscope {
namespace {

// A missing number says why, where its value would stand.
void add(Tooltip& facts, std::string label, const Quantity& quantity, double factor, Unit unit) {
    if (quantity.value)
        facts.lines.push_back({std::move(label), formatted(*quantity.value * factor, unit), quantity.origin});
    else
        facts.lines.push_back({std::move(label), "n/a", quantity.origin});
}

// What recorded the run, and what did not, and why.
void addCollectors(Tooltip& facts, const Snapshot& snapshot, RunIndex run) {
    const auto row = std::find_if(snapshot.runs.begin(), snapshot.runs.end(),
                                  [&](const RunRow& candidate) { return candidate.run == run; });
    for (const CollectorInfo& collector : snapshot.collectors) {
        const bool ofTheProcess = collector.run < 0 && row != snapshot.runs.end() &&
                                  collector.process == row->process && collector.state == "missing";
        if (collector.run != run.value() && !ofTheProcess) continue;
        std::string why = collector.reason;
        if (!collector.remedy.empty()) why += (why.empty() ? "" : "; ") + collector.remedy;
        const bool missing = collector.state == "missing";
        facts.lines.push_back({"collector " + collector.name, missing ? "missing" : "recorded", why});
    }
}

Tooltip runFacts(const Snapshot& snapshot, const RunSummary& run) {
    constexpr double kNanoseconds = 1e9;
    Tooltip facts;
    facts.title = "run " + std::to_string(run.run.value()) + " · " + run.policy;
    facts.lines = {{"role", run.role, ""},
                   {"outcome", run.outcome + (run.reason.empty() ? "" : ": " + run.reason), ""},
                   {"sparse form", run.sparse, ""},
                   {"prompts", formattedCount(run.prompts), ""},
                   {"prompt tokens", formattedCount(run.promptTokens), ""},
                   {"generated tokens", formattedCount(run.generatedTokens), ""}};
    add(facts, "full attention", run.fullShare, 1, Unit::Share);
    add(facts, "prefill", run.prefillSeconds, kNanoseconds, Unit::Time);
    add(facts, "first token, median", run.timeToFirstTokenSeconds, kNanoseconds, Unit::Time);
    add(facts, "decode, tokens per s", run.decodeTokensPerSecond, 1, Unit::None);
    add(facts, "KV kept", run.kvKeptBytes, 1, Unit::Bytes);
    add(facts, "KV freed", run.kvFreedBytes, 1, Unit::Bytes);
    add(facts, "bytes moved", run.bytesMoved, 1, Unit::Bytes);
    add(facts, "router", run.routerShare, 1, Unit::Share);
    add(facts, "outside all layers", run.unattributedShare, 1, Unit::Share);
    if (run.dropped > 0) facts.lines.push_back({"records dropped", formattedCount(run.dropped), ""});
    addCollectors(facts, snapshot, run.run);
    return facts;
}

Tooltip promptFacts(const Snapshot& snapshot, const RoutingTable& table, const RoutingColumn& column) {
    Tooltip facts;
    facts.title = column.promptId;
    facts.lines = {{"kind", column.kind, ""},
                   {"run", std::to_string(column.run.value()) + " · " + column.policy, ""},
                   {"prompt tokens", formattedCount(column.promptTokens), ""}};
    std::int64_t generated = 0;
    snapshot.tokens.each([&](const TokenRow& token) {
        generated += token.run == column.run && token.sequence == column.sequence ? 1 : 0;
    });
    facts.lines.push_back({"generated tokens", formattedCount(generated), ""});
    if (const auto share = column.share.value())
        facts.lines.push_back({"full attention", formatted(*share, Unit::Share),
                               "of " + std::to_string(table.layers) + " layers"});
    if (column.batchSequences > 1)
        facts.lines.push_back(
            {"batch", formattedCount(column.batchSequences) + " prompts", "that share their times"});
    return facts;
}

Tooltip trainingFacts(const Snapshot& snapshot, std::optional<TrainingIndex> wanted) {
    const std::vector<TrainingParts> trainings = joinedTrainings(snapshot);
    if (trainings.empty()) return {};
    auto chosen = wanted ? std::ranges::find(trainings, *wanted, &TrainingParts::first) : trainings.end();
    if (chosen == trainings.end()) chosen = std::prev(trainings.end());
    const TrainingCurves curves = trainingCurves(snapshot, *chosen);
    Tooltip facts;
    facts.title =
        "training " + std::to_string(chosen->first().value()) + " · " + std::string(nameOf(curves.kind));
    facts.lines = {
        {"model", curves.model, ""},
        {"device", curves.device + ", " + curves.dtype, ""},
        {"outcome",
         curves.outcome.value_or("not ended") + (curves.reason.empty() ? "" : ": " + curves.reason), ""},
        {"steps", formattedCount(static_cast<std::int64_t>(curves.steps.size())),
         "of " + formattedCount(curves.planned)}};
    for (const std::int64_t step : curves.resumedAt)
        facts.lines.push_back({"went on", "from step " + formattedCount(step), ""});
    if (!curves.warnings.empty())
        facts.lines.push_back(
            {"warnings", formattedCount(static_cast<std::int64_t>(curves.warnings.size())), ""});
    if (curves.empty()) return facts;
    const double window = smoothingWindow(curves);
    const auto last = [&](const Curve& curve) {
        const Curve smooth = smoothed(curves.steps, curve, window);
        const auto value =
            std::find_if(smooth.rbegin(), smooth.rend(), [](double v) { return std::isfinite(v); });
        return value == smooth.rend() ? std::string("n/a") : formatted(*value, Unit::None);
    };
    const std::string averaged =
        "nats, average over " + formattedCount(static_cast<std::int64_t>(std::round(window))) + " steps";
    facts.lines.push_back({"loss", last(curves.loss), averaged});
    for (const TaskCurves& task : curves.tasks) facts.lines.push_back({task.name, last(task.loss), averaged});
    return facts;
}

}  // namespace

Tooltip factsOf(const Snapshot& snapshot, const Selection& selection) {
    if (selection.run && selection.sequence) {
        if (selection.steps) {
            const LayerCosts costs = layerCosts(snapshot, *selection.run, *selection.sequence);
            if (!costs.empty())
                return layerCostTooltip(costs, {selection.onlyLayer(), selection.steps->first});
            return {};
        }
        const RoutingTable table = routingTable(snapshot, std::span(&*selection.run, 1));
        const auto column = table.columnOf(*selection.run, *selection.sequence);
        if (!column) return {};
        const auto layer = selection.onlyLayer();
        if (layer && layer->value() >= 0 && layer->value() < table.layers)
            return routingTooltip(table, layer->value(), *column);
        return promptFacts(snapshot, table, table.columns[static_cast<std::size_t>(*column)]);
    }
    if (snapshot.runs.empty()) return trainingFacts(snapshot, selection.training);
    const std::vector<RunSummary> runs = runSummaries(snapshot);
    const auto chosen = selection.run
                            ? std::find_if(runs.begin(), runs.end(),
                                           [&](const RunSummary& run) { return run.run == *selection.run; })
                            : (runs.empty() ? runs.end() : std::prev(runs.end()));
    return chosen == runs.end() ? Tooltip{} : runFacts(snapshot, *chosen);
}

}  // namespace fluxscope
