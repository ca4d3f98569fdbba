// What was sampled while a run went on, by column: counters of the device (hw_pm) and its state (nvml). Reads the file, so not on a
// thread that draws.
#pragma once

#include "engine/contract/index.h"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace fluxscope {

// One metric of one device, by one source; by time.
struct SampledMetric {
    std::int32_t device = 0;
    std::string metric;  // "dram_read_bytes", "power_w"
    std::string source;  // "hw_pm", "nvml"
    std::vector<std::int64_t> begin_ns;
    std::vector<std::int64_t> end_ns;
    std::vector<double> value;

    std::size_t size() const { return begin_ns.size(); }
};

struct RunSamples {
    std::vector<SampledMetric> metrics;  // those without any sample too
    std::vector<std::string> problems;
};

// Throws as readKernels does. Nothing from a file of version 1. `stop`, once true, ends it early with what there is.
RunSamples readSamples(const std::filesystem::path& file, RunIndex run,
                       const std::atomic<bool>* stop = nullptr);

}  // namespace fluxscope
