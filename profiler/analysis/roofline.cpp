#include "profiler/analysis/roofline.h"

#include "engine/contract/error.h"
#include "profiler/analysis/detail/saturating.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>

namespace fluxscope {

namespace {

std::optional<double> positive(double value) {
    if (!std::isfinite(value) || !(value > 0)) return std::nullopt;
    return value;
}

std::optional<double> ratio(std::optional<double> above, std::optional<double> below) {
    if (!above || !below) return std::nullopt;
    return positive(*above / *below);
}

}  // namespace

std::string_view nameOf(Bound bound) {
    switch (bound) {
        case Bound::Memory: return "memory";
        case Bound::Compute: return "compute";
        case Bound::Unknown: return "unknown";
    }
    return "unknown";
}

std::optional<double> Ceilings::flopsPerSecond(std::string_view dtype) const {
    for (const PeakFlops& peak : peaks)
        if (peak.dtype == dtype) return positive(peak.flopsPerSecond);
    return std::nullopt;
}

std::optional<double> Ceilings::ridge(std::string_view dtype) const {
    return ratio(flopsPerSecond(dtype), bytesPerSecond ? positive(*bytesPerSecond) : std::nullopt);
}

std::string Ceilings::origin() const {
    if (!bytesPerSecond && peaks.empty()) return "no ceilings: measure them with fluxscope-cli ceilings";
    return std::string(measured ? "measured" : "nameplate") +
           (source.empty() ? "" : ": " + printable(source, 80));
}

Ceilings ceilingsOf(const Snapshot& snapshot, RunIndex run, std::span<const DeviceInfo> devices) {
    Ceilings ceilings;
    const auto about = std::ranges::find(snapshot.runs, run, &RunRow::run);
    if (about == snapshot.runs.end()) return ceilings;
    const auto fact = [&](const std::string& name) -> std::optional<double> {
        for (const EnvironmentRow& row : snapshot.environment) {
            if (row.process != about->process || row.name != name) continue;
            double value = 0;
            const auto [end, error] =
                std::from_chars(row.value.data(), row.value.data() + row.value.size(), value);
            if (error != std::errc{}) return std::nullopt;
            // origin() says "measured" itself.
            constexpr std::string_view kMeasured = "measured: ";
            if (ceilings.source.empty())
                ceilings.source = row.source.substr(row.source.starts_with(kMeasured) ? kMeasured.size() : 0);
            return positive(value);
        }
        return std::nullopt;
    };
    ceilings.bytesPerSecond = fact("ceiling_bytes_per_second");
    std::optional<double> flops = fact("ceiling_flops_" + about->dtype);
    if (!flops) flops = fact("ceiling_flops");
    if (flops) ceilings.peaks.push_back({about->dtype, *flops});
    ceilings.measured = ceilings.bytesPerSecond || flops;
    if (ceilings.measured || about->device == "cpu") return ceilings;
    ceilings.source.clear();
    // "cuda:1" is device 1 of its process; without a number the first.
    std::int32_t number = 0;
    if (const std::size_t colon = about->device.find(':'); colon != std::string::npos) {
        const char* begin = about->device.data() + colon + 1;
        std::from_chars(begin, about->device.data() + about->device.size(), number);
    }
    for (const DeviceInfo& info : devices) {
        if (info.process != about->process || info.device.device != number) continue;
        ceilings.bytesPerSecond = positive(static_cast<double>(info.device.bytesPerSecond));
        if (ceilings.bytesPerSecond) ceilings.source = "data sheet of " + info.device.name;
    }
    return ceilings;
}

Roofline roofline(std::span<const Work> work, const Ceilings& ceilings, std::string dtype) {
    Roofline result;
    result.ceilings = ceilings;
    result.dtype = std::move(dtype);
    const std::optional<double> peakBytes =
        ceilings.bytesPerSecond ? positive(*ceilings.bytesPerSecond) : std::nullopt;
    const std::optional<double> peakFlops = ceilings.flopsPerSecond(result.dtype);
    for (const Work& w : work) {
        RooflinePoint point;
        point.work = w;
        const auto bytes = positive(w.bytes);
        const auto flops = positive(w.flops);
        const auto seconds = positive(w.seconds);
        point.intensity = ratio(flops, bytes);
        point.bytesPerSecond = ratio(bytes, seconds);
        point.flopsPerSecond = ratio(flops, seconds);
        point.bandwidthShare = ratio(point.bytesPerSecond, peakBytes);
        point.flopsShare = ratio(point.flopsPerSecond, peakFlops);
        if (point.intensity && peakBytes && peakFlops) {
            const auto slope = positive(*point.intensity * *peakBytes);
            point.bound = !slope || *slope >= *peakFlops ? Bound::Compute : Bound::Memory;
            point.roofShare = ratio(point.flopsPerSecond, point.bound == Bound::Memory ? slope : peakFlops);
        }
        result.points.push_back(std::move(point));
    }
    return result;
}

std::vector<Work> workOf(std::span<const BreakdownRow> rows) {
    std::vector<Work> all;
    for (const BreakdownRow& row : rows) {
        if (row.enqueued || row.bytesOrigin.empty() || row.part == Part::Unattributed) continue;
        Work work;
        work.phase = row.phase;
        work.op = row.op;
        work.layer = row.layer;
        if (row.phase) work.label = nameOf(*row.phase);
        const auto say = [&work](std::string_view text) {
            work.label += (work.label.empty() ? "" : " ") + std::string(text);
        };
        if (row.layer) say("layer " + std::to_string(row.layer->value()));
        if (row.op) say(nameOf(*row.op));
        if (row.mode) say(nameOf(*row.mode));
        if (row.part == Part::Outside) say(nameOf(row.part));
        if (work.label.empty()) work.label = "all layers";
        work.bytes = row.bytesRead + row.bytesWritten;
        work.flops = row.flops;
        work.seconds = secondsOf(row.time);
        work.timeOrigin = row.timeOrigin;
        work.bytesOrigin = row.bytesOrigin;
        all.push_back(std::move(work));
    }
    return all;
}

}  // namespace fluxscope
