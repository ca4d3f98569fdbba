#include "profiler/capture/check.h"

#include "engine/contract/error.h"
#include "profiler/capture/detail/capture_file.h"
#include "profiler/capture/detail/check_rules.h"
#include "profiler/capture/detail/row_reader.h"
#include "profiler/capture/journal.h"
#include "profiler/store/overview.h"
#include "profiler/store/overview_rows.h"
#include "profiler/store/schema.h"

#include <SQLiteCpp/Exception.h>
#include <spdlog/fmt/fmt.h>
#include <sqlite3.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <span>
#include <utility>

namespace fluxscope {
namespace {

std::string textOf(const OverviewRow& r) {
    std::string text = "level " + std::to_string(r.level) + " " + r.kind + " " + r.phase;
    for (const std::int64_t number : {r.layer, r.device, r.stream}) text += " " + std::to_string(number);
    return text + " bucket " + std::to_string(r.bucket) + ": " + std::to_string(r.busy_ns) + " ns, " +
           std::to_string(r.events) + " events, '" + r.op + "'";
}

std::vector<OverviewRow> difference(std::span<const OverviewRow> kept, std::span<const OverviewRow> meant) {
    std::vector<OverviewRow> rows;
    std::ranges::set_symmetric_difference(kept, meant, std::back_inserter(rows));
    return rows;
}

class Check {
public:
    Check(const std::filesystem::path& file, SQLite::Database& database, const CheckProgress& progress)
        : file_(file),
          database_(database),
          plan_(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE),
          version_(requireCapture(database, file.string())),
          progress_(progress) {
        plan_.exec(std::string(schemaSql()));
    }

    std::vector<Violation> run() {
        journal();
        integrity();
        tables();
        foreignKeys();
        for (const CheckRule& rule : checkRules()) apply(rule.table, rule.says, rule.sql, rule.since);
        if (version_ >= 2) overviews();
        return std::move(violations_);
    }

private:
    void say(const std::string& what) const {
        if (progress_) progress_(what);
    }

    // A part that cannot be read is a violation of its table, and the others go on.
    template <class Work>
    void part(const std::string& table, Work work) {
        try {
            work();
        } catch (const SQLite::Exception& e) {
            if (isBusy(e)) throw;
            violations_.push_back({table, "can be read", 1, printable(e.what())});
        }
    }

    void journal() {
        std::vector<std::string> problems = lossesOf(file_);
        problems.push_back(logBeside(file_));
        for (const std::string& problem : problems) {
            if (!problem.empty()) violations_.push_back({"file", "is whole and at rest", 1, problem});
        }
    }

    // SQLite's own: pages, indices, types, NOT NULL, CHECK, UNIQUE.
    void integrity() {
        say("integrity");
        part("file", [this] {
            std::int64_t count = 0;
            std::string first;
            RowReader row(database_, "PRAGMA integrity_check(1000)");
            while (row.next()) {
                if (row.text(0) == "ok") return;
                if (count++ == 0) first = printable(row.string(0));
            }
            violations_.push_back({"file", "passes SQLite's integrity check", count, first});
        });
    }

