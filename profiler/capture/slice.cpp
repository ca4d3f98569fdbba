#include "profiler/capture/slice.h"

#include "engine/contract/error.h"
#include "profiler/capture/detail/new_capture.h"
#include "profiler/store/overview_rows.h"
#include "profiler/store/schema.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace fluxscope {
namespace {

namespace fs = std::filesystem;

// Is an integer in one of these ranges? A condition in SQL; true where nothing was said.
std::string isIn(const std::vector<SliceRange>& ranges, const std::string& number) {
    if (ranges.empty()) return "true";
    std::string any;
    for (const SliceRange& range : ranges) {
        any += fmt::format("{}({} >= {} AND {} < {})", any.empty() ? "" : " OR ", number, range.begin, number,
                           range.end);
    }
    return "(" + any + ")";
}

std::string textOf(const SliceChoice& choice, const std::string& file) {
    std::string text;
    const auto add = [&text](const char* what, const auto& list, auto one) {
        if (list.empty()) return;
        text += (text.empty() ? "" : "; ") + std::string(what);
        const char* between = " ";
        for (const auto& item : list) {
            text += between + one(item);
            between = ",";
        }
    };
    add("runs", choice.runs, [](std::int64_t run) { return std::to_string(run); });
    add("steps", choice.steps,
        [](const SliceRange& r) { return std::to_string(r.begin) + ":" + std::to_string(r.end); });
    add("seconds", choice.times_ns, [](const SliceRange& r) {
        return fmt::format("{:g}:{:g}", static_cast<double>(r.begin) / 1e9, static_cast<double>(r.end) / 1e9);
    });
    return (text.empty() ? "all" : text) + " of " + file;
}

// Tables of a run whose rows stay whatever is cut: what was decided, kept and said.
constexpr const char* kWhole[] = {"sequence", "token", "turn", "fidelity", "decision", "kv", "evaluation"};
// Trainings are no part of any run: they stay whole too.
constexpr const char* kTrainings[] = {"training",           "training_task",       "training_step",
                                      "training_task_step", "training_layer_step", "training_warning"};
constexpr const char* kPlaced[] = {"kernel", "memcpy", "memset", "api"};
constexpr const char* kTimed[] = {"sync", "overhead"};

class Slice {
public:
    Slice(const fs::path& from, const SliceChoice& choice, NewCapture& into)
        : from_(from),
          choice_(choice),
          into_(into),
          isPart_(!choice.steps.empty() || !choice.times_ns.empty()) {}

    void make() {
        chooseRuns();
        if (isPart_) chooseLayersOfSteps();
        copyRuns();
        copyBigTables();
        copyWhatTheyReferTo();
        if (isPart_) setFiguresRight();
        nameIt();
        into_.detach();
        if (isPart_) makeOverviews();
    }

private:
    void chooseRuns() {
        std::string wanted = "true";
        if (!choice_.runs.empty()) wanted = fmt::format("run IN ({})", fmt::join(choice_.runs, ", "));
        // `exact`: its kernels in the file are all there were.
        into_.exec(
            "CREATE TEMP TABLE chosen (run INTEGER PRIMARY KEY, process INTEGER, model INTEGER, begin_ns "
            "INTEGER, exact INTEGER);"
            "INSERT INTO temp.chosen SELECT run, process, model, begin_ns, over_budget = 0 FROM source.run "
            "WHERE " +
            wanted);
        for (const std::int64_t run : choice_.runs) {
            if (into_.number(fmt::format("SELECT count(*) FROM temp.chosen WHERE run = {}", run)) == 0)
                throw UsageError{"capture slice", "",
                                 fmt::format("finds no run {} in {}", run, from_.string()),
                                 "see its runs with fluxscope-cli capture info"};
        }
    }

