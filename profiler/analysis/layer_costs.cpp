#include "profiler/analysis/layer_costs.h"

#include "profiler/analysis/origin.h"

#include <algorithm>

namespace fluxscope {

namespace {

// A sum that a damaged file cannot make overflow.
std::int64_t sumOf(std::int64_t a, std::int64_t b) {
    std::int64_t sum = 0;
    if (a < 0 || b < 0 || __builtin_add_overflow(a, b, &sum)) return CostGrid::kMissing;
    return sum;
}

struct Wanted {
    RunIndex run;
    SequenceIndex sequence;
    BatchIndex batch;
    TurnIndex turn;

    bool matches(const LayerStepRow& row) const {
        return row.run == run && row.batch == batch && row.turn == turn && row.step.value() >= 0;
    }
    bool matches(const KvRow& row) const {
        return row.run == run && row.sequence == sequence && row.turn == turn && row.layer.value() >= 0;
    }
};

void fillCosts(const Snapshot& snapshot, const Wanted& wanted, LayerCosts& costs) {
    costs.time = costs.bytes = costs.flops = CostGrid(costs.layers, costs.steps);
    costs.outsideTime = costs.outsideBytes = costs.outsideFlops = CostGrid(1, costs.steps);
    Origins times;
    Origins bytes;
    snapshot.layerSteps.each([&](const LayerStepRow& row) {
        if (!wanted.matches(row) || row.layer.value() >= costs.layers || row.step.value() >= costs.steps)
            return;
        const bool outside = row.layer.value() < 0;
        const std::int32_t at = outside ? 0 : row.layer.value();
        const std::int32_t step = row.step.value();
        if (isTimed(row.timeSource))
            (outside ? costs.outsideTime : costs.time).set(at, step, row.time.count());
        (outside ? costs.outsideBytes : costs.bytes).set(at, step, sumOf(row.bytesRead, row.bytesWritten));
        (outside ? costs.outsideFlops : costs.flops).set(at, step, row.flops);
        times.add(timeOrigin(row.timeSource));
        bytes.add(bytesOrigin(row.bytesSource, row.costVersion));
    });
    costs.timeOrigin = times.text();
    costs.bytesOrigin = bytes.text();
}

// KV is recorded when it changes; it holds until it is recorded again.
void fillKv(const Snapshot& snapshot, const Wanted& wanted, LayerCosts& costs) {
    costs.kvBytes = CostGrid(costs.layers, costs.steps);
    snapshot.kv.each([&](const KvRow& row) {
        if (wanted.matches(row) && row.layer.value() < costs.layers && row.step.value() >= 0 &&
            row.step.value() < costs.steps)
            costs.kvBytes.set(row.layer.value(), row.step.value(), row.kv.bytesKept);
    });
    for (std::int32_t layer = 0; layer < costs.layers; ++layer)
        for (std::int32_t step = 1; step < costs.steps; ++step)
            if (costs.kvBytes.at(layer, step) < 0)
                costs.kvBytes.set(layer, step, costs.kvBytes.at(layer, step - 1));
}

std::vector<double> valuesOf(const CostGrid& grid, std::int32_t layers, std::int32_t begin,
                             std::int32_t end) {
    std::vector<double> values;
    for (std::int32_t layer = 0; layer < layers; ++layer)
        for (std::int32_t step = begin; step < end; ++step)
            if (grid.at(layer, step) >= 0) values.push_back(static_cast<double>(grid.at(layer, step)));
    return values;
}

}  // namespace

ScaleEnd scaleEnd(std::vector<double> values) {
    if (values.empty()) return {};
    const double largest = *std::max_element(values.begin(), values.end());
    const auto at =
        values.begin() + static_cast<std::ptrdiff_t>(0.98 * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), at, values.end());
    if (*at > 0 && *at < largest / 2) return {*at, true};
    return {largest, false};
}

const CostGrid& LayerCosts::grid(CostMeasure measure) const {
    switch (measure) {
        case CostMeasure::Time: return time;
        case CostMeasure::Bytes: return bytes;
        case CostMeasure::Flops: return flops;
        case CostMeasure::KvBytes: return kvBytes;
    }
    return time;
}

const CostGrid* LayerCosts::outside(CostMeasure measure) const {
    switch (measure) {
        case CostMeasure::Time: return &outsideTime;
        case CostMeasure::Bytes: return &outsideBytes;
        case CostMeasure::Flops: return &outsideFlops;
        case CostMeasure::KvBytes: return nullptr;
    }
    return nullptr;
}

std::string LayerCosts::origin(CostMeasure measure) const {
    switch (measure) {
        case CostMeasure::Time: return timeOrigin;
        case CostMeasure::Bytes: return bytesOrigin;
        case CostMeasure::Flops: return bytesOrigin;  // one formula gives both
        case CostMeasure::KvBytes: return "reserved by the engine, recorded";
    }
    return {};
}

LayerCosts layerCosts(const Snapshot& snapshot, RunIndex run, SequenceIndex sequence, TurnIndex turn) {
    const RoutingTable table = routingTable(snapshot, std::span(&run, 1));
    LayerCosts costs;
    const auto column = table.columnOf(run, sequence);
    if (!column) return costs;

    const RoutingColumn& about = table.columns[static_cast<std::size_t>(*column)];
    costs.run = run;
    costs.sequence = sequence;
    costs.promptId = about.promptId;
    costs.kind = about.kind;
    costs.policy = about.policy;
    costs.promptTokens = about.promptTokens;
    costs.batchSequences = about.batchSequences;
    costs.layers = table.layers;

    Wanted wanted{run, sequence, {}, turn};
    for (const SequenceRow& row : snapshot.sequences)
        if (row.run == run && row.sequence == sequence) wanted.batch = row.batch;

    std::int64_t steps = 0;
    snapshot.layerSteps.each([&](const LayerStepRow& row) {
        if (wanted.matches(row) && row.layer.value() < kMostLayers) {
            costs.layers = std::max(costs.layers, row.layer.value() + 1);
            steps = std::max(steps, std::int64_t{row.step.value()} + 1);
        }
    });
    const std::int64_t most = kMostCostCells / std::max(costs.layers, 1);
    costs.omittedSteps = std::max<std::int64_t>(0, steps - most);
    costs.steps = static_cast<std::int32_t>(std::min(steps, most));

    costs.routing.resize(static_cast<std::size_t>(costs.layers));
    for (std::int32_t layer = 0; layer < table.layers; ++layer)
        costs.routing[static_cast<std::size_t>(layer)] = table.at(layer, *column);
    if (!costs.empty()) {
        fillCosts(snapshot, wanted, costs);
        fillKv(snapshot, wanted, costs);
        for (const CostMeasure measure :
             {CostMeasure::Time, CostMeasure::Bytes, CostMeasure::Flops, CostMeasure::KvBytes}) {
            const CostGrid& grid = costs.grid(measure);
            const auto at = static_cast<std::size_t>(measure);
            costs.prefillEnd[at] = scaleEnd(valuesOf(grid, costs.layers, 0, 1));
            costs.decodeEnd[at] = scaleEnd(valuesOf(grid, costs.layers, 1, costs.steps));
        }
    }
    return costs;
}

}  // namespace fluxscope
