// What is in a capture, at a glance.
#pragma once

#include "profiler/capture/run_facts.h"
#include "profiler/capture/snapshot.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fluxscope {

struct TableInfo {
    std::string name;
    std::int64_t rows = 0;
    std::optional<std::int64_t> bytes;  // with its indices; absent: this SQLite does not count pages
};

struct CaptureInfo {
    std::filesystem::path file;
    int version = 0;
    std::int64_t bytes = 0;     // of the file
    std::int64_t logBytes = 0;  // of its write-ahead log
    bool live = false;
    SnapshotPtr snapshot;  // runs, models, prompts, processes
    std::vector<TableInfo> tables;
    std::vector<CollectorInfo> collectors;
    std::vector<FigureInfo> figures;
    std::vector<std::string> problems;
};

// Throws as readCapture does. What cannot be read is in `problems`.
CaptureInfo captureInfo(const std::filesystem::path& file);

}  // namespace fluxscope
