#include "profiler/capture/query.h"

#include "engine/contract/error.h"
#include "profiler/capture/detail/capture_file.h"

#include <SQLiteCpp/Database.h>
#include <sqlite3.h>

#include <memory>

namespace fluxscope {
namespace {

struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

SqlValue valueOf(sqlite3_stmt* statement, int column) {
    const auto bytes = [&](const void* data) {
        return std::string(static_cast<const char*>(data), static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
    };
    switch (sqlite3_column_type(statement, column)) {
        case SQLITE_INTEGER: return std::int64_t{sqlite3_column_int64(statement, column)};
        case SQLITE_FLOAT: return sqlite3_column_double(statement, column);
        case SQLITE_TEXT: return bytes(sqlite3_column_text(statement, column));
        case SQLITE_BLOB: return SqlBlob{sqlite3_column_bytes(statement, column) == 0 ? std::string{} : bytes(sqlite3_column_blob(statement, column))};
        default: return std::monostate{};
    }
}

}  // namespace

void queryCapture(const std::filesystem::path& file, const std::string& sql, const SqlVisitor& visit) {
    SQLite::Database database = openCapture(file);
    sqlite3* const handle = database.getHandle();
    const auto wrong = [&](const std::string& what) {
        return UsageError{"SQL", "", what, "resources/schema.sql says which tables and columns there are"};
    };
    // Another file could be written to, were it attached.
    sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
    const char* rest = sql.c_str();
    while (*rest != '\0') {
        sqlite3_stmt* prepared = nullptr;
        if (sqlite3_prepare_v2(handle, rest, -1, &prepared, &rest) != SQLITE_OK) throw wrong("is wrong (" + printable(sqlite3_errmsg(handle)) + ")");
        const std::unique_ptr<sqlite3_stmt, Finalize> statement(prepared);
        if (!statement) continue;  // a comment, or blank
        if (sqlite3_stmt_readonly(prepared) == 0) throw wrong("would write, and a capture is only read here");
        const int count = sqlite3_column_count(prepared);
        std::vector<std::string> names;
        for (int i = 0; i < count; ++i) names.emplace_back(sqlite3_column_name(prepared, i));
        if (count > 0) visit.columns(names);
        std::vector<SqlValue> row(static_cast<std::size_t>(count));
        int result = SQLITE_ROW;
        while ((result = sqlite3_step(prepared)) == SQLITE_ROW) {
            for (int i = 0; i < count; ++i) row[static_cast<std::size_t>(i)] = valueOf(prepared, i);
            if (!visit.row(row)) return;
        }
        if (result == SQLITE_DONE) continue;
        const SQLite::Exception e(handle, result);
        if (isBusy(e)) throw busyError(file);
        if (result == SQLITE_ERROR) throw wrong("cannot be carried out (" + printable(e.what()) + ")");
        throw readingError(file, e);
    }
}

}  // namespace fluxscope
