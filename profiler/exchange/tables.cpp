// The tables of a capture for scripts, as CSV and as JSON: names instead of numbers that refer to them, and units in the names of
// columns.
#include "engine/contract/error.h"
#include "profiler/exchange/detail/json_text.h"
#include "profiler/exchange/detail/output_file.h"
#include "profiler/exchange/detail/rows.h"
#include "profiler/exchange/export.h"
#include "profiler/store/schema.h"

#include <array>
#include <charconv>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace fluxscope {
namespace {

struct Column {
    const char* name;
    const char* expression;  // one that is 'alias.column' is left out of older captures that lack the column
};
struct Table {
    const char* name;
    const char* from;  // 'table AS alias', joined; left out of captures that lack one of them
    std::vector<Column> columns;
};

#define FLUXSCOPE_OF_PROMPT                                                                           \
    " LEFT JOIN sequence AS q ON q.run = t.run AND q.sequence = t.sequence LEFT JOIN prompt AS p ON " \
    "p.prompt = q.prompt"
#define FLUXSCOPE_OF_PLACE \
    " LEFT JOIN place AS p ON p.place = t.place LEFT JOIN name AS a ON a.name = t.attribution"

constexpr Column kRun{"run", "t.run"};
constexpr Column kSequence{"sequence", "t.sequence"};
constexpr Column kPrompt{"prompt", "p.id"};
constexpr Column kTurn{"turn", "t.turn"};
constexpr Column kStep{"step", "t.step"};
constexpr Column kLayer{"layer", "t.layer"};
constexpr Column kBegin{"begin_ns", "t.begin_ns"};
constexpr Column kTraining{"training", "t.training"};
constexpr Column kDuration{"duration_ns", "t.duration_ns"};

// What something on a device belongs to.
std::vector<Column> placed(const std::vector<Column>& more) {
    std::vector<Column> columns{{"run", "p.run"},
                                {"batch", "p.batch"},
                                {"turn", "p.turn"},
                                {"phase", "p.phase"},
                                kStep,
                                {"layer", "p.layer"},
                                {"chunk", "p.chunk"},
                                {"op", "p.op"},
                                {"attribution", "a.value"},
                                kBegin,
                                kDuration};
    columns.insert(columns.end(), more.begin(), more.end());
    return columns;
}

std::vector<Table> exportedTables() {
    return {
        {"processes",
         "process AS t",
         {{"process", "t.process"},
          {"host", "t.host"},
          {"pid", "t.pid"},
          {"program", "t.program"},
          {"collector", "t.collector"},
          {"monotonic_ns", "t.monotonic_ns"},
          {"utc_ns", "t.utc_ns"}}},
        {"environment",
         "environment AS t",
         {{"process", "t.process"}, {"name", "t.name"}, {"value", "t.value"}, {"source", "t.source"}}},
        {"models",
         "model AS t",
         {{"model", "t.model"},
          {"hash", "t.hash"},
          {"name", "t.name"},
          {"path", "t.path"},
          {"architecture", "t.architecture"},
          {"layers", "t.layers"},
          {"heads", "t.heads"},
          {"kv_heads", "t.kv_heads"},
          {"head_dim", "t.head_dim"},
          {"hidden", "t.hidden"},
          {"vocabulary", "t.vocabulary"},
          {"parameters", "t.parameters"},
          {"router_parameters", "t.router_parameters"},
          {"pool_size", "t.pool_size"},
          {"untrained", "t.untrained"}}},
        {"runs",
         "run AS t",
         {kRun,
          {"process", "t.process"},
          {"model", "t.model"},
          {"role", "t.role"},
          {"repeat", "t.repeat"},
          {"policy", "t.policy_name"},
          {"policy_json", "t.policy"},
          {"sparse", "t.sparse"},
          {"seed", "t.seed"},
          {"max_new_tokens", "t.max_new"},
          {"chunk_tokens", "t.chunk_tokens"},
          {"device", "t.device"},
          {"dtype", "t.dtype"},
          {"eager", "t.eager"},
          kBegin,
          {"end_ns", "t.end_ns"},
          {"outcome", "t.outcome"},
          {"reason", "t.reason"},
          {"dropped_records", "t.dropped"},
          {"clock_locked", "t.clock_locked"},
          {"origin", "t.origin"}}},
        {"prompts",
         "prompt AS t",
         {{"prompt", "t.id"},
          {"kind", "t.kind"},
          {"split", "t.split"},
          {"hash", "t.hash"},
          {"text", "t.text"},
          {"answer", "t.answer"}}},
        {"sequences",
         "sequence AS t LEFT JOIN prompt AS p ON p.prompt = t.prompt",
         {kRun, kSequence, {"batch", "t.batch"}, kPrompt, {"prompt_tokens", "t.prompt_tokens"}}},
        {"decisions",
         "decision AS t" FLUXSCOPE_OF_PROMPT,
         {kRun,
          kSequence,
          kPrompt,
          kTurn,
          kStep,
          kLayer,
          {"kv_head", "t.kv_head"},
          {"attention", "t.attention"},
          {"decided_by", "t.decided_by"},
          {"logit_sparse", "t.logit_sparse"},
          {"logit_full", "t.logit_full"},
          {"p_full", "t.p_full"},
          {"threshold", "t.threshold"},
          {"margin_logits", "t.margin"}}},
        {"kv",
         "kv AS t" FLUXSCOPE_OF_PROMPT,
         {kRun,
          kSequence,
          kPrompt,
          kTurn,
          kStep,
          kLayer,
          {"bytes_kept", "t.bytes_kept"},
          {"bytes_freed", "t.bytes_freed"}}},
        {"tokens",
         "token AS t" FLUXSCOPE_OF_PROMPT,
         {kRun,
          kSequence,
          kPrompt,
          kTurn,
          {"position", "t.position"},
          kStep,
          {"token", "t.token"},
          {"byte_begin", "t.byte_begin"},
          {"byte_end", "t.byte_end"},
          {"text", "t.text"},
          {"logprob_nats", "t.logprob"},
          {"emitted_ns", "t.emitted_ns"}}},
        {"fidelity",
         "fidelity AS t" FLUXSCOPE_OF_PROMPT,
         {kRun,
          kSequence,
          kPrompt,
          kTurn,
          kStep,
          {"kl_nats", "t.kl"},
          {"same_top", "t.same_top"},
          {"logprob_change_nats", "t.logprob_change"}}},
        {"evaluations",
         "evaluation AS t" FLUXSCOPE_OF_PROMPT,
         {kRun,
          kSequence,
          kPrompt,
          {"task", "t.task"},
          {"length_tokens", "t.length"},
          {"number", "t.number"},
          {"seed", "t.seed"},
          {"scorer", "t.scorer"},
          {"score", "t.score"}}},
        {"layer_steps",
         "layer_step AS t",
         {kRun,
          {"batch", "t.batch"},
          kTurn,
          {"phase", "t.phase"},
          kStep,
          kLayer,
          kBegin,
          {"time_ns", "t.time_ns"},
          {"router_ns", "t.router_ns"},
          {"attention_ns", "t.attention_ns"},
          {"overlap_ns", "t.overlap_ns"},
          {"kernels", "t.kernels"},
          {"time_source", "t.time_source"},
          {"bytes_read", "t.bytes_read"},
          {"bytes_written", "t.bytes_written"},
          {"flops", "t.flops"},
          {"bytes_source", "t.bytes_source"},
          {"cost_version", "t.cost_version"}}},
        {"scopes",
         "scope AS t",
         {kRun,
          {"batch", "t.batch"},
          kTurn,
          {"phase", "t.phase"},
          kStep,
          kLayer,
          {"chunk", "t.chunk"},
          {"op", "t.op"},
          kBegin,
          {"end_ns", "t.end_ns"},
          {"analytic_bytes_read", "t.bytes_read"},
          {"analytic_bytes_written", "t.bytes_written"},
          {"analytic_flops", "t.flops"}}},
        {"kernels",
         "kernel AS t" FLUXSCOPE_OF_PLACE " LEFT JOIN name AS n ON n.name = t.name LEFT JOIN name AS d ON "
         "d.name = n.demangled LEFT JOIN launch AS l ON "
         "l.launch = t.launch",
         placed({{"device", "t.device"},
                 {"context", "t.context"},
                 {"stream", "t.stream"},
                 {"correlation", "t.correlation"},
                 {"graph", "t.graph"},
                 {"graph_node", "t.graph_node"},
                 {"name", "coalesce(d.value, n.value)"},
                 {"grid_x", "l.grid_x"},
                 {"grid_y", "l.grid_y"},
                 {"grid_z", "l.grid_z"},
                 {"block_x", "l.block_x"},
                 {"block_y", "l.block_y"},
                 {"block_z", "l.block_z"},
                 {"cluster_x", "l.cluster_x"},
                 {"cluster_y", "l.cluster_y"},
                 {"cluster_z", "l.cluster_z"},
                 {"registers_per_thread", "l.registers_per_thread"},
                 {"static_shared_bytes", "l.static_shared_bytes"},
                 {"dynamic_shared_bytes", "l.dynamic_shared_bytes"}})},
        {"copies", "memcpy AS t" FLUXSCOPE_OF_PLACE " LEFT JOIN name AS k ON k.name = t.kind",
         placed({{"device", "t.device"},
                 {"stream", "t.stream"},
                 {"correlation", "t.correlation"},
                 {"kind", "k.value"},
                 {"pinned", "t.pinned"},
                 {"bytes", "t.bytes"}})},
        {"fills", "memset AS t" FLUXSCOPE_OF_PLACE,
         placed({{"device", "t.device"},
                 {"stream", "t.stream"},
                 {"correlation", "t.correlation"},
                 {"bytes", "t.bytes"}})},
        {"api_calls", "api AS t" FLUXSCOPE_OF_PLACE " LEFT JOIN name AS n ON n.name = t.name",
         placed({{"thread", "t.thread"}, {"correlation", "t.correlation"}, {"name", "n.value"}})},
        {"syncs",
         "sync AS t LEFT JOIN name AS n ON n.name = t.kind",
         {kRun, kBegin, kDuration, {"device", "t.device"}, {"stream", "t.stream"}, {"kind", "n.value"}}},
        {"overheads",
         "overhead AS t LEFT JOIN name AS n ON n.name = t.kind",
         {kRun, kBegin, kDuration, {"thread", "t.thread"}, {"kind", "n.value"}}},
        {"samples",
         "sample AS t JOIN metric AS m ON m.metric = t.metric",
         {{"run", "m.run"},
          {"device", "m.device"},
          {"metric", "m.name"},
          {"source", "m.source"},
          kBegin,
          kDuration,
          {"value", "t.value"}}},
        {"traffic",
         "traffic AS t LEFT JOIN place AS p ON p.place = t.place",
         {{"run", "p.run"},
          {"batch", "p.batch"},
          {"phase", "p.phase"},
          kStep,
          {"layer", "p.layer"},
          {"op", "p.op"},
          {"metric", "t.metric"},
          {"value", "t.value"},
          {"source", "t.source"},
          {"pass", "t.pass"},
          {"confidence", "t.confidence"},
          {"samples", "t.samples"}}},
        {"quality", "quality AS t", {kRun, {"figure", "t.figure"}, {"value", "t.value"}, {"note", "t.note"}}},
        {"collectors",
         "collector AS t",
         {{"process", "t.process"},
          kRun,
          {"name", "t.name"},
          {"state", "t.state"},
          {"reason", "t.reason"},
          {"remedy", "t.remedy"}}},
        {"trainings",
         "training AS t",
         {kTraining,
          {"process", "t.process"},
          {"kind", "t.kind"},
          {"model", "t.model"},
          {"plan_json", "t.plan"},
          {"data_json", "t.data"},
          {"device", "t.device"},
          {"dtype", "t.dtype"},
          {"first_step", "t.first_step"},
          {"steps", "t.steps"},
          {"layers", "t.layers"},
          kBegin,
          {"end_ns", "t.end_ns"},
          {"outcome", "t.outcome"},
          {"reason", "t.reason"}}},
        {"training_tasks",
         "training_task AS t",
         {kTraining,
          {"task", "t.task"},
          {"name", "t.name"},
          {"share", "t.share"},
          {"target_sparse_share", "t.target"}}},
        {"training_steps",
         "training_step AS t",
         {kTraining,
          kStep,
          {"length_tokens", "t.length"},
          {"loss_nats", "t.loss"},
          {"penalty", "t.penalty"},
          {"learning_rate", "t.learning_rate"},
          {"gradient_norm", "t.gradient_norm"},
          {"tokens_per_s", "t.tokens_per_s"},
          {"temperature", "t.temperature"},
          {"end_ns", "t.end_ns"}}},
        {"training_task_steps",
         "training_task_step AS t LEFT JOIN training_task AS n ON n.training = t.training AND n.task = "
         "t.task",
         {kTraining,
          kStep,
          {"task", "t.task"},
          {"name", "n.name"},
          {"loss_nats", "t.loss"},
          {"foretold", "t.foretold"},
          {"sparse_share", "t.sparsity"},
          {"lambda1", "t.lambda1"},
          {"lambda2", "t.lambda2"}}},
        {"training_layer_steps",
         "training_layer_step AS t",
         {kTraining, kStep, kLayer, {"p_full", "t.p_full"}}},
        {"training_warnings", "training_warning AS t", {kTraining, kStep, {"text", "t.text"}}},
    };
}

#undef FLUXSCOPE_OF_PROMPT
#undef FLUXSCOPE_OF_PLACE

// Absent: the capture lacks a table of it.
std::string queryOf(SQLite::Database& database, const Table& table) {
    std::map<std::string, std::set<std::string>> columns;  // by alias
    const std::string from = table.from;
    for (std::size_t at = from.find(" AS "); at != std::string::npos; at = from.find(" AS ", at + 1)) {
        const std::size_t begin = from.rfind(' ', at - 1) + 1;  // npos + 1 is the beginning
        const std::string alias = from.substr(at + 4, 1);
        columns[alias] = columnsOf(database, from.substr(begin, at - begin));
        if (columns[alias].empty()) return {};
    }
    std::string query;
    for (const Column& column : table.columns) {
        const std::string expression = column.expression;
        const bool plain = expression.find('(') == std::string::npos;
        if (plain && !columns[expression.substr(0, 1)].contains(expression.substr(2))) continue;
        query += (query.empty() ? "SELECT " : ", ") + expression + " AS " + column.name;
    }
    return query + " FROM " + from;
}

class TableSink {
public:
    TableSink() = default;
    TableSink(const TableSink&) = delete;
    TableSink& operator=(const TableSink&) = delete;
    virtual ~TableSink() = default;