    // Columns have types, for an index of one without is no help in finding a number.
    // unit: the layers of steps there are, and whether they were chosen. placed: the same, as rows refer to them. span: where on the clock
    // the chosen ones are, for what is nobody's.
    void chooseLayersOfSteps() {
        into_.say("layer_step");
        const std::string isChosen =
            isIn(choice_.steps, "step") + " AND " + isIn(choice_.times_ns, "(l.begin_ns - c.begin_ns)");
        into_.exec(
            "CREATE TEMP TABLE unit (run INTEGER, batch INTEGER, turn INTEGER, phase TEXT, layer INTEGER, "
            "step INTEGER, "
            "begin_ns INTEGER, kept INTEGER, PRIMARY KEY (run, batch, turn, phase, layer, step)) WITHOUT "
            "ROWID;"
            "INSERT OR IGNORE INTO temp.unit SELECT l.run, batch, turn, phase, layer, step, l.begin_ns, " +
            isChosen + " FROM source.layer_step AS l CROSS JOIN temp.chosen AS c ON c.run = l.run");
        requireSomething();
        into_.exec(
            "CREATE TEMP TABLE placed (place INTEGER, step INTEGER, kept INTEGER, PRIMARY KEY (place, step)) "
            "WITHOUT ROWID;"
            "INSERT OR IGNORE INTO temp.placed SELECT p.place, u.step, u.kept FROM source.place AS p CROSS "
            "JOIN "
            "temp.unit AS u ON (u.run, u.batch, u.turn, u.phase, u.layer) = (p.run, p.batch, p.turn, "
            "p.phase, "
            "p.layer)");
        chooseSpans();
    }

    void requireSomething() {
        if (into_.number("SELECT count(*) FROM temp.unit WHERE kept") > 0) return;
        const std::string has = into_.text(
            "SELECT 'its steps are ' || min(u.step) || ' to ' || max(u.step) || ' and begin up to ' || "
            "round(max(u.begin_ns - c.begin_ns) / 1e9, 3) || ' s after their run' FROM temp.unit AS u JOIN "
            "temp.chosen AS c USING (run)");
        throw UsageError{"capture slice", "", "leaves nothing of " + from_.string(),
                         has.empty() ? "choose runs that have steps" : has};
    }

    // A range of steps ends where the next step begins.
    void chooseSpans() {
        into_.exec("CREATE TEMP TABLE span (run INTEGER, begin_ns INTEGER, end_ns INTEGER)");
        if (choice_.steps.empty()) {
            for (const SliceRange& range : choice_.times_ns)
                into_.exec(fmt::format(
                    "INSERT INTO temp.span SELECT run, begin_ns + {}, begin_ns + {} FROM temp.chosen",
                    range.begin, range.end));
            return;
        }
        for (const SliceRange& range : choice_.steps)
            into_.exec(
                fmt::format("INSERT INTO temp.span SELECT run, first, coalesce((SELECT min(begin_ns) FROM "
                            "temp.unit AS u WHERE "
                            "u.run = g.run AND u.begin_ns > g.last AND NOT kept), {}) FROM (SELECT run, "
                            "min(begin_ns) AS first, "
                            "max(begin_ns) AS last FROM temp.unit WHERE kept AND step >= {} AND step < {} "
                            "GROUP BY run, batch, "
                            "turn) AS g",
                            INT64_MAX, range.begin, range.end));
    }

    static std::string inASpan(const std::string& run) {
        return "EXISTS (SELECT 1 FROM temp.span AS s WHERE s.run = " + run +
               " AND t.begin_ns >= s.begin_ns AND t.begin_ns < s.end_ns)";
    }

    // Of rows whose layer and step has no row in layer_step.
    std::string isInByItself() const {
        return isIn(choice_.steps, "t.step") + " AND " + isIn(choice_.times_ns, "(t.begin_ns - c.begin_ns)");
    }

    void copyRuns() {
        const std::string ofProcess =
            "t.process IN (SELECT process FROM temp.chosen UNION SELECT process FROM source.training)";
        const std::string ofRun = "t.run IN (SELECT run FROM temp.chosen)";
        for (const char* table : {"process", "environment", "device"})
            into_.copy({.table = table, .where = ofProcess});
        into_.copy({.table = "collector", .where = ofProcess + " AND (t.run = -1 OR " + ofRun + ")"});
        into_.copy({.table = "model", .where = "t.model IN (SELECT model FROM temp.chosen)"});
        for (const char* table : {"run", "quality", "metric"}) into_.copy({.table = table, .where = ofRun});
        for (const char* table : kWhole) into_.copy({.table = table, .where = ofRun});
        for (const char* table : kTrainings) into_.copy({.table = table});
        into_.copy({.table = "prompt", .where = "t.prompt IN (SELECT prompt FROM main.sequence)"});
        into_.copy({.table = "token_choice", .where = "t.row IN (SELECT row FROM main.token)"});
    }

