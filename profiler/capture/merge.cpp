#include "profiler/capture/merge.h"

#include "engine/contract/error.h"
#include "profiler/capture/detail/capture_file.h"
#include "profiler/capture/detail/new_capture.h"
#include "profiler/store/writing_lock.h"

#include <spdlog/fmt/fmt.h>

#include <map>

namespace fluxscope {
namespace {

namespace fs = std::filesystem;

constexpr const char* kShape =
    "grid_x, grid_y, grid_z, block_x, block_y, block_z, cluster_x, cluster_y, cluster_z, "
    "registers_per_thread, "
    "static_shared_bytes, dynamic_shared_bytes";

// Tables whose rows are all kept get numbers that follow the last one there; a table with its key.
const std::map<std::string, std::string> kMoved{{"run", "run"},
                                                {"token", "row"},
                                                {"fidelity", "row"},
                                                {"decision", "row"},
                                                {"kv", "row"},
                                                {"layer_step", "row"},
                                                {"place", "place"},
                                                {"kernel", "kernel"},
                                                {"kernel_block", "block"},
                                                {"memcpy", "memcpy"},
                                                {"memset", "memset"},
                                                {"api", "api"},
                                                {"sync", "sync"},
                                                {"overhead", "overhead"},
                                                {"metric", "metric"},
                                                {"sample", "sample"},
                                                {"lane", "lane"},
                                                {"traffic", "traffic"},
                                                {"training", "training"},
                                                {"training_step", "row"},
                                                {"training_warning", "row"},
                                                {"evaluation", "row"}};

class Merge {
public:
    explicit Merge(NewCapture& into) : into_(into) {
        into_.exec(
            fmt::format("CREATE TEMP TABLE shape AS SELECT {0} FROM main.launch; CREATE UNIQUE INDEX "
                        "temp.shapes ON shape ({0})",
                        kShape));
        for (const char* table : kShared)
            into_.exec(fmt::format("CREATE TEMP TABLE {}_now (was INTEGER PRIMARY KEY, now INTEGER)", table));
        into_.exec("CREATE TEMP TABLE training_new (training INTEGER PRIMARY KEY)");
    }

    void add(const fs::path& file) {
        for (const char* table : kShared) into_.exec(fmt::format("DELETE FROM temp.{}_now", table));
        for (const auto& [table, key] : kMoved)
            shift_[table] =
                into_.number(fmt::format("SELECT coalesce((SELECT max({0}) FROM main.{1}), 0) + 1 - "
                                         "coalesce((SELECT min({0}) FROM source.{1}), 1)",
                                         key, table));
        // Two tables share the numbers of scopes.
        shift_["scope"] = into_.number(
            "SELECT max((SELECT coalesce(max(scope), 0) FROM main.scope_row), (SELECT "
            "coalesce(max(first_scope + members - 1), 0) FROM main.scope_step)) + 1 - coalesce((SELECT "
            "min(scope) FROM (SELECT min(scope) AS scope FROM source.scope_row UNION ALL SELECT "
            "min(first_scope) FROM source.scope_step)), 1)");
        shareProcesses();
        requireNewRuns(file);
        chooseTrainings(file);
        shareModelsPromptsNamesAndLaunches();
        copyRows();
        copyTrainings();
    }

    void addLaunches() {
        into_.exec(fmt::format(
            "INSERT INTO main.launch (launch, {0}) SELECT rowid, {0} FROM temp.shape ORDER BY rowid",
            kShape));
    }

private:
    static constexpr const char* kShared[] = {"process", "model", "prompt", "name", "launch"};

    static std::string now(const std::string& table, const std::string& column) {
        return fmt::format("(SELECT now FROM temp.{}_now WHERE was = t.{})", table, column);
    }
    std::string moved(const std::string& table, const std::string& column) const {
        return fmt::format("t.{} + {}", column, shift_.at(table));
    }