    virtual void began(const std::string& table, const Rows& columns) = 0;
    virtual void row(Rows& row) = 0;
    virtual void ended() = 0;
};

ExchangeSummary walkTables(const std::filesystem::path& capture, TableSink& sink,
                           const ExchangeOptions& options) {
    ExchangeSummary summary;
    SQLite::Database database = openUntrusted(capture, options.cancel);
    guarded(capture, options.cancel, [&] {
        offerScopes(database, requireCapture(database, capture.string()));
        database.exec("BEGIN");  // all tables as of one moment
        const std::vector<Table> tables = exportedTables();
        for (std::size_t i = 0; i < tables.size(); ++i) {
            const std::string query = queryOf(database, tables[i]);
            if (query.empty()) continue;
            if (options.progress)
                options.progress("writing " + std::string(tables[i].name),
                                 static_cast<double>(i) / static_cast<double>(tables.size()));
            Rows row(database, query);
            sink.began(tables[i].name, row);
            while (row.next()) {
                sink.row(row);
                ++summary.events;
            }
            sink.ended();
        }
    });
    return summary;
}

void appendReal(std::string& out, double value) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    out.append(digits.data(), end.ptr);
}

// A spreadsheet takes a field that begins so for a formula, and runs it; an apostrophe makes it text again.
bool looksLikeFormula(std::string_view text) {
    return !text.empty() && std::string_view("=+-@\t\r\n").find(text.front()) != std::string_view::npos;
}

