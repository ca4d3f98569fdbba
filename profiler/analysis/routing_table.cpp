#include "profiler/analysis/routing_table.h"

#include "profiler/analysis/origin.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

namespace fluxscope {

namespace {

using SequenceKey = std::pair<RunIndex, SequenceIndex>;
using BatchKey = std::pair<RunIndex, BatchIndex>;

std::int32_t layersOf(const Snapshot& snapshot, const std::map<RunIndex, std::size_t>& order) {
    std::int32_t layers = 0;
    for (const RunRow& run : snapshot.runs) {
        if (!order.contains(run.run)) continue;
        for (const ModelRow& model : snapshot.models)
            if (model.model == run.model) layers = std::max(layers, model.facts.layers);
    }
    snapshot.decisions.each([&](const DecisionRow& row) {
        if (order.contains(row.run) && row.layer.value() < kMostLayers)
            layers = std::max(layers, row.layer.value() + 1);
    });
    return std::clamp(layers, 0, kMostLayers);
}

struct Placed {
    RoutingColumn column;
    BatchIndex batch;
    std::size_t prompt = 0;  // position in the experiment
    std::size_t run = 0;     // position in what was asked for
};

std::vector<Placed> placeColumns(const Snapshot& snapshot, const std::map<RunIndex, std::size_t>& order) {
    std::unordered_map<std::int64_t, std::size_t> promptAt;
    for (std::size_t i = 0; i < snapshot.prompts.size(); ++i) promptAt.emplace(snapshot.prompts[i].prompt, i);
    std::map<RunIndex, const RunRow*> runs;
    for (const RunRow& run : snapshot.runs) runs.emplace(run.run, &run);
    std::map<BatchKey, std::int32_t> batches;
    for (const SequenceRow& row : snapshot.sequences) ++batches[{row.run, row.batch}];

    std::vector<Placed> placed;
    for (const SequenceRow& row : snapshot.sequences) {
        const auto wanted = order.find(row.run);
        if (wanted == order.end()) continue;
        Placed p;
        p.batch = row.batch;
        p.run = wanted->second;
        p.prompt = snapshot.prompts.size();
        p.column.run = row.run;
        p.column.sequence = row.sequence;
        p.column.promptTokens = row.promptTokens;
        if (row.batch.value() >= 0) p.column.batchSequences = batches[{row.run, row.batch}];
        if (const auto run = runs.find(row.run); run != runs.end()) p.column.policy = run->second->policyName;
        if (const auto prompt = promptAt.find(row.prompt); prompt != promptAt.end()) {
            p.prompt = prompt->second;
            p.column.promptId = snapshot.prompts[prompt->second].id;
            p.column.kind = snapshot.prompts[prompt->second].kind;
        }
        placed.push_back(std::move(p));
    }
    std::sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
        return std::tie(a.column.kind, a.prompt, a.run, a.column.sequence) <
               std::tie(b.column.kind, b.prompt, b.run, b.column.sequence);
    });
    return placed;
}

// A layer may decide for all its heads in one row or for each KV head in a row of its own.
void fillDecisions(const Snapshot& snapshot, const std::map<SequenceKey, std::int32_t>& columnAt,
                   RoutingTable& table) {
    struct When {
        std::int32_t turn = 0;
        std::int32_t step = 0;
        auto operator<=>(const When&) const = default;
    };
    std::vector<When> decidedAt(table.cells.size());
    snapshot.decisions.each([&](const DecisionRow& row) {
        const auto column = columnAt.find({row.run, row.sequence});
        if (column == columnAt.end() || row.layer.value() < 0 || row.layer.value() >= table.layers) return;
        const std::size_t at = static_cast<std::size_t>(row.layer.value()) * table.columns.size() +
                               static_cast<std::size_t>(column->second);
        RoutingCell& cell = table.cells[at];
        const When when{row.turn.value(), row.step.value()};
        if (cell.recorded && when > decidedAt[at]) return;
        if (cell.recorded && when < decidedAt[at]) cell = RoutingCell{};
        decidedAt[at] = when;

        cell.recorded = true;
        cell.by = row.decision.by;
        cell.heads += 1;
        cell.fullHeads += row.decision.attention == Attention::Full ? 1 : 0;
        cell.threshold = row.decision.threshold;
        if (row.decision.logits) {
            cell.fullProbability = fullProbability(*row.decision.logits);
            if (row.decision.threshold) cell.margin = marginOf(*row.decision.logits, *row.decision.threshold);
        }
    });
}

