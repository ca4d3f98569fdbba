#include "profiler/analysis/layer_bytes.h"

#include "profiler/analysis/detail/busy_time.h"
#include "profiler/analysis/origin.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

namespace fluxscope {

namespace {

using StepKey = std::tuple<BatchIndex, TurnIndex, Phase, StepIndex>;
using LayerKey = std::tuple<BatchIndex, TurnIndex, Phase, StepIndex, std::optional<LayerIndex>>;

StepKey stepOf(const LayerBytes& row) { return {row.batch, row.turn, row.phase, row.step}; }

LayerBytes rowOf(const LayerKey& key) {
    LayerBytes row;
    std::tie(row.batch, row.turn, row.phase, row.step, row.layer) = key;
    return row;
}

std::vector<LayerBytes> valuesOf(const std::map<LayerKey, LayerBytes>& rows) {
    std::vector<LayerBytes> all;
    all.reserve(rows.size());
    for (const auto& [key, row] : rows) all.push_back(row);
    return all;
}

Confidence confidenceOf(std::int64_t samplesInside, double sampledShare) {
    constexpr double kMostlySampled = 0.9;
    if (samplesInside < kSamplesForMedium || sampledShare < kMostlySampled) return Confidence::Low;
    return samplesInside < kSamplesForHigh ? Confidence::Medium : Confidence::High;
}

// Which layer of which step each kernel belongs to; the last one is nobody.
struct Instances {
    std::vector<LayerKey> keys;
    std::vector<std::uint32_t> ofKernel;