    void copyBigTables() {
        const std::string ofRun = "CROSS JOIN temp.chosen AS c ON c.run = t.run";
        const std::string ofPlace =
            "CROSS JOIN source.place AS p ON p.place = t.place CROSS JOIN temp.chosen AS c ON c.run = p.run";
        const std::string ofMetric =
            "CROSS JOIN source.metric AS m ON m.metric = t.metric CROSS JOIN temp.chosen AS c ON c.run = "
            "m.run";
        const std::string ofUnit =
            " LEFT JOIN temp.unit AS u ON (u.run, u.batch, u.turn, u.phase, u.layer, u.step) = (t.run, "
            "t.batch, "
            "t.turn, t.phase, t.layer, t.step)";
        const std::string ofPlacedUnit =
            " LEFT JOIN temp.placed AS q ON (q.place, q.step) = (t.place, t.step)";
        if (!isPart_) {
            for (const char* table :
                 {"scope_row", "scope_step", "layer_step", "sync", "overhead", "graph_node"})
                into_.copy({.table = table, .joined = ofRun});
            for (const char* table : kPlaced) into_.copy({.table = table, .joined = ofPlace});
            into_.copy({.table = "traffic", .joined = ofPlace});
            into_.copy({.table = "sample", .joined = ofMetric});
            return;
        }
        // Of a step a part may stay: one in a row.
        into_.say("scope_row");
        into_.exec("INSERT INTO main.scope_row SELECT t.* FROM (" + scopesOf("source") + ") AS t " + ofRun +
                   ofUnit + " WHERE coalesce(u.kept, " + isInByItself() + ") ORDER BY t.scope");
        into_.copy({.table = "layer_step", .joined = ofRun + ofUnit, .where = "u.kept"});
        for (const char* table : kPlaced)
            into_.copy({.table = table,
                        .joined = ofPlace + ofPlacedUnit,
                        .where = "coalesce(q.kept, iif(p.phase = '', " + inASpan("p.run") + ", " +
                                 isInByItself() + "))"});
        into_.copy({.table = "traffic",
                    .joined = ofPlace + ofPlacedUnit,
                    .where = "coalesce(q.kept, " +
                             (choice_.times_ns.empty() ? isIn(choice_.steps, "t.step") : "false") + ")"});
        for (const char* table : kTimed)
            into_.copy({.table = table, .joined = ofRun, .where = inASpan("t.run")});
        into_.copy({.table = "sample", .joined = ofMetric, .where = inASpan("m.run")});
        into_.copy(
            {.table = "graph_node",
             .joined = ofRun,
             .where =
                 "t.node IN (SELECT graph_node FROM main.kernel UNION SELECT graph_node FROM main.memcpy "
                 "UNION SELECT graph_node FROM main.memset)"});
    }

    // Of places, names, launches, blocks and the overview what is still referred to.
    void copyWhatTheyReferTo() {
        std::string places = "SELECT place FROM main.graph_node UNION SELECT place FROM main.traffic";
        std::string names = "SELECT name FROM main.kernel UNION SELECT name FROM main.api";
        for (const char* table : kPlaced) {
            places += fmt::format(" UNION SELECT place FROM main.{}", table);
            names += fmt::format(" UNION SELECT attribution FROM main.{}", table);
        }
        for (const char* table : {"memcpy", "sync", "overhead"})
            names += fmt::format(" UNION SELECT kind FROM main.{}", table);
        into_.copy({.table = "place", .where = "t.place IN (" + places + ")"});
        into_.copy({.table = "launch", .where = "t.launch IN (SELECT launch FROM main.kernel)"});
        into_.copy(
            {.table = "name",
             .where =
                 "t.name IN (WITH RECURSIVE used(name) AS (" + names +
                 " UNION SELECT iif(which = 1, demangled, short) FROM used JOIN source.name AS n ON n.name "
                 "= used.name, (SELECT 1 AS which UNION SELECT 2)) SELECT name FROM used)"});
        into_.say("kernel_block");
        into_.exec(
            "INSERT INTO main.kernel_block SELECT block, run, min(kernel), max(kernel), min(iif(duration_ns "
            ">= 0, "
            "k.begin_ns, NULL)), max(iif(duration_ns >= 0, k.begin_ns + duration_ns, NULL)) FROM "
            "source.kernel_block "
            "AS b CROSS JOIN main.kernel AS k ON kernel BETWEEN first_kernel AND last_kernel WHERE run IN "
            "(SELECT run "
            "FROM temp.chosen) GROUP BY block ORDER BY block");
        // That of a part is made afresh, but where kernels are missing that it counts.
        const std::string which = isPart_ ? " WHERE NOT exact" : "";
        into_.copy({.table = "lane", .where = "t.run IN (SELECT run FROM temp.chosen" + which + ")"});
        into_.copy({.table = "overview", .where = "t.lane IN (SELECT lane FROM main.lane)"});
    }