    void tables() {
        bool haveAllScopes = true;
        for (const char* table : scopeTables(version_)) {
            requireTable(table);
            haveAllScopes = haveAllScopes && whole_.contains(table);
        }
        if (haveAllScopes) whole_.insert("scope");
        RowReader planned(plan_,
                          "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
        while (planned.next()) {
            const std::string table = planned.string(0);
            if (version_ < 2 && !isOfVersion1(table)) continue;
            if (version_ < 3 && isSinceVersion3(table)) continue;
            if (table.starts_with("scope_")) continue;
            requireTable(table);
        }
    }

    void requireTable(const std::string& table) {
        part("file", [&] {
            const std::string instead = planted(database_, table);
            if (instead.empty()) {
                whole_.insert(table);
            } else {
                violations_.push_back({table, "is an ordinary table", 1, "it " + instead});
            }
        });
        if (version_ < kSchemaVersion || !whole_.contains(table)) return;
        const std::string columns =
            "SELECT group_concat(name || ' ' || type || ' ' || \"notnull\" || ' ' || pk, ', ') FROM "
            "(SELECT * FROM "
            "pragma_table_xinfo('" +
            table + "') ORDER BY name)";
        part("file", [&] {
            const std::string has = database_.execAndGet(columns).getString();
            if (has == plan_.execAndGet(columns).getString()) return;
            whole_.erase(table);
            violations_.push_back(
                {table, "has the columns of its version", 1, "it has: " + printable(has, 200)});
        });
    }

    static bool isOfVersion1(const std::string& table) {
        static const std::set<std::string> kTables{"process", "environment", "model",     "run",
                                                   "prompt",  "sequence",    "token",     "decision",
                                                   "kv",      "scope",       "layer_step"};
        return kTables.contains(table);
    }

    static bool isSinceVersion3(const std::string& table) {
        return table == "evaluation" || table.starts_with("training");
    }

    void foreignKeys() {
        RowReader planned(plan_,
                          "SELECT m.name, f.\"table\", f.\"from\" FROM sqlite_schema AS m, "
                          "pragma_foreign_key_list(m.name) AS f "
                          "WHERE m.type = 'table' ORDER BY 1, 3");
        while (planned.next()) {
            const std::string table = planned.string(0), parent = planned.string(1),
                              column = planned.string(2);
            // The parent's key has the parent's name, but for tokens.
            const std::string key = parent == "token" ? "row" : parent;
            const std::string orphans = fmt::format(
                "SELECT '{0} ' || {0} FROM {1} WHERE {0} IS NOT NULL AND {0} NOT IN (SELECT {2} FROM {3})",
                column, table, key, parent);
            apply(table, fmt::format("{} refers to a row of {}", column, parent), orphans, 1);
        }
    }

    void apply(const std::string& table, const std::string& says, const std::string& sql, int since) {
        if (since > version_ || !whole_.contains(table)) return;
        say(table + ": " + says);
        part(table, [&] {
            std::int64_t count = 0;
            std::string first;
            RowReader row(database_, sql.c_str());
            while (row.next()) {
                if (count++ == 0) first = printable(row.string(0));
            }
            if (count > 0) violations_.push_back({table, says, count, first});
        });
    }

    // Added up again by the same sums, from the intervals in the file. Where rows were left out they cannot be.
    void overviews() {
        for (const char* table : {"overview", "lane", "kernel", "kernel_block", "place", "scope", "run"}) {
            if (!whole_.contains(table)) return;
        }
        part("overview", [this] {
            RowReader run(database_,
                          "SELECT run, device = 'cpu' FROM run WHERE over_budget = 0 AND dropped = 0 AND NOT "
                          "(device = 'cpu' AND end_ns IS NULL) AND NOT EXISTS (SELECT "
                          "1 FROM quality AS "
                          "q WHERE q.run = run.run AND figure = 'not_summed_up_again')");
            while (run.next()) overviewOf(run.integer(0), run.integer(1) != 0);
        });
    }

    void overviewOf(std::int64_t run, bool isOnCpu) {
        say("overview of run " + std::to_string(run));
        const std::vector<OverviewRow> kept = overviewIn(database_, run);
        if (kept.empty())
            return;  // it has not been made: an import, or a file from before there were overviews
        const bool beginsFurtherUp = isOnCpu && kept.front().level >= kFinestLevelOnCpu;
        const auto meant = overviewByDefinition(database_, run, beginsFurtherUp ? kFinestLevelOnCpu : 0);
        if (!meant)
            return say("overview of run " + std::to_string(run) +
                       ": not looked at, for its intervals are too long to be summed up again");
        std::vector<OverviewRow> wrong = difference(kept, *meant);
        if (isOnCpu && !beginsFurtherUp && !wrong.empty()) {
            // One bucket too many may have made it look as if it began at the bottom: the smaller damage tells.
            const auto first = std::ranges::lower_bound(*meant, kFinestLevelOnCpu, {}, &OverviewRow::level);
            if (auto other = difference(kept, {first, meant->end()}); other.size() < wrong.size())
                wrong = std::move(other);
        }
        if (wrong.empty()) return;
        const bool isKept = std::ranges::binary_search(kept, wrong.front());
        violations_.push_back({"overview", "is what its definition says",
                               static_cast<std::int64_t>(wrong.size()),
                               "run " + std::to_string(run) + ", " + printable(textOf(wrong.front()), 200) +
                                   (isKept ? " should not be there" : " is missing")});
    }

    std::filesystem::path file_;
    SQLite::Database& database_;
    SQLite::Database plan_;  // the schema as it should be
    int version_;
    const CheckProgress& progress_;
    std::set<std::string> whole_;  // tables that are what they should be
    std::vector<Violation> violations_;
};

}  // namespace

std::string sentenceOf(const Violation& v) {
    return v.table + ": '" + v.rule + "' does not hold for " + std::to_string(v.count) +
           (v.count == 1 ? " row: " : " rows, the first: ") + v.example;
}

std::vector<Violation> checkCapture(const std::filesystem::path& file, const CheckProgress& progress) {
    try {
        SQLite::Database database = openCapture(file);
        database.exec("BEGIN");  // all of it as of one moment
        return Check(file, database, progress).run();
    } catch (const SQLite::Exception& e) {
        if (isBusy(e)) throw busyError(file);
        throw readingError(file, e);
    }
}

}  // namespace fluxscope