    // Slices of one capture have the same processes; what they say about being slices does not count.
    void shareProcesses() {
        const auto facts = [](const char* schema, const char* row) {
            return fmt::format(
                "SELECT name, value FROM {}.environment WHERE process = {}.process AND name <> 'slice'",
                schema, row);
        };
        into_.exec(fmt::format(
            "INSERT INTO temp.process_now SELECT s.process, (SELECT m.process FROM main.process AS m WHERE "
            "(m.host, "
            "m.pid, m.program, m.collector, m.monotonic_ns, m.utc_ns) = (s.host, s.pid, s.program, "
            "s.collector, "
            "s.monotonic_ns, s.utc_ns) AND NOT EXISTS ({0} EXCEPT {1}) AND NOT EXISTS ({1} EXCEPT {0})) FROM "
            "source.process AS s ORDER BY s.process;"
            "UPDATE temp.process_now SET now = fresh.number FROM (SELECT was, row_number() OVER (ORDER BY "
            "was) + "
            "(SELECT coalesce(max(process), 0) FROM main.process) AS number FROM temp.process_now WHERE now "
            "IS "
            "NULL) AS fresh WHERE process_now.was = fresh.was",
            facts("main", "m"), facts("source", "s")));
        const std::string process = now("process", "process");
        into_.copy(
            {.table = "process", .instead = {{"process", process}}, .behind = "ON CONFLICT DO NOTHING"});
        into_.copy(
            {.table = "environment",
             .instead = {{"process", process}},
             .behind =
                 "ON CONFLICT (process, name) DO UPDATE SET value = value || '; ' || excluded.value WHERE "
                 "value <> excluded.value"});
        into_.copy({.table = "device",
                    .instead = {{"process", process}},
                    .behind = "ON CONFLICT (process, device) DO NOTHING"});
        into_.copy({.table = "collector",
                    .instead = {{"process", process},
                                {"run", fmt::format("iif(t.run < 0, t.run, {})", moved("run", "run"))}},
                    .behind = "ON CONFLICT (process, run, name) DO NOTHING"});
    }

    void requireNewRuns(const fs::path& file) {
        const std::string twice = into_.text(
            "SELECT 'run ' || s.run FROM source.run AS s JOIN temp.process_now AS p ON p.was = s.process "
            "JOIN main.run AS "
            "m ON m.process = p.now AND m.begin_ns = s.begin_ns LIMIT 1");
        if (!twice.empty())
            throw InputError{file.string(), twice, "is in one of the files before it, too",
                             "give each run once"};
    }

    // Every slice of a capture has all its trainings: those that are there already, as long, are not added again.
    void chooseTrainings(const fs::path& file) {
        const auto length = [](const char* schema, const char* row) {
            return fmt::format("(SELECT count(*) FROM {}.training_step AS n WHERE n.training = {}.training)",
                               schema, row);
        };
        const std::string there =
            "FROM source.training AS s JOIN temp.process_now AS p ON p.was = s.process JOIN main.training AS "
            "m "
            "ON m.process = p.now AND m.begin_ns = s.begin_ns";
        const std::string other = into_.text(fmt::format(
            "SELECT 'training ' || s.training {} WHERE m.outcome IS NOT s.outcome OR {} <> {} LIMIT 1", there,
            length("source", "s"), length("main", "m")));
        if (!other.empty())
            throw InputError{file.string(), other, "is in one of the files before it, but not as long",
                             "give the file that has all of it, and not the other"};
        into_.exec(
            "DELETE FROM temp.training_new; INSERT INTO temp.training_new SELECT training FROM "
            "source.training "
            "WHERE training NOT IN (SELECT s.training " +
            there + ")");
    }

    void copyTrainings() {
        const std::string isNew = "t.training IN (SELECT training FROM temp.training_new)";
        const std::string training = moved("training", "training");
        into_.copy({.table = "training",
                    .instead = {{"training", training}, {"process", now("process", "process")}},
                    .where = isNew});
        for (const char* table : {"training_task", "training_task_step", "training_layer_step"})
            into_.copy({.table = table, .instead = {{"training", training}}, .where = isNew});
        for (const char* table : {"training_step", "training_warning"})
            into_.copy({.table = table,
                        .instead = {{"row", moved(table, "row")}, {"training", training}},
                        .where = isNew});
    }

    void shareModelsPromptsNamesAndLaunches() {
        into_.exec(
            "INSERT INTO temp.model_now SELECT model, NULL FROM source.model;"
            "INSERT INTO temp.prompt_now SELECT prompt, NULL FROM source.prompt;"
            "INSERT INTO temp.name_now SELECT name, NULL FROM source.name");
        into_.copy({.table = "model",
                    .instead = {{"model", "NULL"}},
                    .where = "true ORDER BY t.model",
                    .behind = "ON CONFLICT (hash) DO NOTHING"});
        into_.copy(
            {.table = "prompt",
             .instead = {{"prompt", "NULL"}},
             .where = "true ORDER BY t.prompt",
             .behind =
                 "ON CONFLICT (id, hash) DO UPDATE SET text = excluded.text, answer = excluded.answer WHERE "
                 "text IS NULL AND excluded.text IS NOT NULL"});
        into_.copy({.table = "name",
                    .instead = {{"name", "NULL"}, {"demangled", "NULL"}, {"short", "NULL"}},
                    .where = "true ORDER BY t.name",
                    .behind = "ON CONFLICT (value) DO NOTHING"});
        into_.exec(fmt::format(
            "UPDATE temp.model_now SET now = (SELECT m.model FROM main.model AS m JOIN source.model AS s "
            "USING (hash) "
            "WHERE s.model = was);"
            "UPDATE temp.prompt_now SET now = (SELECT m.prompt FROM main.prompt AS m JOIN source.prompt AS s "
            "USING (id, "
            "hash) WHERE s.prompt = was);"
            "UPDATE temp.name_now SET now = (SELECT m.name FROM main.name AS m JOIN source.name AS s USING "
            "(value) WHERE "
            "s.name = was);"
            "UPDATE main.name SET demangled = d.now, short = b.now FROM source.name AS s JOIN temp.name_now "
            "AS n ON n.was "
            "= s.name LEFT JOIN temp.name_now AS d ON d.was = s.demangled LEFT JOIN temp.name_now AS b ON "
            "b.was = s.short "
            "WHERE main.name.name = n.now AND s.short IS NOT NULL;"
            "INSERT OR IGNORE INTO temp.shape ({0}) SELECT {0} FROM source.launch ORDER BY launch;"
            "INSERT INTO temp.launch_now SELECT s.launch, h.rowid FROM source.launch AS s JOIN temp.shape AS "
            "h USING ({0})",
            kShape));
    }