    // The writer's own, which count what the file has.
    void setFiguresRight() {
        into_.say("quality");
        const std::string ofKernels =
            "FROM main.kernel AS k JOIN main.place AS p ON p.place = k.place WHERE p.run = quality.run";
        std::string bad;
        for (const char* table : kPlaced)
            bad += fmt::format(
                "{}(SELECT count(*) FROM main.{} AS t JOIN main.place AS p ON p.place = t.place WHERE "
                "p.run = quality.run AND duration_ns < 0)",
                bad.empty() ? "" : " + ", table);
        for (const char* table : kTimed)
            bad += fmt::format(
                " + (SELECT count(*) FROM main.{} AS t WHERE t.run = quality.run AND duration_ns < 0)",
                table);
        bad +=
            " + (SELECT count(*) FROM main.sample JOIN main.metric AS m USING (metric) WHERE m.run = "
            "quality.run AND "
            "duration_ns < 0)";
        const std::pair<const char*, std::string> figures[] = {
            {"kernels", "SELECT count(*) " + ofKernels},
            {"kernel_ns", "SELECT coalesce(sum(duration_ns), 0) " + ofKernels + " AND duration_ns >= 0"},
            {"unattributed_kernels", "SELECT count(*) " + ofKernels + " AND p.phase = ''"},
            {"unattributed_ns",
             "SELECT coalesce(sum(duration_ns), 0) " + ofKernels + " AND p.phase = '' AND duration_ns >= 0"},
            {"bad_timestamps", "SELECT " + bad}};
        for (const auto& [figure, sum] : figures)
            into_.exec(
                fmt::format("UPDATE main.quality SET value = ({}) WHERE figure = '{}' AND run IN (SELECT run "
                            "FROM temp.chosen WHERE exact)",
                            sum, figure));
    }

    void nameIt() {
        into_.with([this](SQLite::Database& database) {
            SQLite::Statement fact(
                database,
                "INSERT INTO main.environment SELECT process, 'slice', ?, 'capture slice' FROM "
                "main.process WHERE true ON CONFLICT DO UPDATE SET value = excluded.value || ', itself ' || "
                "value");
            fact.bind(1, textOf(choice_, from_.filename().string()));
            fact.exec();
        });
    }

    void makeOverviews() {
        into_.with([this](SQLite::Database& database) {
            std::vector<std::int64_t> runs;
            {
                SQLite::Statement run(database, "SELECT run FROM temp.chosen WHERE exact ORDER BY run");
                while (run.executeStep()) runs.push_back(run.getColumn(0).getInt64());
            }
            database.exec("BEGIN");
            for (const std::int64_t run : runs) {
                into_.say("overview of run " + std::to_string(run));
                makeOverview(database, run);
            }
            database.exec("COMMIT");
        });
    }

    const fs::path& from_;
    const SliceChoice& choice_;
    NewCapture& into_;
    const bool isPart_;  // not only of runs, but inside of them
};

}  // namespace

std::vector<std::string> sliceCapture(const fs::path& from, const fs::path& into, const SliceChoice& choice,
                                      const CaptureWork& work) {
    NewCapture slice(into, work);
    std::vector<std::string> notes = slice.attach(from);
    Slice(from, choice, slice).make();
    slice.finish();
    return notes;
}

}  // namespace fluxscope
