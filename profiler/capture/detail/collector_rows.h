// The table `collector`, as a snapshot and a look at a file read it.
#pragma once

#include "profiler/capture/collector_info.h"
#include "profiler/capture/detail/row_reader.h"

#include <optional>

namespace fluxscope {

inline constexpr const char* kCollectorQuery =
    "SELECT process, run, name, state, reason, remedy FROM collector ORDER BY process, run, name";

// Of that query; absent: the row does not fit the rest of the file.
std::optional<CollectorInfo> collectorIn(RowReader& row);

}  // namespace fluxscope
