#include "profiler/capture/detail/capture_file.h"

#include "profiler/capture/detail/row_reader.h"
#include "profiler/store/schema.h"

#include <sqlite3.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <system_error>

namespace fluxscope {
namespace fs = std::filesystem;
namespace {

constexpr int kBusyMs = 200;
constexpr int kInstructionsBetweenLooks = 20'000;

int isStopped(void* stop) { return static_cast<const std::atomic<bool>*>(stop)->load() ? 1 : 0; }

void requireFile(const fs::path& file) {
    std::error_code error;
    const fs::file_status status = fs::status(file, error);
    if (status.type() == fs::file_type::not_found) {
        throw InputError{file.string(), "", "does not exist", "give the path of a *.fluxdb file"};
    }
    if (!fs::is_regular_file(status))
        throw InputError{file.string(), "", "is not a file", "give the path of a *.fluxdb file"};
    if (fs::file_size(file, error) == 0) {
        throw InputError{file.string(), "", "is empty",
                         "record into it, or give the path of another capture"};
    }
}

}  // namespace

SQLite::Database openCapture(const fs::path& file, const std::atomic<bool>* stop) {
    requireFile(file);
    try {
        SQLite::Database database(fs::absolute(file).string(), SQLite::OPEN_READONLY | SQLite::OPEN_NOMUTEX,
                                  kBusyMs);
        sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
        distrust(database);
        if (stop != nullptr) {
            // SQLite's C interface wants a plain pointer; it is only read through.
            sqlite3_progress_handler(database.getHandle(), kInstructionsBetweenLooks, isStopped,
                                     const_cast<std::atomic<bool>*>(stop));
        }
        requireCapture(database, file.string());
        return database;
    } catch (const SQLite::Exception& e) {
        if (isBusy(e) || e.getErrorCode() == SQLITE_INTERRUPT) throw;
        throw readingError(file, e);
    }
}

std::string planted(SQLite::Database& database, const std::string& table) {
    RowReader schema(database,
                     "SELECT type, rootpage, name FROM sqlite_schema WHERE type IN ('table', 'view')");
    bool found = false;
    while (schema.next()) {
        if (sqlite3_stricmp(schema.string(2).c_str(), table.c_str()) != 0) continue;
        if (schema.text(0) == "view") return "is a view";
        if (schema.integer(1) == 0) return "is a virtual table";
        found = true;
    }
    if (!found) return "is missing";
    RowReader columns(database, ("PRAGMA table_xinfo(" + table + ")").c_str());
    while (columns.next()) {
        if (columns.integer(6) != 0) return "has a computed column";
    }
    return {};
}

std::string cutOff(const fs::path& file) {
    // SQLite's file format: page size at 16 (1 stands for 65,536), pages at 28, valid if the counters at 24 and 92 agree.
    std::array<unsigned char, 96> page{};
    std::ifstream in(file, std::ios::binary);
    if (!in.read(reinterpret_cast<char*>(page.data()), page.size())) return {};  // NOLINT: bytes of a file
    const auto number = [&page](std::size_t at, std::size_t bytes) {
        std::uint64_t value = 0;
        for (std::size_t i = at; i < at + bytes; ++i) value = value << 8 | page.at(i);
        return value;
    };
    std::error_code error;
    fs::path log = file;
    log += "-wal";
    if (number(24, 4) != number(92, 4) || (fs::exists(log, error) && fs::file_size(log, error) > 0))
        return {};
    const std::uint64_t pageBytes = number(16, 2) == 1 ? 65536 : number(16, 2);
    const std::uint64_t wanted = pageBytes * number(28, 4);
    const std::uint64_t there = fs::file_size(file, error);
    if (error || there >= wanted) return {};
    return "the file is cut off: " + std::to_string(there) + " of " + std::to_string(wanted) +
           " bytes are there";
}

bool isBusy(const SQLite::Exception& e) {
    return e.getErrorCode() == SQLITE_BUSY || e.getErrorCode() == SQLITE_LOCKED;
}

MachineError busyError(const fs::path& file) {
    return {file.string(), "", "is held by another program",
            "close what has it open, such as an SQLite shell in a transaction"};
}

InputError readingError(const fs::path& file, const SQLite::Exception& e) {
    switch (e.getErrorCode()) {
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_READONLY:
            return {file.string(), "", "cannot be opened for reading (" + printable(e.what()) + ")",
                    "look at its permissions, or copy it, and its -wal if there is one, to a folder you may "
                    "write to"};
        default:
            return {file.string(), "", "is damaged (" + printable(e.what()) + ")",
                    "copy it again from where it was recorded"};
    }
}

}  // namespace fluxscope
