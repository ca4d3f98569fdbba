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

// Is `table` an ordinary table with ordinary columns? Empty, or what it is instead: "is a view". `schema`: of an attached file.
std::string planted(SQLite::Database& database, const std::string& table, const std::string& schema = "main");

// While another program holds the file: it is worth trying again.
bool isBusy(const SQLite::Exception& e);

MachineError busyError(const std::filesystem::path& file);

// A failure of SQLite while reading, as a sentence.
InputError readingError(const std::filesystem::path& file, const SQLite::Exception& e);

}  // namespace fluxscope
