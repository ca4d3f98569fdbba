// The intervals of a run as they stand in its file, read again: to sum them up afresh, and to give those their place whose launch
// was explained too late.
#pragma once

#include "profiler/store/detail/interning.h"
#include "profiler/store/detail/overview_writer.h"

#include <SQLiteCpp/Database.h>

#include <cstdint>
#include <functional>
#include <span>

namespace fluxscope {

using VisitKernel = std::function<void(const PlaceParts& place, std::int32_t step, std::int32_t device,
                                       std::int32_t stream, std::int64_t begin, std::int64_t duration)>;

void eachKernel(SQLite::Database& database, std::int64_t run, const VisitKernel& visit);

// Of a run on a device the kernels, of one on a CPU the scopes of single operations. False: they are so long that summing them up would take
// gigabytes, as those of a damaged file; `into` then holds a part.
bool sumUpOverview(SQLite::Database& database, std::int64_t run, bool isOnCpu, OverviewWriter& into);

// How many kernels of nobody's found their place.
std::int64_t attributeLate(SQLite::Database& database, std::int64_t run,
                           std::span<const LateAttribution> late, Interning& interning, std::int64_t nobodys);

}  // namespace fluxscope
