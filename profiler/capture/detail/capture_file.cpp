#include "profiler/capture/detail/capture_file.h"

#include "profiler/capture/detail/row_reader.h"
#include "profiler/capture/journal.h"
#include "profiler/store/schema.h"

#include <sqlite3.h>

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
        offerScopes(database, requireCapture(database, file.string()));
        return database;
    } catch (const InputError&) {
        const std::string problem = cutOff(file);
        if (problem.empty()) throw;
        throw InputError{file.string(), "", problem, "copy it again from where it was recorded"};
    } catch (const SQLite::Exception& e) {
        if (isBusy(e) || e.getErrorCode() == SQLITE_INTERRUPT) throw;
        throw readingError(file, e);
    }
}

std::string planted(SQLite::Database& database, const std::string& table, const std::string& of) {
    RowReader schema(database, ("SELECT type, rootpage, name FROM " + of +
                                ".sqlite_schema WHERE type IN ('table', 'view')")
                                   .c_str());
    bool found = false;
    while (schema.next()) {
        if (sqlite3_stricmp(schema.string(2).c_str(), table.c_str()) != 0) continue;
        if (schema.text(0) == "view") return "is a view";
        if (schema.integer(1) == 0) return "is a virtual table";
        found = true;
    }
    if (!found) return "is missing";
    RowReader columns(database, ("PRAGMA " + of + ".table_xinfo(" + table + ")").c_str());
    while (columns.next()) {
        if (columns.integer(6) != 0) return "has a computed column";
    }
    return {};
}

bool isBusy(const SQLite::Exception& e) {
    return e.getErrorCode() == SQLITE_BUSY || e.getErrorCode() == SQLITE_LOCKED;
}

MachineError busyError(const fs::path& file) {
    return {file.string(), "", "is held by another program",
            "close what has it open, such as an SQLite shell in a transaction"};
}

InputError readingError(const fs::path& file, const SQLite::Exception& e) {
    if (e.getExtendedErrorCode() == SQLITE_READONLY_ROLLBACK) {
        return {file.string(), "",
                "was not finished: its writer was killed in the midst, and its -journal lies beside it",
                "record into it, or open it once with sqlite3: that takes it back to what it was before"};
    }
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
