#include "profiler/exchange/detail/rows.h"

#include "engine/contract/cancel.h"
#include "engine/contract/error.h"
#include "profiler/store/schema.h"

#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>

#include <system_error>

namespace fluxscope {
namespace fs = std::filesystem;
namespace {

constexpr int kBusyMs = 2000;
constexpr int kInstructionsBetweenLooks = 20'000;
constexpr const char* kCacheOf32MiB = "PRAGMA cache_size = -32768";

int isCancelled(void* cancel) { return static_cast<const CancelToken*>(cancel)->cancelled() ? 1 : 0; }

}  // namespace

void stopWhenCancelled(SQLite::Database& database, const CancelToken* cancel) {
    if (cancel == nullptr) return;
    // SQLite's C interface wants a plain pointer; it is only read through.
    sqlite3_progress_handler(database.getHandle(), kInstructionsBetweenLooks, isCancelled,
                             const_cast<CancelToken*>(cancel));
}

SQLite::Database openUntrusted(const fs::path& file, const CancelToken* cancel) {
    std::error_code unknown;
    if (!fs::is_regular_file(file, unknown))
        throw InputError{file.string(), "", "does not exist, or is not a file", "check the path"};
    return guarded(file, cancel, [&] {
        SQLite::Database database(fs::absolute(file).string(), SQLite::OPEN_READONLY | SQLite::OPEN_NOMUTEX,
                                  kBusyMs);
        sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
        distrust(database);
        database.exec(kCacheOf32MiB);
        stopWhenCancelled(database, cancel);
        database.execAndGet("SELECT count(*) FROM sqlite_schema");  // what is no database says so here
        return database;
    });
}

std::set<std::string> columnsOf(SQLite::Database& database, const std::string& table) {
    bool ordinary = false;
    Rows schema(database, "SELECT type, rootpage, name FROM sqlite_schema WHERE type IN ('table', 'view')");
    while (schema.next()) {
        if (schema.text(2) == table) ordinary = schema.text(0) == "table" && schema.integer(1) != 0;
    }
    std::set<std::string> columns;
    if (!ordinary && table == "scope") {
        // What offerScopes puts together.
        if (!columnsOf(database, "scope_step").empty()) columns = columnsOf(database, "scope_row");
        return columns;
    }
    if (!ordinary) return columns;
    Rows info(database, "PRAGMA table_xinfo(\"" + table + "\")");
    while (info.next()) {
        if (info.integer(6) == 0) columns.insert(info.string(1));  // computed ones are not believed
    }
    return columns;
}

Rows::Rows(SQLite::Database& database, const std::string& sql, std::initializer_list<std::int64_t> parameters)
    : database_(database) {
    sqlite3_stmt* statement = nullptr;
    const int result = sqlite3_prepare_v2(database.getHandle(), sql.c_str(), -1, &statement, nullptr);
    statement_.reset(statement);
    if (result != SQLITE_OK) throw SQLite::Exception(database.getHandle(), result);
    int at = 0;
    for (const std::int64_t parameter : parameters) sqlite3_bind_int64(statement, ++at, parameter);
}

void Rows::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

bool Rows::next() {
    bad_ = false;
    const int result = sqlite3_step(statement_.get());
    if (result == SQLITE_ROW) return true;
    if (result == SQLITE_DONE) return false;
    throw SQLite::Exception(database_.getHandle(), result);
}

bool Rows::isNull(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }

bool Rows::isInteger(int column) const {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_INTEGER;
}

bool Rows::isNumber(int column) const {
    return isInteger(column) || sqlite3_column_type(statement_.get(), column) == SQLITE_FLOAT;
}

int Rows::columns() const { return sqlite3_column_count(statement_.get()); }

std::string_view Rows::name(int column) const { return sqlite3_column_name(statement_.get(), column); }

std::int64_t Rows::integer(int column, std::int64_t least, std::int64_t most) {
    if (isInteger(column)) {
        const std::int64_t value = sqlite3_column_int64(statement_.get(), column);
        if (value >= least && value <= most) return value;
    }
    bad_ = true;
    return least > 0 ? least : most < 0 ? most : 0;
}

double Rows::real(int column) const { return sqlite3_column_double(statement_.get(), column); }

std::string_view Rows::text(int column) const {
    const void* bytes = sqlite3_column_blob(statement_.get(), column);
    const int size = sqlite3_column_bytes(statement_.get(), column);
    return bytes == nullptr
               ? std::string_view{}
               : std::string_view(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

void rethrowAbout(const fs::path& file, const CancelToken* cancel) {
    try {
        throw;
    } catch (const SQLite::Exception& e) {
        switch (e.getErrorCode()) {
            case SQLITE_INTERRUPT:
                if (cancel != nullptr && cancel->cancelled()) throw CancelledError{file.string()};
                [[fallthrough]];
            case SQLITE_BUSY:
            case SQLITE_LOCKED:
                throw MachineError{file.string(), "", "is held by another program",
                                   "close what has it open, such as an SQLite shell in a transaction"};
            case SQLITE_FULL:
                throw MachineError{file.string(), "",
                                   "cannot be sorted: the disk for temporary files is full",
                                   "set TMPDIR to a folder with more room"};
            case SQLITE_CANTOPEN:
            case SQLITE_PERM:
            case SQLITE_READONLY:
                throw InputError{file.string(), "",
                                 "cannot be opened for reading (" + printable(e.what()) + ")",
                                 "look at its permissions"};
            case SQLITE_NOTADB:
                throw InputError{file.string(), "", "is not an SQLite file", "check the path"};
            default:
                throw InputError{file.string(), "", "is damaged (" + printable(e.what()) + ")",
                                 "copy it again from where it was recorded"};
        }
    }
}

}  // namespace fluxscope
