#include "profiler/analysis/breakdown.h"

#include "profiler/analysis/detail/pair_index.h"
#include "profiler/analysis/detail/saturating.h"
#include "profiler/analysis/origin.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

namespace fluxscope {

namespace {

// Layers first, by number, then what lies outside, then what is nobody's. Optional members sort their absence first.
struct ByOrder {
    static int rankOf(Part part) { return part == Part::Unattributed ? 2 : part == Part::Outside ? 1 : 0; }
    bool operator()(const BreakdownRow& a, const BreakdownRow& b) const {
        const int rankA = rankOf(a.part);
        const int rankB = rankOf(b.part);
        return std::tie(a.phase, rankA, a.layer, a.mode, a.op, a.part, a.timeOrigin, a.bytesOrigin) <
               std::tie(b.phase, rankB, b.layer, b.mode, b.op, b.part, b.timeOrigin, b.bytesOrigin);
    }
};

// Rows are their own keys; what they sum up is not part of the order.
class Rows {
public:
    BreakdownRow& at(const BreakdownRow& key) { return rows_.try_emplace(key, key).first->second; }

    std::vector<BreakdownRow> sorted() const {
        std::vector<BreakdownRow> all;
        all.reserve(rows_.size());
        for (const auto& [key, row] : rows_) all.push_back(row);
        return all;
    }

private:
    std::map<BreakdownRow, BreakdownRow, ByOrder> rows_;
};

}  // namespace

std::string_view nameOf(Part part) {
    switch (part) {
        case Part::Whole: return "all";
        case Part::Router: return "router";
        case Part::Attention: return "attention";
        case Part::Rest: return "rest";
        case Part::Outside: return "outside all layers";
        case Part::Unattributed: return "unattributed";
    }
    return "all";
}

std::vector<BreakdownRow> breakdown(const Snapshot& snapshot, RunIndex run, const BreakdownBy& by) {
    const StepModes modes(snapshot, run);
    Rows rows;
    snapshot.layerSteps.each([&](const LayerStepRow& row) {
        if (row.run != run) return;
        const bool outside = row.layer.value() < 0;
        BreakdownRow key;
        if (by.layer && !outside) key.layer = row.layer;
        if (by.phase) key.phase = row.phase;
        if (by.mode && !outside) key.mode = modes.of(row.batch, row.turn, row.step, row.layer);
        key.timeOrigin = timeOrigin(row.timeSource);
        key.enqueued = isEnqueueTime(row.timeSource);
        const auto add = [&](Part part, Nanoseconds time) {
            key.part = part;
            BreakdownRow& sum = rows.at(key);
            sum.steps += 1;
            sum.time = plus(sum.time, time);
        };
        if (by.op && !outside) {
            add(Part::Router, row.router);
            add(Part::Attention, row.attention);
            // Parts may run side by side on a device: then there is less than nothing left.
            add(Part::Rest, std::max(Nanoseconds{}, minus(row.time, plus(row.router, row.attention))));
            return;
        }
        key.part = outside ? Part::Outside : Part::Whole;
        key.bytesOrigin = bytesOrigin(row.bytesSource, row.costVersion);
        BreakdownRow& sum = rows.at(key);
        sum.steps += 1;
        sum.time = plus(sum.time, row.time);
        sum.bytesRead += static_cast<double>(row.bytesRead);
        sum.bytesWritten += static_cast<double>(row.bytesWritten);
        sum.flops += static_cast<double>(row.flops);
    });
    return rows.sorted();
}

std::vector<BreakdownRow> kernelBreakdown(const KernelColumnsView& kernels, const StepModes& modes,
                                          const BreakdownBy& by) {
    // One interval on the device counts once in the union of its instance: a layer (with `op`, an op of it) in one step.
    struct Instance {
        BreakdownRow* row = nullptr;
        std::int64_t busyUntil = std::numeric_limits<std::int64_t>::min();
    };
    Rows rows;
    std::vector<Instance> instances;

    // Places that differ in a chunk, or in an op that is not asked for, are one instance.
    std::vector<std::uint32_t> canonical;
    std::map<
        std::tuple<BatchIndex, TurnIndex, std::optional<Phase>, std::optional<LayerIndex>, std::optional<Op>>,
        std::uint32_t>
        firstOf;
    for (const KernelPlace& p : kernels.places) {
        const auto op = by.op ? p.op : std::nullopt;
        const auto next = static_cast<std::uint32_t>(canonical.size());
        canonical.push_back(firstOf.try_emplace({p.batch, p.turn, p.phase, p.layer, op}, next).first->second);
    }

    const std::size_t nobody = canonical.size();
    std::int32_t steps = 0;
    for (std::size_t k = 0; k < kernels.size(); ++k) steps = std::max(steps, kernels.step[k]);
    PairIndex instanceAt(nobody + 1, static_cast<std::size_t>(steps) + 1);
    for (const std::uint32_t k : inOrderOfTime(kernels)) {
        const KernelPlace* place = kernels.placeOf(k);
        std::uint32_t& at =
            instanceAt.of(place ? canonical[static_cast<std::size_t>(kernels.place[k])] : nobody,
                          place ? static_cast<std::size_t>(std::max(0, kernels.step[k])) : 0);
        const bool isNew = at == PairIndex::kNew;
        if (isNew) {
            at = static_cast<std::uint32_t>(instances.size());
            instances.emplace_back();
        }
        Instance& instance = instances[at];
        if (isNew) {
            BreakdownRow row;
            row.timeOrigin = timeOrigin(kernels.timeSource);
            row.part = !place ? Part::Unattributed : place->layer ? Part::Whole : Part::Outside;
            if (place && by.phase) row.phase = place->phase;
            if (place && by.layer) row.layer = place->layer;
            if (place && by.op) row.op = place->op;
            if (place && by.mode && place->layer)
                row.mode = modes.of(place->batch, place->turn, StepIndex{kernels.step[k]}, *place->layer);
            instance.row = &rows.at(row);
            instance.row->steps += 1;
        }
        BreakdownRow& sum = *instance.row;
        const std::int64_t begin = std::max(kernels.begin[k], instance.busyUntil);
        const std::int64_t alone = std::max<std::int64_t>(0, minus(kernels.end(k), begin));
        instance.busyUntil = std::max(instance.busyUntil, kernels.end(k));
        sum.kernels += 1;
        sum.time = plus(sum.time, Nanoseconds{alone});
        sum.overlap = plus(sum.overlap, Nanoseconds{minus(kernels.duration[k], alone)});
    }
    return rows.sorted();
}

}  // namespace fluxscope
