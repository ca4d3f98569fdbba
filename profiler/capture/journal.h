// Is a capture one whole file at rest? What says so here is said by all that read one: a snapshot, `info`, `check`, `pack`.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace fluxscope {

// Each is empty, or a sentence without a full stop.

// The file is shorter than its first page says: what lay behind its end is lost, in whatever table it was. A file with a write-ahead
// log is not judged: its first page may be older than the rest.
std::string cutOff(const std::filesystem::path& file);

// The write-ahead log that belongs to it is not there: its recording was not finished, or a reader kept it from becoming one file. What
// is being written right now has one.
std::string missingLog(const std::filesystem::path& file);

// Part of it lies in a write-ahead log beside it, which must travel along.
std::string logBeside(const std::filesystem::path& file);

// What of it is lost: of the first two those that are so.
std::vector<std::string> lossesOf(const std::filesystem::path& file);

}  // namespace fluxscope