void appendCsvText(std::string& out, std::string_view raw) {
    const std::string text = (looksLikeFormula(raw) ? "'" : "") + utf8Of(raw);
    if (text.find_first_of(",\"\r\n") == std::string::npos) {
        out += text;
        return;
    }
    out += '"';
    for (const char c : text) {
        if (c == '"') out += '"';
        out += c;
    }
    out += '"';
}

class CsvSink : public TableSink {
public:
    explicit CsvSink(std::filesystem::path folder) : folder_(std::move(folder)) {
        std::error_code failed;
        std::filesystem::create_directories(folder_, failed);
        if (failed || !std::filesystem::is_directory(folder_, failed))
            throw MachineError{folder_.string(), "", "cannot be made a folder",
                               "give the name of a folder that is there, or may be made"};
    }
    void began(const std::string& table, const Rows& columns) override {
        files_.push_back(std::make_unique<OutputFile>(folder_ / (table + ".csv")));
        line_.clear();
        for (int i = 0; i < columns.columns(); ++i) {
            if (i > 0) line_ += ',';
            line_ += columns.name(i);
        }
        endLine();
    }
    void row(Rows& row) override {
        line_.clear();
        for (int i = 0, n = row.columns(); i < n; ++i) {
            if (i > 0) line_ += ',';
            if (row.isNull(i)) continue;
            if (row.isInteger(i)) {
                line_ += std::to_string(row.integer(i));
            } else if (row.isNumber(i)) {
                appendReal(line_, row.real(i));
            } else {
                appendCsvText(line_, row.text(i));
            }
        }
        endLine();
    }
    void ended() override { files_.back()->flush(); }
    void finish() {
        for (const auto& file : files_) file->finish();
    }

private:
    void endLine() {
        line_ += "\r\n";
        files_.back()->write(line_);
    }

