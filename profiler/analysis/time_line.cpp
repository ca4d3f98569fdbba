#include "profiler/analysis/time_line.h"

#include "profiler/analysis/detail/saturating.h"
#include "profiler/analysis/origin.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace fluxscope {

namespace {

// Each text once.
class Labels {
public:
    explicit Labels(std::vector<std::string>& all) : all_(all) {}
    std::uint32_t of(const std::string& text) {
        const auto [at, isNew] = at_.try_emplace(text, static_cast<std::uint32_t>(all_.size()));
        if (isNew) all_.push_back(text);
        return at->second;
    }

private:
    std::vector<std::string>& all_;
    std::map<std::string, std::uint32_t> at_;
};

struct Bar {
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::uint32_t label = 0;
    BarKind kind = BarKind::Neutral;
};

void push(LaneBars& lane, const Bar& bar) {
    lane.begin.push_back(bar.begin);
    lane.end.push_back(bar.end);
    lane.label.push_back(bar.label);
    lane.kind.push_back(bar.kind);
}

// Bars on as few rows as they need, in the order they began. Kernels of one stream hardly ever overlap.
void addLanes(std::vector<Lane>& lanes, const std::string& name, std::vector<Bar> bars, std::size_t rows) {
    std::stable_sort(bars.begin(), bars.end(), [](const Bar& a, const Bar& b) { return a.begin < b.begin; });
    std::vector<Lane> own;
    std::int64_t omitted = 0;
    for (const Bar& bar : bars) {
        if (bar.end < bar.begin) {
            omitted += 1;
            continue;
        }
        auto lane = std::find_if(own.begin(), own.end(),
                                 [&](const Lane& l) { return l.bars.end.back() <= bar.begin; });
        if (lane == own.end() && own.size() >= rows) {
            omitted += 1;
            continue;
        }
        if (lane == own.end()) {
            own.emplace_back();
            own.back().name = own.size() == 1 ? name : name + " +" + std::to_string(own.size() - 1);
            lane = std::prev(own.end());
        }
        push(lane->bars, bar);
    }
    if (!own.empty()) own.front().omitted = omitted;
    lanes.insert(lanes.end(), std::make_move_iterator(own.begin()), std::make_move_iterator(own.end()));
}

BarKind kindOf(StepMode mode) {
    switch (mode) {
        case StepMode::Full: return BarKind::Full;
        case StepMode::Sparse: return BarKind::Sparse;
        case StepMode::Mixed: return BarKind::Mixed;
        case StepMode::Unknown: return BarKind::Neutral;
    }
    return BarKind::Neutral;
}

}  // namespace

