// Which kernels took the time, and how long a queue of the device stood idle between them.
//
// Shares are of the kernels' own durations together (not of their union: two that overlap both did work).
//
// A gap is the time on one stream from the end of what ran before to the beginning of the next kernel. It is launch-bound as
// far as the host had not returned from launching that kernel when the gap began: the device waited for the host. The rest is
// waiting for something else (another stream, a copy, the launch itself on its way). Where the API call is not recorded, a gap
// counts as of unknown cause, in a column of its own.
#pragma once

#include "profiler/analysis/kernel_columns_view.h"
#include "profiler/analysis/percentiles.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fluxscope {

struct TopKernelsBy {
    bool phase = false;
    bool op = false;
    bool layer = false;
};

struct TopKernel {
    std::string name;
    std::optional<Phase> phase;  // absent: not asked for, or unattributed
    std::optional<Op> op;
    std::optional<LayerIndex> layer;
    bool attributed = true;
    std::int64_t count = 0;
    Nanoseconds total{};
    Percentiles nanoseconds;  // of single kernels
    double share = 0;         // of the durations of all kernels
};

// By time, the longest together first; equal ones by name. At most `atMost` rows, 0: all.
std::vector<TopKernel> topKernels(const KernelColumnsView& kernels, const TopKernelsBy& by,
                                  std::size_t atMost = 0);

struct StreamGaps {
    std::int32_t stream = 0;
    std::string name;            // "stream 7"
    std::optional<Phase> phase;  // of the kernel that ends the gap; absent: unattributed
    std::int64_t kernels = 0;
    Nanoseconds busy{};  // union of intervals
    std::int64_t gaps = 0;
    Nanoseconds idle{};         // all gaps
    Nanoseconds launchBound{};  // of it
    Nanoseconds unknown{};      // of it: the launch is not recorded
    Nanoseconds longest{};

    // Of the time that gaps of known cause and kernels take. Absent where no cause is known.
    std::optional<double> launchBoundShare() const;
    std::optional<double> idleShare() const;
};

std::vector<StreamGaps> streamGaps(const KernelColumnsView& kernels);

}  // namespace fluxscope