    std::filesystem::path folder_;
    std::vector<std::unique_ptr<OutputFile>> files_;  // all of them there, or none
    std::string line_;
};

class JsonSink : public TableSink {
public:
    JsonSink(const std::filesystem::path& file, const std::filesystem::path& capture) : out_(file) {
        line_ = R"({"format": "fluxscope-export", "version": 1, "capture": )";
        appendJsonText(line_, capture.filename().string());
        line_ += R"(, "tables": {)";
    }
    void began(const std::string& table, const Rows& columns) override {
        line_ += firstTable_ ? "\n\"" : ",\n\"";
        firstTable_ = false;
        line_ += table + "\": [";
        keys_.clear();
        for (int i = 0; i < columns.columns(); ++i) {
            keys_.emplace_back(i > 0 ? ", " : "{");
            appendJsonText(keys_.back(), columns.name(i));
            keys_.back() += ": ";
        }
        firstRow_ = true;
    }
    void row(Rows& row) override {
        line_ += firstRow_ ? "\n" : ",\n";
        firstRow_ = false;
        for (int i = 0, n = row.columns(); i < n; ++i) {
            line_ += keys_[static_cast<std::size_t>(i)];
            if (row.isNull(i)) {
                line_ += "null";
            } else if (row.isInteger(i)) {
                line_ += std::to_string(row.integer(i));
            } else if (row.isNumber(i)) {
                appendJsonNumber(line_, row.real(i));
            } else {
                appendJsonText(line_, row.text(i));
            }
        }
        line_ += '}';
        flush();
    }
    void ended() override {
        line_ += ']';
        flush();
    }
    void finish() {
        line_ += "\n}}\n";
        flush();
        out_.finish();
    }

private:
    void flush() {
        out_.write(line_);
        line_.clear();
    }

    OutputFile out_;
    std::string line_;
    std::vector<std::string> keys_;
    bool firstTable_ = true;
    bool firstRow_ = true;
};

}  // namespace

ExchangeSummary exportCsv(const std::filesystem::path& capture, const std::filesystem::path& folder,
                          const ExchangeOptions& options) {
    CsvSink sink(folder);
    ExchangeSummary summary = walkTables(capture, sink, options);
    sink.finish();
    return summary;
}

ExchangeSummary exportJson(const std::filesystem::path& capture, const std::filesystem::path& file,
                           const ExchangeOptions& options) {
    JsonSink sink(file, capture);
    ExchangeSummary summary = walkTables(capture, sink, options);
    sink.finish();
    return summary;
}

}  // namespace fluxscope
