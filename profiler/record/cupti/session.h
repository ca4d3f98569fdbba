// CUPTI in this process (docs/collectors.md). Nothing here needs NVIDIA's headers, and a build without them has the same
// functions, which then say so.
//
// Everything is opened at run time, and only where a driver finds a device. What cannot be had is a Shortfall, never an error:
// a run goes on with what is left.
#pragma once

#include "profiler/record/device_tracer.h"
#include "profiler/store/records.h"

#include <filesystem>
#include <memory>
#include <variant>
#include <vector>

namespace fluxscope {

struct CuptiOptions {
    std::filesystem::path library = "libcupti.so.13";  // where the process has not mapped one already
    std::filesystem::path dump;                        // keeps each run's buffers there, for tests
};

struct CuptiSession {
    std::unique_ptr<DeviceTracer> tracer;      // null: see the shortfalls
    std::vector<Shortfall> shortfalls;         // what is missing, or works less well than it might
    std::vector<EnvironmentFact> environment;  // of the library, whether or not it lets itself be used
};

// Attaches to this process. Once, before a device is used and before any graph is captured; keep it until the process ends.
CuptiSession attachCupti(const CuptiOptions& options = {});

// One sentence about the libcupti that would be used, or why there is none.
std::variant<std::string, Shortfall> describeCupti(const CuptiOptions& options = {});

}  // namespace fluxscope
