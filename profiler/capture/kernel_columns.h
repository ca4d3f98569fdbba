// The kernels of a run, by column: what a time line and an analysis go through by the million. Reads the file, so not on a thread
// that draws.
//
// Rows have been checked: their place, name and launch exist, their numbers can be what they say. What was not so is left out and
// told in `problems`, and so is what a damaged file hides.
#pragma once

#include "engine/contract/observer.h"
#include "profiler/store/device_records.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fluxscope {

// 67 bytes a kernel, in the order in which they were recorded: that of each stream's time, nearly.
struct KernelColumns {
    std::vector<std::int64_t> row;
    std::vector<std::int64_t> begin_ns;
    std::vector<std::int64_t> duration_ns;  // -1: a bad time stamp
    std::vector<std::int64_t> correlation;
    std::vector<std::int64_t> graphNode;
    std::vector<std::int32_t> place;  // into places
    std::vector<std::int32_t> step;
    std::vector<std::int32_t> context;
    std::vector<std::int32_t> stream;
    std::vector<std::int32_t> name;    // into names
    std::vector<std::int32_t> launch;  // into launches
    std::vector<std::int16_t> device;
    std::vector<Attribution> attribution;

    std::vector<std::optional<ScopeKey>> places;  // without their step; absent: nobody's
    struct Name {
        std::string full;  // demangled
        std::string brief;
    };
    std::vector<Name> names;
    std::vector<LaunchShape> launches;

    std::vector<std::string> problems;

    std::size_t size() const { return row.size(); }
};

using TimeRange = std::pair<Nanoseconds, Nanoseconds>;

// Those that may lie in `range`: whole blocks of some thousand rows, so a few outside of it too. Throws InputError as readCapture
// does, and MachineError while the file stays locked. `stop`, once true, ends it early with what there is.
KernelColumns readKernels(const std::filesystem::path& file, RunIndex run, std::optional<TimeRange> range = std::nullopt,
                          const std::atomic<bool>* stop = nullptr);

}  // namespace fluxscope
