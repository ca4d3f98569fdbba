#include "profiler/analysis/roofline.h"

#include "engine/contract/error.h"
#include "profiler/analysis/detail/saturating.h"

#include <cmath>

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
