// What happened when, as lanes: the steps of a run, its layers, and the kernels of each stream.
//
// A lane's bars are sorted and do not overlap: what would is in a row of its own below. Times are nanoseconds since the
// line's origin, whole numbers throughout. A layer's bar is as long as its time (on a device the union of its kernels), from
// where it began. For more than can be read at once a lane has buckets instead of bars: how busy each was, and how many
// bars it stands for; a figure draws those as folded.
#pragma once

#include "profiler/analysis/kernel_columns_view.h"
#include "profiler/analysis/step_modes.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fluxscope {

// What decides a bar's colour.
enum class BarKind : std::uint8_t { Prefill, Decode, Full, Sparse, Mixed, Neutral, Unattributed };

struct LaneBars {
    std::vector<std::int64_t> begin;  // rises
    std::vector<std::int64_t> end;
    std::vector<std::uint32_t> label;  // into the line's labels
    std::vector<BarKind> kind;

    std::size_t size() const { return begin.size(); }
};

// Equal buckets from `begin` on.
struct LaneBuckets {
    std::int64_t begin = 0;
    std::int64_t width = 0;
    std::vector<float> busy;           // share of the bucket, 0 to 1
    std::vector<std::uint32_t> count;  // bars that began in it
};

struct Lane {
    std::string name;  // "steps", "layers", "stream 7"
    LaneBars bars;
    std::optional<LaneBuckets> buckets;  // then `bars` may be empty, or cover a part of the time only
    std::int64_t omitted = 0;  // bars that were left out, beyond kMostRows rows or with a bad interval
};

struct TimeLine {
    Nanoseconds origin{};     // on the recording process's clock
    std::int64_t length = 0;  // ns
    std::vector<Lane> lanes;
    std::vector<std::string> labels;
    std::string timeOrigin;
    std::string policy;

    bool empty() const { return lanes.empty(); }
};

inline constexpr std::size_t kMostRows = 4;  // of overlapping kernels on one stream

// kernels: null where none were recorded.
TimeLine timeLine(const Snapshot& snapshot, RunIndex run, const KernelColumnsView* kernels);

// A lane as the writer's overview has it, for captures too large to read before the first paint.
LaneBuckets bucketsOf(const LaneBars& bars, std::int64_t length, std::size_t count);

}  // namespace fluxscope
