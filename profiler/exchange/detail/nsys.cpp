// An export of Nsight Systems: `nsys export --type sqlite`. Tables come into being with what was traced, and their columns differ from
// version to version: only start, end and shortName are relied on.
#include "engine/contract/error.h"
#include "profiler/exchange/detail/rows.h"
#include "profiler/exchange/detail/trace_tables.h"

#include <spdlog/fmt/fmt.h>

#include <set>
#include <string>
#include <utility>

namespace fluxscope {
namespace {

constexpr const char* kKernels = "CUPTI_ACTIVITY_KIND_KERNEL";
constexpr const char* kCopies = "CUPTI_ACTIVITY_KIND_MEMCPY";
constexpr const char* kFills = "CUPTI_ACTIVITY_KIND_MEMSET";
constexpr const char* kCalls = "CUPTI_ACTIVITY_KIND_RUNTIME";
constexpr const char* kRanges = "NVTX_EVENTS";
constexpr const char* kSamples = "GPU_METRICS";
constexpr const char* kMetrics = "TARGET_INFO_GPU_METRICS";

// A query that is put together from the columns that are there.
class Select {
public:
    Select(SQLite::Database& database, std::string table)
        : columns_(columnsOf(database, table)), table_(std::move(table)) {}

    bool has(const std::string& column) const { return columns_.contains(column); }
    bool exists() const { return !columns_.empty(); }
    void require(const std::filesystem::path& file, std::initializer_list<const char*> columns) const {
        for (const char* column : columns) {
            if (!has(column))
                throw InputError{file.string(), table_ + "." + column, "is missing",
                                 "export the report again with 'nsys export --type sqlite'"};
        }
    }
    void add(const std::string& name, const std::string& column, const std::string& otherwise = "0") {
        addExpression(name, has(column) ? "coalesce(t.\"" + column + "\", " + otherwise + ")" : otherwise);
    }
    // As it stands there: a time that is NULL is no time.
    void addTimes() {
        addExpression("begin", "t.\"start\"");
        addExpression("end", "t.\"end\"");
    }
    void addExpression(const std::string& name, const std::string& expression) {
        list_ += (list_.empty() ? "" : ", ") + expression + " AS \"" + name + "\"";
    }
    std::string text(const std::string& more = "") const {
        return "SELECT " + list_ + " FROM " + table_ + " AS t" + more;
    }

private:
    std::set<std::string> columns_;
    std::string table_;
    std::string list_;
};

std::string valueOf(SQLite::Database& database, const std::string& query) {
    Rows row(database, query);
    return row.next() && !row.isNull(0) ? row.string(0) : std::string();
}

class NsysReader {
public:
    NsysReader(const std::filesystem::path& file, TraceTables& trace)
        : file_(file), trace_(trace), texts_(!columnsOf(trace.database, "StringIds").empty()) {
        for (const char* table : {kKernels, kCopies, kFills, kCalls}) {
            const std::set<std::string> columns = columnsOf(trace.database, table);
            tellsProcesses_ &=
                columns.empty() || columns.contains("globalPid") || columns.contains("globalTid");
        }
    }

    void read() {
        kernels();
        copies();
        fills();
        calls();
        ranges();
        samples();
        facts();
    }

private:
    // A column that refers to StringIds, or has the text itself.
    std::string textOf(const Select& table, std::initializer_list<const char*> columns) const {
        std::string found;
        for (const char* column : columns) {
            if (!table.has(column)) continue;
            if (texts_)
                found += fmt::format("(SELECT s.value FROM StringIds AS s WHERE s.id = t.\"{}\"), ", column);
            found += fmt::format("iif(typeof(t.\"{0}\") = 'text', t.\"{0}\", NULL), ", column);
        }
        return found.empty() ? "''" : "coalesce(" + found + "'')";
    }

    // Correlation ids are of a process, and a file may have several: where all tables say which, that is part of the key.
    std::string keyOf(const Select& table, const char* process) const {
        if (!table.has("correlationId")) return "0";
        if (!tellsProcesses_) return "coalesce(t.correlationId, 0)";
        return fmt::format(
            "iif(coalesce(t.correlationId, 0) = 0, 0, ((coalesce(t.{}, 0) / 16777216) & 0xFFFFFF) * "
            "4294967296 + "
            "coalesce(t.correlationId, 0))",
            process);
    }

    void addWork(Select& table) const {
        table.addTimes();
        table.add("device", "deviceId");
        table.add("context", "contextId");
        table.add("stream", "streamId");
        table.addExpression("key", keyOf(table, "globalPid"));
        table.addExpression("other_key", "0");
        table.add("correlation", "correlationId");
    }

    void kernels() {
        Select table(trace_.database, kKernels);
        if (!table.exists()) return;
        table.require(file_, {"start", "end"});
        if (!table.has("shortName") && !table.has("mangledName") && !table.has("demangledName"))
            table.require(file_, {"shortName"});
        addWork(table);
        table.add("graph", "graphId");
        table.add("node", "graphNodeId");
        table.addExpression("name", textOf(table, {"mangledName", "demangledName", "shortName"}));
        for (const char* column :
             {"gridX", "gridY", "gridZ", "blockX", "blockY", "blockZ", "clusterX", "clusterY", "clusterZ",
              "registersPerThread", "staticSharedMemory", "dynamicSharedMemory"})
            table.add(column, column);
        trace_.kernels = table.text();
        trace_.facts.device =
            "cuda:" +
            valueOf(trace_.database, std::string("SELECT min(") + (table.has("deviceId") ? "deviceId" : "0") +
                                         ") FROM " + kKernels);
        if (trace_.calls.empty() && columnsOf(trace_.database, kCalls).empty())
            trace_.notices.emplace_back(
                "the export has no calls of the CUDA API, so that no kernel can be joined to a range: trace "
                "with '-t "
                "cuda,nvtx'");
    }

