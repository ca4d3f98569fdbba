// Where time, bytes and FLOPs went: by layer, phase, op and mode.
//
// A row is one combination of what was asked for, of one time source and one source of bytes: rows of different sources
// stand side by side and are never added up. What lies outside all layers, and what no scope could be found for, are rows.
#pragma once

#include "profiler/analysis/kernel_columns_view.h"
#include "profiler/analysis/step_modes.h"

#include <optional>
#include <string>
#include <vector>

namespace fluxscope {

// Of the layer table: the router's time and attention's are known; the rest of a layer is one part. Of kernels: by op.
enum class Part : std::uint8_t { Whole, Router, Attention, Rest, Outside, Unattributed };

struct BreakdownBy {
    bool layer = false;
    bool phase = true;
    bool op = false;
    bool mode = false;
};

struct BreakdownRow {
    std::optional<LayerIndex> layer;  // absent: all of them, or outside
    std::optional<Phase> phase;       // absent: both
    std::optional<Op> op;             // of kernels only; absent: all
    std::optional<StepMode> mode;     // absent: all
    Part part = Part::Whole;
    std::string timeOrigin;
    std::string bytesOrigin;  // empty: no bytes known of this row

    std::int64_t steps = 0;    // (batch, turn, step, layer) that it sums up
    std::int64_t kernels = 0;  // 0 where it comes from the layer table
    Nanoseconds time{};        // of layers: the union of their kernels' intervals
    Nanoseconds overlap{};     // what the kernels' durations are together, less that
    bool enqueued = false;     // the host's time in front of a device: no cost of the work
    double bytesRead = 0;
    double bytesWritten = 0;
    double flops = 0;
};

// From the layer table. With `op`, a layer's time is split into router, attention and rest; its bytes stay with the whole, so
// they are left out of such rows.
std::vector<BreakdownRow> breakdown(const Snapshot& snapshot, RunIndex run, const BreakdownBy& by);

// From kernels. A bad interval (duration below 0) counts nowhere.
std::vector<BreakdownRow> kernelBreakdown(const KernelColumnsView& kernels, const StepModes& modes,
                                          const BreakdownBy& by);

std::string_view nameOf(Part part);

}  // namespace fluxscope