TimeLine timeLine(const Snapshot& snapshot, RunIndex run, const KernelColumnsView* kernels) {
    TimeLine line;
    Labels labels(line.labels);
    const StepModes modes(snapshot, run);
    for (const RunRow& row : snapshot.runs)
        if (row.run == run) line.policy = row.policyName;

    // The origin is the earliest thing drawn: a file's own beginning may be anything.
    std::optional<std::int64_t> first;
    const auto begins = [&first](std::int64_t at) { first = first ? std::min(*first, at) : at; };
    snapshot.layerSteps.each([&](const LayerStepRow& row) {
        if (row.run == run) begins(row.begin.count());
    });
    for (std::size_t k = 0; kernels != nullptr && k < kernels->size(); ++k)
        if (!kernels->bad(k)) begins(kernels->begin[k]);
    if (!first) return line;
    line.origin = Nanoseconds{*first};
    const auto since = [&](std::int64_t at) { return minus(at, *first); };

    using StepKey = std::tuple<BatchIndex, TurnIndex, StepIndex>;
    std::map<StepKey, Bar> steps;
    std::vector<Bar> layers;
    Origins origins;
    snapshot.layerSteps.each([&](const LayerStepRow& row) {
        if (row.run != run || row.time.count() < 0) return;
        origins.add(timeOrigin(row.timeSource));
        Bar bar{since(row.begin.count()), since(plus(row.begin.count(), row.time.count()))};
        const bool prefill = row.phase == Phase::Prefill;
        const auto [step, isNew] = steps.try_emplace({row.batch, row.turn, row.step}, bar);
        step->second.kind = prefill ? BarKind::Prefill : BarKind::Decode;
        if (isNew)
            step->second.label = labels.of(prefill ? "prefill" : "step " + std::to_string(row.step.value()));
        step->second.begin = std::min(step->second.begin, bar.begin);
        step->second.end = std::max(step->second.end, bar.end);
        if (row.layer.value() < 0) return;
        bar.label = labels.of("L" + std::to_string(row.layer.value()));
        bar.kind = kindOf(modes.of(row.batch, row.turn, row.step, row.layer));
        layers.push_back(bar);
    });
    std::vector<Bar> stepBars;
    for (const auto& [key, bar] : steps) stepBars.push_back(bar);
    addLanes(line.lanes, "steps", std::move(stepBars), 2);
    addLanes(line.lanes, "layers", std::move(layers), kMostRows);

    if (kernels != nullptr && kernels->size() > 0) {
        std::map<std::int32_t, std::vector<Bar>> streams;
        std::map<std::int32_t, std::uint32_t> labelOf;  // by name: one look-up of a text a name
        std::int64_t bad = 0;
        for (std::size_t k = 0; k < kernels->size(); ++k) {
            if (kernels->bad(k)) {
                bad += 1;
                continue;
            }
            const auto [label, isNew] = labelOf.try_emplace(kernels->name[k], 0);
            if (isNew) label->second = labels.of(kernels->nameOf(k));
            const KernelPlace* place = kernels->placeOf(k);
            BarKind kind = place == nullptr ? BarKind::Unattributed : BarKind::Neutral;
            if (place != nullptr && place->layer && place->op == Op::Attention)
                kind =
                    kindOf(modes.of(place->batch, place->turn, StepIndex{kernels->step[k]}, *place->layer));
            streams[kernels->stream[k]].push_back(
                {since(kernels->begin[k]), since(kernels->end(k)), label->second, kind});
        }
        origins.add(timeOrigin(kernels->timeSource));
        for (auto& [stream, bars] : streams)
            addLanes(line.lanes, kernels->queueName(stream), std::move(bars), kMostRows);
        if (bad > 0 && !line.lanes.empty()) line.lanes.back().omitted += bad;
    }
    for (const Lane& lane : line.lanes)
        for (const std::int64_t end : lane.bars.end) line.length = std::max(line.length, end);
    line.timeOrigin = origins.text();
    return line;
}

LaneBuckets bucketsOf(const LaneBars& bars, std::int64_t length, std::size_t count) {
    LaneBuckets buckets;
    if (length <= 0 || count == 0) return buckets;
    const auto wanted = static_cast<std::int64_t>(count);
    buckets.width = length / wanted + (length % wanted != 0 ? 1 : 0);
    buckets.busy.assign(count, 0);
    buckets.count.assign(count, 0);
    const auto at = [&](std::int64_t time) {
        return static_cast<std::size_t>(std::clamp<std::int64_t>(time / buckets.width, 0, wanted - 1));
    };
    for (std::size_t i = 0; i < bars.size(); ++i) {
        buckets.count[at(bars.begin[i])] += 1;
        for (std::size_t b = at(bars.begin[i]); b <= at(bars.end[i]); ++b) {
            const std::int64_t from = std::max(bars.begin[i], static_cast<std::int64_t>(b) * buckets.width);
            const std::int64_t to =
                std::min(bars.end[i], plus(static_cast<std::int64_t>(b) * buckets.width, buckets.width));
            if (to > from)
                buckets.busy[b] +=
                    static_cast<float>(static_cast<double>(to - from) / static_cast<double>(buckets.width));
        }
    }
    for (float& busy : buckets.busy) busy = std::min(busy, 1.0F);
    return buckets;
}

}  // namespace fluxscope
