// What a capture says about how it was recorded: collectors and what became of them, figures of quality, devices. Small tables.
//
// Rows have been checked, as those of kernels: what does not fit is left out and told in `problems`.
#pragma once

#include "profiler/capture/collector_info.h"
#include "profiler/store/device_records.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace SQLite {  // NOLINT(readability-identifier-naming): theirs
class Database;
}

namespace fluxscope {

struct FigureInfo {
    RunIndex run;
    std::string figure;
    double value = 0;
    std::string note;
};

struct DeviceInfo {
    ProcessIndex process;
    DeviceRecord device;
};

struct RunFactsRead {
    std::vector<CollectorInfo> collectors;
    std::vector<FigureInfo> figures;
    std::vector<DeviceInfo> devices;
    std::vector<std::string> problems;
};

// Throws InputError as readCapture does, and MachineError while the file stays locked. Nothing from a file of version 1.
RunFactsRead readRunFacts(const std::filesystem::path& file);

// The same from an open file, one table each.
void readCollectors(SQLite::Database& database, RunFactsRead& into);
void readFigures(SQLite::Database& database, RunFactsRead& into);

}  // namespace fluxscope
