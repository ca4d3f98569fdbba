#include "profiler/store/overview_rows.h"

#include "engine/contract/error.h"
#include "profiler/store/detail/device_sums.h"
#include "profiler/store/detail/store_error.h"
#include "profiler/store/schema.h"
#include "profiler/store/writing_lock.h"

#include <SQLiteCpp/Database.h>

namespace fluxscope {
namespace {

// Begins, and is on a CPU.
std::pair<std::int64_t, bool> factsOf(SQLite::Database& database, std::int64_t run) {
    RawStatement row(database, "SELECT begin_ns, device = 'cpu' FROM run WHERE run = ?");
    row.start(run);
    std::pair<std::int64_t, bool> facts{0, false};
    while (row.next()) facts = {row.integer(0), row.integer(1) != 0};
    return facts;
}

bool sumUp(SQLite::Database& from, std::int64_t run, std::optional<int> finestLevel, OverviewWriter& into) {
    const auto [begin, isOnCpu] = factsOf(from, run);
    into.beginRun(run, begin, finestLevel.value_or(finestLevelOf(isOnCpu)));
    if (!sumUpOverview(from, run, isOnCpu, into)) {
        into.startOver();
        return false;
    }
    into.flush();
    return true;
}

// Of what there is to sum up; and those on a CPU whose process was lost before the last second of it had been written.
std::vector<std::int64_t> runsWithoutOverview(SQLite::Database& database, int version) {
    std::string runsWithScopes;
    for (const char* table : scopeTables(version))
        runsWithScopes +=
            std::string(runsWithScopes.empty() ? "" : " UNION ALL ") + "SELECT run FROM " + table;
    std::vector<std::int64_t> runs;
    RawStatement row(database,
                     ("SELECT run FROM run AS r WHERE over_budget = 0 AND (end_ns IS NOT NULL AND run NOT IN "
                      "(SELECT run FROM "
                      "lane) AND (run IN (SELECT run FROM kernel_block) OR device = 'cpu' AND run IN (" +
                      runsWithScopes +
                      ")) OR end_ns IS NULL AND device = 'cpu' AND (SELECT max(begin_ns + time_ns) FROM "
                      "layer_step AS l WHERE "
                      "l.run = r.run) - begin_ns > (SELECT coalesce(max(bucket + 1) << (18 + 2 * level), 0) "
                      "FROM overview JOIN "
                      "lane USING (lane) WHERE lane.run = r.run AND level = (SELECT min(level) FROM overview "
                      "JOIN lane USING "
                      "(lane) WHERE lane.run = r.run)))")
                         .c_str());
    for (row.start(); row.next();) runs.push_back(row.integer(0));
    return runs;
}

// Without the right to write: of most files nothing is to be changed. What cannot be read is told by whoever reads it next.
bool maySomeLackAnOverview(const std::filesystem::path& file) {
    try {
        SQLite::Database database(std::filesystem::absolute(file).string(), SQLite::OPEN_READONLY, 2000);
        distrust(database);
        const int version = requireCapture(database, file.string());
        return version < 2 || !runsWithoutOverview(database, version).empty();
    } catch (const std::exception&) {
        return false;
    }
}

}  // namespace

std::vector<OverviewRow> overviewIn(SQLite::Database& database, std::int64_t run) {
    std::vector<OverviewRow> rows;
    RawStatement row(database,
                     "SELECT level, kind, phase, layer, device, stream, bucket, busy_ns, events, op FROM "
                     "overview JOIN lane "
                     "USING (lane) WHERE run = ? ORDER BY 1, 2, 3, 4, 5, 6, 7");
    for (row.start(run); row.next();) {
        rows.push_back({.level = row.integer(0),
                        .kind = std::string(row.text(1)),
                        .phase = std::string(row.text(2)),
                        .layer = row.integer(3),
                        .device = row.integer(4),
                        .stream = row.integer(5),
                        .bucket = row.integer(6),
                        .busy_ns = row.integer(7),
                        .events = row.integer(8),
                        .op = std::string(row.text(9))});
    }
    return rows;
}

std::optional<std::vector<OverviewRow>> overviewByDefinition(SQLite::Database& database, std::int64_t run,
                                                             int finestLevel) {
    SQLite::Database memory(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    memory.exec(std::string(schemaSql()));
    memory.exec("BEGIN");
    {
        OverviewWriter again(memory);
        if (!sumUp(database, run, finestLevel, again)) return std::nullopt;
    }
    return overviewIn(memory, run);
}

void makeOverview(SQLite::Database& database, std::int64_t run) {
    OverviewWriter overview(database);
    overview.beginRun(run, 0, 0);
    overview.startOver();
    sumUp(database, run, {}, overview);
}

int buildOverviews(const std::filesystem::path& file, const std::function<void(std::int64_t)>& progress) {
    if (!maySomeLackAnOverview(file)) return 0;
    const auto lock = WritingLock::tryHold(file);
    if (!lock)
        throw InputError{file.string(), "", "is being written by another process", "wait until it has ended"};
    try {
        SQLite::Database database(std::filesystem::absolute(file).string(), SQLite::OPEN_READWRITE, 2000);
        distrust(database);
        if (const int version = requireCapture(database, file.string()); version < kSchemaVersion)
            migrate(database, version, migrations());
        offerScopes(database, kSchemaVersion);
        const std::vector<std::int64_t> runs = runsWithoutOverview(database, kSchemaVersion);
        for (const std::int64_t run : runs) {
            if (progress) progress(run);
            database.exec("BEGIN IMMEDIATE");
            makeOverview(database, run);
            database.exec("COMMIT");
        }
        // One file again, where a lost process had left a log beside it; a reader that has it open keeps it as it is.
        if (!runs.empty()) database.tryExec("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE");
        return static_cast<int>(runs.size());
    } catch (const SQLite::Exception& e) {
        throw storeError(file.string(), e);
    }
}

}  // namespace fluxscope
