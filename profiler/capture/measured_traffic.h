// Bytes that were measured while the work of scopes ran, and which scopes those were. Reads the file, so not on a thread that draws.
#pragma once

#include "engine/contract/observer.h"
#include "profiler/store/device_records.h"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace fluxscope {

struct MeasuredTraffic {
    ScopeKey scope;
    std::int32_t metric = 0;  // into RunTraffic::metrics
    double value = 0;
    bool sampled = false;  // false: by range counters (hw_range); true: samples joined by time (hw_pm)
    std::int32_t pass = 0;
    Confidence confidence = Confidence::High;
    std::int64_t samples = 0;
};

struct RunTraffic {
    std::vector<std::string> metrics;   // "dram_read_bytes", "dram_write_bytes", "l2_bytes", ...
    std::vector<MeasuredTraffic> rows;  // in the order of recording
    std::vector<std::string> problems;
};

// Throws as readKernels does. Nothing from a file of version 1. `stop`, once true, ends it early with what there is.
RunTraffic readTraffic(const std::filesystem::path& file, RunIndex run,
                       const std::atomic<bool>* stop = nullptr);

}  // namespace fluxscope