    void copies() {
        Select table(trace_.database, kCopies);
        if (!table.exists()) return;
        table.require(file_, {"start", "end"});
        addWork(table);
        table.add("node", "graphNodeId");
        table.add("kind", "copyKind");
        // CUDA_MEMOPR_MEMORY_KIND_PINNED is 1, on whichever side is the host's.
        const std::string source = table.has("srcKind") ? "coalesce(t.srcKind, 0)" : "0";
        const std::string target = table.has("dstKind") ? "coalesce(t.dstKind, 0)" : "0";
        table.addExpression("pinned", "(" + source + " = 1 OR " + target + " = 1)");
        table.add("bytes", "bytes");
        trace_.copies = table.text();
    }

    void fills() {
        Select table(trace_.database, kFills);
        if (!table.exists()) return;
        table.require(file_, {"start", "end"});
        addWork(table);
        table.add("node", "graphNodeId");
        table.add("bytes", "bytes");
        trace_.fills = table.text();
    }

    void calls() {
        Select table(trace_.database, kCalls);
        if (!table.exists()) return;
        table.require(file_, {"start", "end"});
        table.add("thread", "globalTid");
        table.addTimes();
        table.addExpression("key", keyOf(table, "globalTid"));
        table.add("correlation", "correlationId");
        table.addExpression("name", textOf(table, {"nameId"}));
        trace_.calls = table.text();
    }

    void ranges() {
        Select table(trace_.database, kRanges);
        if (!table.exists()) return;
        table.require(file_, {"start", "end"});
        table.add("thread", "globalTid");
        table.addTimes();
        table.addExpression("text", textOf(table, {"text", "textId"}));
        // 59 push and pop, 60 start and end; what has no end is a mark, or was cut off.
        trace_.ranges = table.text(" WHERE t.\"end\" IS NOT NULL" +
                                   std::string(table.has("eventType") ? " AND t.eventType IN (59, 60)" : ""));
    }

    // Whole percents, of what TARGET_INFO_GPU_METRICS names.
    void samples() {
        Select table(trace_.database, kSamples);
        if (!table.exists() || !table.has("timestamp") || !table.has("metricId") || !table.has("value"))
            return;
        const std::set<std::string> about = columnsOf(trace_.database, kMetrics);
        const bool named = about.contains("metricId") && about.contains("metricName");
        const bool typed = named && table.has("typeId") && about.contains("typeId");
        // The low byte of a type is the device's number.
        table.addExpression("device", table.has("typeId") ? "(t.typeId & 255)" : "0");
        table.add("at", "timestamp");
        table.addExpression(
            "metric", named ? "coalesce(m.metricName, 'metric ' || t.metricId)" : "'metric ' || t.metricId");
        table.add("value", "value");
        trace_.samples =
            table.text((named ? " LEFT JOIN " + std::string(kMetrics) + " AS m ON m.metricId = t.metricId" +
                                    (typed ? " AND m.typeId = t.typeId" : "")
                              : "") +
                       " ORDER BY 1, 3, 2");
    }

    void facts() {
        ImportedFacts& facts = trace_.facts;
        facts.tool = "Nsight Systems";
        const std::set<std::string> meta = columnsOf(trace_.database, "META_DATA_EXPORT");
        if (meta.contains("name") && meta.contains("value"))
            facts.version = valueOf(trace_.database,
                                    "SELECT 'export schema ' || value FROM META_DATA_EXPORT WHERE name = "
                                    "'EXPORT_SCHEMA_VERSION'");
        if (columnsOf(trace_.database, "TARGET_INFO_SESSION_START_TIME").contains("utcEpochNs")) {
            Rows row(trace_.database, "SELECT utcEpochNs FROM TARGET_INFO_SESSION_START_TIME");
            if (row.next()) {
                const Nanoseconds utc = row.time(0);
                if (!row.isBad()) facts.utc = utc;
            }
        }
        if (columnsOf(trace_.database, "TARGET_INFO_GPU").contains("name")) {
            const std::string gpu = valueOf(trace_.database, "SELECT name FROM TARGET_INFO_GPU LIMIT 1");
            if (!gpu.empty()) facts.environment.push_back({"gpu", gpu, "import"});
        }
    }

    const std::filesystem::path file_;
    TraceTables& trace_;
    bool texts_;
    bool tellsProcesses_ = true;
};

}  // namespace

TraceTables readNsys(const std::filesystem::path& file, const ExchangeOptions& options) {
    TraceTables trace(openUntrusted(file, options.cancel));
    guarded(file, options.cancel, [&] {
        NsysReader(file, trace).read();
        if (trace.kernels.empty() && trace.ranges.empty() && trace.calls.empty()) {
            throw InputError{file.string(), "", "is an SQLite file but no export of Nsight Systems",
                             "make one with 'nsys export --type sqlite REPORT.nsys-rep'"};
        }
    });
    return trace;
}

}  // namespace fluxscope