void fillPrefillTimes(const Snapshot& snapshot, const std::vector<Placed>& placed, RoutingTable& table) {
    std::map<BatchKey, std::vector<std::size_t>> columnsOf;
    for (std::size_t c = 0; c < placed.size(); ++c)
        columnsOf[{placed[c].column.run, placed[c].batch}].push_back(c);
    Origins origins;
    snapshot.layerSteps.each([&](const LayerStepRow& row) {
        if (row.phase != Phase::Prefill || row.turn.value() != 0) return;
        if (row.layer.value() < 0 || row.layer.value() >= table.layers) return;
        const auto columns = columnsOf.find({row.run, row.batch});
        if (columns == columnsOf.end()) return;
        origins.add(timeOrigin(row.timeSource));
        if (!isTimed(row.timeSource)) return;
        for (const std::size_t c : columns->second)
            table.cells[static_cast<std::size_t>(row.layer.value()) * table.columns.size() + c].prefill =
                row.time;
    });
    table.timeOrigin = origins.text();
}

void summarize(RoutingTable& table) {
    table.layerShares.resize(static_cast<std::size_t>(table.layers));
    for (RoutingGroup& group : table.groups)
        for (std::int32_t c = group.firstColumn; c < group.firstColumn + group.columns; ++c)
            for (std::int32_t layer = 0; layer < table.layers; ++layer) {
                const RoutingCell& cell = table.at(layer, c);
                table.columns[static_cast<std::size_t>(c)].share.add(cell);
                table.layerShares[static_cast<std::size_t>(layer)].add(cell);
                group.share.add(cell);
                table.share.add(cell);
            }
}

}  // namespace

void FullShare::add(const RoutingCell& cell) {
    if (!cell.recorded) return;
    full += cell.fullShare();
    cells += 1;
}

std::optional<double> FullShare::value() const {
    if (cells == 0) return std::nullopt;
    return full / static_cast<double>(cells);
}

std::optional<std::int32_t> RoutingTable::columnOf(RunIndex run, SequenceIndex sequence) const {
    for (std::size_t c = 0; c < columns.size(); ++c)
        if (columns[c].run == run && columns[c].sequence == sequence) return static_cast<std::int32_t>(c);
    return std::nullopt;
}

RoutingCellKey RoutingTable::keyOf(std::int32_t layer, std::int32_t column) const {
    const RoutingColumn& c = columns[static_cast<std::size_t>(column)];
    return {c.run, c.sequence, LayerIndex{layer}};
}

RoutingTable routingTable(const Snapshot& snapshot, std::span<const RunIndex> runs) {
    std::map<RunIndex, std::size_t> order;
    for (const RunIndex run : runs) order.emplace(run, order.size());

    RoutingTable table;
    table.layers = layersOf(snapshot, order);
    std::vector<Placed> placed = placeColumns(snapshot, order);
    const auto most = static_cast<std::size_t>(kMostCells / std::max(table.layers, 1));
    if (placed.size() > most) {
        table.omittedColumns = static_cast<std::int64_t>(placed.size() - most);
        placed.resize(most);
    }
    std::map<SequenceKey, std::int32_t> columnAt;
    for (const Placed& p : placed) {
        const auto column = static_cast<std::int32_t>(table.columns.size());
        columnAt.emplace(SequenceKey{p.column.run, p.column.sequence}, column);
        if (table.groups.empty() || table.groups.back().kind != p.column.kind)
            table.groups.push_back({p.column.kind, column, 0, {}});
        table.groups.back().columns += 1;
        table.columns.push_back(p.column);
    }
    for (const RunRow& run : snapshot.runs)
        if (snapshot.live && order.contains(run.run) && !run.end) table.running = true;

    table.cells.resize(static_cast<std::size_t>(table.layers) * table.columns.size());
    if (!table.cells.empty()) {
        fillDecisions(snapshot, columnAt, table);
        fillPrefillTimes(snapshot, placed, table);
    }
    summarize(table);
    return table;
}

RoutingTable routingTable(const Snapshot& snapshot) {
    std::vector<RunIndex> runs;
    runs.reserve(snapshot.runs.size());
    for (const RunRow& run : snapshot.runs) runs.push_back(run.run);
    return routingTable(snapshot, runs);
}

std::vector<FullShare> sharesByKind(const RoutingTable& table) {
    std::vector<FullShare> shares(static_cast<std::size_t>(table.layers) * table.groups.size());
    for (std::size_t g = 0; g < table.groups.size(); ++g) {
        const RoutingGroup& group = table.groups[g];
        for (std::int32_t layer = 0; layer < table.layers; ++layer)
            for (std::int32_t c = group.firstColumn; c < group.firstColumn + group.columns; ++c)
                shares[static_cast<std::size_t>(layer) * table.groups.size() + g].add(table.at(layer, c));
    }
    return shares;
}

}  // namespace fluxscope
