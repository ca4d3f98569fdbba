// When the API calls that launched kernels returned on the host: where a device waited for its host. Reads the file, so not on a
// thread that draws.
#pragma once

#include "profiler/capture/kernel_columns.h"

#include <limits>

namespace fluxscope {

struct LaunchEnds {
    static constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::min();

    std::vector<std::int64_t> ns;  // a row for each kernel; empty: no call was recorded
    std::vector<std::string> problems;
};

// Of a run's kernels, by correlation id, which is unique within the run's process. The kernels of a graph share their launch. Where
// several calls share an id (one calls the other), it is the last to return. Throws as readKernels does.
LaunchEnds readLaunchEnds(const std::filesystem::path& file, RunIndex run, const KernelColumns& kernels,
                          const std::atomic<bool>* stop = nullptr);

}  // namespace fluxscope
