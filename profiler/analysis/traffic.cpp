#include "profiler/analysis/traffic.h"

#include "engine/contract/error.h"
#include "profiler/analysis/detail/saturating.h"
#include "profiler/analysis/origin.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>

namespace fluxscope {

namespace {

struct Interval {
    std::int64_t begin = 0;
    std::int64_t end = 0;
    double value = 0;
};

// By time, without what overlaps the one before: a series is a function of time.
void fill(TrafficSeries& series, std::vector<Interval> intervals, std::int64_t origin) {
    std::stable_sort(intervals.begin(), intervals.end(),
                     [](const Interval& a, const Interval& b) { return a.begin < b.begin; });
    for (const Interval& i : intervals) {
        if (i.end <= i.begin || !std::isfinite(i.value)) continue;
        const std::int64_t begin = minus(i.begin, origin);
        if (!series.end.empty() && begin < series.end.back()) continue;
        series.begin.push_back(begin);
        series.end.push_back(minus(i.end, origin));
        series.rate.push_back(i.value);
    }
}

// That moved in an interval; a memory's level is in bytes too, and moves nothing.
bool isBytes(std::string_view metric) { return metric.ends_with("_bytes") && metric != "memory_used_bytes"; }

std::string unitOf(std::string_view metric) {
    if (metric.ends_with("_w")) return "W";
    if (metric.ends_with("_mhz")) return "MHz";
    if (metric.ends_with("_hz")) return "Hz";
    if (metric.ends_with("_pct")) return "%";
    if (metric.ends_with("_c")) return "°C";
    return "";
}

}  // namespace

std::string metricName(std::string_view metric) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kNames{{
        {"dram_read_bytes", "DRAM read"},
        {"dram_write_bytes", "DRAM write"},
        {"l2_bytes", "L2"},
        {"pcie_read_bytes", "PCIe read"},
        {"pcie_write_bytes", "PCIe write"},
        {"nvlink_read_bytes", "NVLink read"},
        {"nvlink_write_bytes", "NVLink write"},
        {"sm_active_pct", "SM active"},
        {"power_w", "power"},
        {"sm_clock_mhz", "SM clock"},
    }};
    for (const auto& [key, name] : kNames)
        if (key == metric) return std::string(name);
    return printable(metric, 40);
}

std::vector<SampleColumns> sampleColumns(const RunSamples& samples) {
    std::vector<SampleColumns> columns;
    for (const SampledMetric& metric : samples.metrics)
        if (metric.size() > 0)
            columns.push_back({metric.metric, metric.source, metric.begin_ns, metric.end_ns, metric.value});
    return columns;
}

Traffic trafficOver(const Snapshot& snapshot, RunIndex run, std::span<const SampleColumns> samples) {
    Traffic traffic;
    for (const RunRow& row : snapshot.runs)
        if (row.run == run) traffic.policy = row.policyName;

    std::optional<std::int64_t> first;
    std::map<std::string, std::vector<Interval>> modelled;  // by origin: two clocks are two series
    snapshot.layerSteps.each([&](const LayerStepRow& row) {
        if (row.run != run || row.time.count() <= 0 || isEnqueueTime(row.timeSource)) return;
        const double bytes = static_cast<double>(row.bytesRead) + static_cast<double>(row.bytesWritten);
        if (!(bytes > 0)) return;
        const std::int64_t begin = row.begin.count();
        first = first ? std::min(*first, begin) : begin;
        modelled[bytesOrigin(row.bytesSource, row.costVersion) + "; time " + timeOrigin(row.timeSource)]
            .push_back({begin, plus(begin, row.time.count()), bytes / secondsOf(row.time)});
    });
    for (const SampleColumns& s : samples)
        if (!s.begin.empty()) first = first ? std::min(*first, s.begin.front()) : s.begin.front();
    if (!first) return traffic;
    traffic.origin = Nanoseconds{*first};

    for (auto& [origin, intervals] : modelled) {
        TrafficSeries series{
            .name = "layers, " + std::string(origin.starts_with("modelled") ? "modelled" : "measured"),
            .origin = origin,
            .begin = {},
            .end = {},
            .rate = {},
            .unit = "B/s"};
        fill(series, std::move(intervals), *first);
        traffic.series.push_back(std::move(series));
    }
    for (const SampleColumns& s : samples) {
        TrafficSeries series{.name = metricName(s.metric),
                             .origin = s.source == "nvml" ? "sampled, NVML" : bytesOrigin(s.source, 0),
                             .begin = {},
                             .end = {},
                             .rate = {},
                             .unit = isBytes(s.metric) ? "B/s" : unitOf(s.metric)};
        std::vector<Interval> intervals;
        for (std::size_t i = 0; i < std::min({s.begin.size(), s.end.size(), s.value.size()}); ++i) {
            const double seconds = secondsOf(Nanoseconds{minus(s.end[i], s.begin[i])});
            if (!(seconds > 0)) continue;
            intervals.push_back(
                {s.begin[i], s.end[i], isBytes(s.metric) ? s.value[i] / seconds : s.value[i]});
        }
        fill(series, std::move(intervals), *first);
        if (series.rate.empty()) continue;
        (isBytes(s.metric) ? traffic.series : traffic.others).push_back(std::move(series));
    }
    std::erase_if(traffic.series, [](const TrafficSeries& s) { return s.rate.empty(); });
    for (const auto* list : {&traffic.series, &traffic.others})
        for (const TrafficSeries& s : *list) traffic.length = std::max(traffic.length, s.end.back());
    return traffic;
}

}  // namespace fluxscope