    explicit Instances(const KernelColumnsView& kernels) : ofKernel(kernels.size()) {
        std::map<LayerKey, std::uint32_t> at;
        std::int32_t lastPlace = -1;
        std::int32_t lastStep = -1;
        std::uint32_t last = 0;
        for (std::size_t k = 0; k < kernels.size(); ++k) {
            const KernelPlace* place = kernels.placeOf(k);
            if (place == nullptr) {
                ofKernel[k] = kNobody;
                continue;
            }
            if (kernels.place[k] != lastPlace || kernels.step[k] != lastStep) {
                lastPlace = kernels.place[k];
                lastStep = kernels.step[k];
                const LayerKey key{place->batch, place->turn, *place->phase, StepIndex{lastStep},
                                   place->layer};
                const auto [found, isNew] = at.try_emplace(key, static_cast<std::uint32_t>(keys.size()));
                if (isNew) keys.push_back(key);
                last = found->second;
            }
            ofKernel[k] = last;
        }
    }
};

struct Sampled {
    double read = 0;
    double written = 0;
    double worth = 0;
    double sampledNs = 0;
    std::int64_t inside = 0;
};

// Hands the samples of one metric to what ran in them, and says in which samples only one thing did. Both go up in time.
template <class Give, class Alone>
void join(const BusyTime& busy, const SampleColumns& samples, Give give, Alone ranAlone) {
    const std::size_t count = std::min({samples.begin.size(), samples.end.size(), samples.value.size()});
    std::size_t first = 0;
    for (std::size_t s = 0; s < count; ++s) {
        const std::int64_t begin = samples.begin[s];
        const std::int64_t end = samples.end[s];
        const double value = samples.value[s];
        if (end <= begin || !std::isfinite(value) || value < 0) continue;
        while (first < busy.size() && busy.end(first) <= begin) ++first;
        double inSample = 0;
        for (std::size_t b = first; b < busy.size() && busy.begin(b) < end; ++b)
            inSample += busy.overlap(b, begin, end);
        if (!(inSample > 0)) continue;
        bool alone = true;
        std::uint32_t who = kNobody;
        for (std::size_t b = first; b < busy.size() && busy.begin(b) < end; ++b) {
            const std::span<const std::uint32_t> running = busy.running(b);
            const double each = busy.overlap(b, begin, end) / static_cast<double>(running.size());
            for (const std::uint32_t instance : running) {
                if (b == first && instance == running.front()) who = instance;
                alone = alone && instance == who;
                if (instance != kNobody) give(instance, value * each / inSample, each / inSample, each);
            }
        }
        if (alone && who != kNobody) ranAlone(who);
    }
}

std::vector<PhaseBytes> summedUp(std::span<const BytesOfSource> sources, bool byLayer) {
    struct Sum {
        PhaseBytes bytes;
        std::set<StepKey> steps;
    };
    std::map<std::tuple<Phase, std::optional<LayerIndex>, std::size_t>, Sum> sums;
    for (std::size_t i = 0; i < sources.size(); ++i)
        for (const LayerBytes& row : sources[i].rows) {
            if (byLayer && !row.layer) continue;
            Sum& sum = sums[{row.phase, byLayer ? row.layer : std::nullopt, i}];
            sum.bytes.read += row.read;
            sum.bytes.written += row.written;
            sum.bytes.layerSteps += 1;
            sum.bytes.lowConfidence += row.confidence == Confidence::Low ? 1 : 0;
            sum.steps.insert(stepOf(row));
        }
    std::vector<PhaseBytes> all;
    for (auto& [key, sum] : sums) {
        const auto& [phase, layer, source] = key;
        sum.bytes.phase = phase;
        sum.bytes.layer = layer;
        sum.bytes.source = sources[source].source;
        sum.bytes.origin = sources[source].origin();
        sum.bytes.steps = static_cast<std::int64_t>(sum.steps.size());
        all.push_back(std::move(sum.bytes));
    }
    return all;
}

}  // namespace

std::string BytesOfSource::origin() const { return bytesOrigin(source, costVersion); }

BytesOfSource analyticBytes(const Snapshot& snapshot, RunIndex run) {
    BytesOfSource result{.source = "analytic", .costVersion = 0, .rows = {}};
    std::map<LayerKey, LayerBytes> rows;
    snapshot.layerSteps.each([&](const LayerStepRow& row) {
        if (row.run != run || row.bytesSource != "analytic") return;
        const LayerKey key{row.batch, row.turn, row.phase, row.step,
                           row.layer.value() < 0 ? std::nullopt : std::optional(row.layer)};
        LayerBytes& bytes = rows.try_emplace(key, rowOf(key)).first->second;
        bytes.read += static_cast<double>(row.bytesRead);
        bytes.written += static_cast<double>(row.bytesWritten);
        result.costVersion = row.costVersion;
    });
    result.rows = valuesOf(rows);
    return result;
}

BytesOfSource countedBytes(const RunTraffic& traffic) {
    std::map<LayerKey, LayerBytes> rows;
    // Each scope on its own: what lies outside all layers is several, and a pass may end between them.
    std::map<std::tuple<LayerKey, std::optional<ChunkIndex>, std::optional<Op>, bool>, std::int32_t>
        firstPass;
    for (const MeasuredTraffic& one : traffic.rows) {
        const std::string& metric = traffic.metrics[static_cast<std::size_t>(one.metric)];
        const bool read = metric == "dram_read_bytes";
        if (one.sampled || (!read && metric != "dram_write_bytes")) continue;
        const ScopeKey& scope = one.scope;
        if (scope.layer && scope.op) continue;  // a part of what is counted as a whole
        const LayerKey key{scope.batch, scope.turn, scope.phase, scope.step, scope.layer};
        LayerBytes& bytes = rows.try_emplace(key, rowOf(key)).first->second;
        const std::int32_t pass =
            firstPass.try_emplace({key, scope.chunk, scope.op, read}, one.pass).first->second;
        if (pass == one.pass) (read ? bytes.read : bytes.written) += one.value;
    }
    return {.source = "hw_range", .costVersion = 0, .rows = valuesOf(rows)};
}

BytesOfSource sampledBytes(const KernelColumnsView& kernels, std::span<const SampleColumns> samples) {
    const Instances instances(kernels);
    std::vector<Sampled> sums(instances.keys.size());
    std::vector<double> busyNs(instances.keys.size(), 0);
    const BusyTime busy(kernels, instances.ofKernel);
    for (std::size_t b = 0; b < busy.size(); ++b)
        for (const std::uint32_t instance : busy.running(b))
            if (instance != kNobody)
                busyNs[instance] += static_cast<double>(busy.end(b) - busy.begin(b)) /
                                    static_cast<double>(busy.running(b).size());
    bool any = false;
    for (const SampleColumns& metric : samples) {
        const bool read = metric.metric == "dram_read_bytes";
        if (metric.source != "hw_pm" || (!read && metric.metric != "dram_write_bytes")) continue;
        any = any || !metric.begin.empty();
        join(
            busy, metric,
            [&](std::uint32_t instance, double bytes, double worth, double ns) {
                Sampled& sum = sums[instance];
                (read ? sum.read : sum.written) += bytes;
                if (!read) return;  // both are sampled together
                sum.worth += worth;
                sum.sampledNs += ns;
            },
            [&](std::uint32_t instance) { sums[instance].inside += read ? 1 : 0; });
    }
    BytesOfSource result{.source = "hw_pm", .costVersion = 0, .rows = {}};
    if (!any) return result;
    std::map<LayerKey, LayerBytes> rows;
    for (std::size_t i = 0; i < sums.size(); ++i) {
        LayerBytes row = rowOf(instances.keys[i]);
        row.read = sums[i].read;
        row.written = sums[i].written;
        row.samplesWorth = sums[i].worth;
        row.samplesInside = sums[i].inside;
        row.confidence = confidenceOf(sums[i].inside, busyNs[i] > 0 ? sums[i].sampledNs / busyNs[i] : 0);
        rows.emplace(instances.keys[i], row);
    }
    result.rows = valuesOf(rows);
    return result;
}

std::vector<StepBytes> stepBytesOf(std::span<const BytesOfSource> sources) {
    // What each source says of each step. A sampled step that is too short says nothing.
    std::vector<std::map<StepKey, std::map<std::optional<LayerIndex>, double>>> bySource;
    for (const BytesOfSource& source : sources) {
        auto& steps = bySource.emplace_back();
        std::map<StepKey, double> worth;
        for (const LayerBytes& row : source.rows) {
            steps[stepOf(row)][row.layer] += row.bytes();
            worth[stepOf(row)] += row.samplesWorth;
        }
        if (source.source == "hw_pm")
            std::erase_if(steps, [&](const auto& step) {
                return worth[step.first] < static_cast<double>(kSamplesForMedium);
            });
    }
    std::set<StepKey> all;
    for (const auto& steps : bySource)
        for (const auto& [step, layers] : steps) all.insert(step);
    std::vector<StepBytes> result;
    for (const StepKey& step : all) {
        std::vector<std::size_t> who;
        for (std::size_t i = 0; i < bySource.size(); ++i)
            if (bySource[i].contains(step)) who.push_back(i);
        for (const std::size_t i : who) {
            StepBytes bytes{std::get<2>(step), std::get<3>(step), sources[i].source, 0};
            for (const auto& [layer, value] : bySource[i].at(step))
                if (std::ranges::all_of(who, [&, l = layer](std::size_t other) {
                        return bySource[other].at(step).contains(l);
                    }))
                    bytes.bytes += value;
            result.push_back(bytes);
        }
    }
    return result;
}

std::vector<PhaseBytes> bytesByPhase(std::span<const BytesOfSource> sources) {
    return summedUp(sources, false);
}

std::vector<PhaseBytes> bytesByLayer(std::span<const BytesOfSource> sources) {
    return summedUp(sources, true);
}

}  // namespace fluxscope
