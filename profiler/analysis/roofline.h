// How near work came to what the machine can do: achieved bytes/s and FLOP/s against ceilings.
//
//   intensity = FLOPs / bytes            attainable = min(peak FLOP/s, intensity * peak bytes/s)
//   roof share = achieved FLOP/s / attainable       bandwidth share = achieved bytes/s / peak bytes/s
//
// Ceilings are an input: measured on this machine (fluxscope-cli ceilings) or a data sheet's; without one there is no share.
// FLOPs are modelled always; bytes carry their source. The ridge is the intensity where both ceilings meet: to its left memory
// is the bound. A number that cannot be had is absent; none is ever infinite or not a number.
#pragma once

#include "profiler/analysis/breakdown.h"
#include "profiler/capture/run_facts.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace fluxscope {

struct PeakFlops {
    std::string dtype;  // "bf16"
    double flopsPerSecond = 0;
};

struct Ceilings {
    std::optional<double> bytesPerSecond;
    std::vector<PeakFlops> peaks;
    bool measured = false;
    std::string source;  // "fluxscope-cli ceilings, NVIDIA H200", "data sheet"

    std::optional<double> flopsPerSecond(std::string_view dtype) const;
    std::optional<double> ridge(std::string_view dtype) const;  // FLOPs a byte
    std::string origin() const;                                 // "measured: ...", "nameplate: ..."
};

// What a capture says of the machine that made a run. Measured ones stand in its environment, with a source: `ceiling_bytes_per_second`
// and `ceiling_flops` (of the run's dtype; `ceiling_flops_bf16` says of which). Without them the bandwidth that the device's data sheet
// gives, and no FLOP/s; without a device none.
Ceilings ceilingsOf(const Snapshot& snapshot, RunIndex run, std::span<const DeviceInfo> devices);

// Work to place: what it did and how long it took.
struct Work {
    std::string label;
    std::optional<Phase> phase;
    std::optional<Op> op;
    std::optional<LayerIndex> layer;
    double bytes = 0;
    double flops = 0;
    double seconds = 0;
    std::string timeOrigin;
    std::string bytesOrigin;
};

enum class Bound : std::uint8_t { Unknown, Memory, Compute };
std::string_view nameOf(Bound bound);

struct RooflinePoint {
    Work work;
    std::optional<double> intensity;
    std::optional<double> bytesPerSecond;
    std::optional<double> flopsPerSecond;
    std::optional<double> bandwidthShare;
    std::optional<double> flopsShare;
    std::optional<double> roofShare;
    Bound bound = Bound::Unknown;
};

struct Roofline {
    Ceilings ceilings;
    std::string dtype;
    std::vector<RooflinePoint> points;
};

Roofline roofline(std::span<const Work> work, const Ceilings& ceilings, std::string dtype);

// Rows of a breakdown that say how long the work itself took and how much it moved.
std::vector<Work> workOf(std::span<const BreakdownRow> rows);

}  // namespace fluxscope
