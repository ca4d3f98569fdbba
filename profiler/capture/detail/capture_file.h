// Opens a capture of unknown origin: read-only, without views, triggers or generated columns, and only if it is one of ours.
#pragma once

#include "engine/contract/error.h"

#include <SQLiteCpp/Database.h>

#include <atomic>
#include <filesystem>
#include <string>

namespace fluxscope {

// Throws InputError when the file is missing, empty, no capture, or a newer one; MachineError when it stays locked or the
// machine cannot read it. `stop`, when it turns true, ends any query with an exception; it must outlive the database.
SQLite::Database openCapture(const std::filesystem::path& file, const std::atomic<bool>* stop = nullptr);

// Is `table` an ordinary table with ordinary columns? Empty, or what it is instead: "is a view".
std::string planted(SQLite::Database& database, const std::string& table);

// Empty, or that the file is shorter than its first page says: what lay behind its end is lost, in whatever table it was. A
// file with a write-ahead log is not judged: its first page may be older than the rest.
std::string cutOff(const std::filesystem::path& file);

// While another program holds the file: it is worth trying again.
bool isBusy(const SQLite::Exception& e);

MachineError busyError(const std::filesystem::path& file);

// A failure of SQLite while reading, as a sentence.
InputError readingError(const std::filesystem::path& file, const SQLite::Exception& e);

}  // namespace fluxscope