    void copyRows() {
        const std::string run = moved("run", "run"), place = moved("place", "place");
        into_.copy({.table = "run",
                    .instead = {{"run", run},
                                {"process", now("process", "process")},
                                {"model", now("model", "model")},
                                {"settled", moved("layer_step", "settled")}}});
        into_.copy({.table = "sequence", .instead = {{"run", run}, {"prompt", now("prompt", "prompt")}}});
        for (const char* table : {"turn", "quality"}) into_.copy({.table = table, .instead = {{"run", run}}});
        for (const char* table : {"token", "fidelity", "decision", "kv", "evaluation"})
            into_.copy({.table = table, .instead = {{"row", moved(table, "row")}, {"run", run}}});
        into_.copy({.table = "token_choice", .instead = {{"row", moved("token", "row")}}});
        into_.copy({.table = "scope_row", .instead = {{"scope", moved("scope", "scope")}, {"run", run}}});
        into_.copy({.table = "scope_step",
                    .instead = {{"first_scope", moved("scope", "first_scope")}, {"run", run}}});
        into_.copy({.table = "layer_step",
                    .instead = {{"row", moved("layer_step", "row")},
                                {"run", run},
                                {"first_scope", moved("scope", "first_scope")},
                                {"last_scope", moved("scope", "last_scope")}}});
        into_.copy({.table = "place", .instead = {{"place", place}, {"run", run}}});
        copyOfADevice(run, place);
        for (const char* table : {"metric", "lane"})
            into_.copy({.table = table, .instead = {{table, moved(table, table)}, {"run", run}}});
        into_.copy(
            {.table = "sample",
             .instead = {{"sample", moved("sample", "sample")}, {"metric", moved("metric", "metric")}}});
        into_.copy({.table = "overview", .instead = {{"lane", moved("lane", "lane")}}});
    }

    void copyOfADevice(const std::string& run, const std::string& place) {
        const auto add = [&](const std::string& table, std::map<std::string, std::string> more) {
            more.emplace(table, moved(table, table));
            into_.copy({.table = table, .instead = std::move(more)});
        };
        const std::string attribution = now("name", "attribution"), kind = now("name", "kind"),
                          name = now("name", "name");
        add("kernel", {{"place", place},
                       {"attribution", attribution},
                       {"name", name},
                       {"launch", now("launch", "launch")}});
        add("memcpy", {{"place", place}, {"attribution", attribution}, {"kind", kind}});
        add("memset", {{"place", place}, {"attribution", attribution}});
        add("api", {{"place", place}, {"attribution", attribution}, {"name", name}});
        add("sync", {{"run", run}, {"kind", kind}});
        add("overhead", {{"run", run}, {"kind", kind}});
        add("traffic", {{"place", place}});
        into_.copy({.table = "kernel_block",
                    .instead = {{"block", moved("kernel_block", "block")},
                                {"run", run},
                                {"first_kernel", moved("kernel", "first_kernel")},
                                {"last_kernel", moved("kernel", "last_kernel")}}});
        into_.copy({.table = "graph_node", .instead = {{"run", run}, {"place", place}}});
    }

    NewCapture& into_;
    std::map<std::string, std::int64_t> shift_;
};

}  // namespace

std::vector<std::string> mergeCaptures(const fs::path& into, const std::vector<fs::path>& files,
                                       const CaptureWork& work) {
    NewCapture whole(into, work);
    Merge merge(whole);
    std::vector<std::string> notes;
    for (const fs::path& file : files) {
        if (isBeingWritten(file))
            throw InputError{file.string(), "", "is being recorded",
                             "wait until its run has ended, or merge what 'capture pack' makes of it"};
        for (std::string& note : whole.attach(file)) notes.push_back(std::move(note));
        merge.add(file);
        whole.detach();
    }
    merge.addLaunches();
    whole.finish();
    return notes;
}

}  // namespace fluxscope
