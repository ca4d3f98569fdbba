#include "profiler/capture/info.h"

#include "engine/contract/error.h"
#include "profiler/capture/capture_feed.h"
#include "profiler/capture/detail/capture_file.h"
#include "profiler/capture/detail/row_reader.h"
#include "profiler/capture/journal.h"
#include "profiler/store/schema.h"
#include "profiler/store/writing_lock.h"

#include <SQLiteCpp/Exception.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <system_error>

namespace fluxscope {
namespace {

std::int64_t sizeOf(const std::filesystem::path& file) {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(file, error);
    return error ? 0 : static_cast<std::int64_t>(bytes);
}

template <class Read>
void part(CaptureInfo& info, const std::string& name, Read read) {
    try {
        read();
    } catch (const SQLite::Exception& e) {
        if (isBusy(e)) throw;
        info.problems.push_back("table " + name + " cannot be read to its end: " + printable(e.what()));
    }
}

// Pages by the table they belong to, an index's too. Not every SQLite counts them.
std::map<std::string, std::int64_t> bytesByTable(SQLite::Database& database) {
    std::map<std::string, std::int64_t> bytes;
    try {
        RowReader row(database,
                      "SELECT coalesce(s.tbl_name, d.name), sum(d.pgsize) FROM dbstat AS d LEFT JOIN "
                      "sqlite_schema AS s ON s.name = d.name GROUP BY 1");
        while (row.next()) bytes[row.string(0)] = row.integer(1);
    } catch (const SQLite::Exception&) {
        bytes.clear();
    }
    return bytes;
}

void readTables(CaptureInfo& info, SQLite::Database& database) {
    const std::map<std::string, std::int64_t> bytes = bytesByTable(database);
    SQLite::Database plan(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    plan.exec(std::string(schemaSql()));
    // `scope` is a table of older files.
    RowReader names(plan,
                    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' UNION "
                    "ALL SELECT 'scope'");
    while (names.next()) {
        TableInfo table{.name = names.string(0), .rows = 0, .bytes = {}};
        part(info, table.name, [&] {
            if (!planted(database, table.name).empty()) return;
            table.rows = database.execAndGet("SELECT count(*) FROM " + table.name).getInt64();
            if (const auto size = bytes.find(table.name); size != bytes.end()) table.bytes = size->second;
            info.tables.push_back(table);
        });
    }
    std::ranges::stable_sort(info.tables, std::greater{},
                             [](const TableInfo& t) { return t.bytes.value_or(t.rows); });
}

}  // namespace

CaptureInfo captureInfo(const std::filesystem::path& file) {
    CaptureInfo info{.file = file, .snapshot = readCapture(file)};
    info.problems = info.snapshot->problems;
    if (std::string problem = logBeside(file); !problem.empty()) info.problems.push_back(std::move(problem));
    info.bytes = sizeOf(file);
    info.logBytes = sizeOf(file.string() + "-wal");
    info.live = isBeingWritten(file);
    try {
        SQLite::Database database = openCapture(file);
        info.version = requireCapture(database, file.string());
        readTables(info, database);
        if (info.version >= 2) {
            RunFactsRead facts;
            readCollectors(database, facts);
            readFigures(database, facts);
            info.collectors = std::move(facts.collectors);
            info.figures = std::move(facts.figures);
            std::ranges::move(facts.problems, std::back_inserter(info.problems));
        }
    } catch (const SQLite::Exception& e) {
        if (isBusy(e)) throw busyError(file);
        throw readingError(file, e);
    }
    return info;
}

}  // namespace fluxscope
