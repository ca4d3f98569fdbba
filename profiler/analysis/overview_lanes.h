// A time line of more kernels than one reads before the first paint: lanes of buckets, out of the overview that the writer kept.
#pragma once

#include "profiler/analysis/time_line.h"
#include "profiler/capture/overview_lanes.h"

namespace fluxscope {

// What a lane has at most; bars of buckets beyond are counted as omitted.
inline constexpr std::int64_t kMostLaneBuckets = std::int64_t{1} << 16;

// Adds a lane for each stream, and one for work that is nobody's. Moves the line's origin back where buckets begin before it.
void addOverview(TimeLine& line, const RunOverview& overview);

}  // namespace fluxscope
