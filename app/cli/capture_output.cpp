#include "app/cli/capture_output.h"

#include "engine/contract/error.h"
#include "profiler/capture/query.h"

#include <nlohmann/json.hpp>

#include <array>
#include <charconv>
#include <string_view>

namespace fluxscope::cli {
namespace {

std::string numberText(double value) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    return {digits.data(), end};
}

// One line stays one line, and a terminal is not told what to do.
void appendEscaped(std::string& line, std::string_view text) {
    for (const char c : text) {
        if (c == '\t')
            line += "\\t";
        else if (c == '\n')
            line += "\\n";
        else if (c == '\r')
            line += "\\r";
        else if (c == '\\')
            line += "\\\\";
        else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
            line += "\\x" + std::string(1, "0123456789ABCDEF"[(c >> 4) & 15]) + "0123456789ABCDEF"[c & 15];
        else
            line += c;
    }
}

std::string hexOf(std::string_view bytes) {
    std::string hex;
    for (const char c : bytes) {
        hex += "0123456789ABCDEF"[(static_cast<unsigned char>(c) >> 4) & 15];
        hex += "0123456789ABCDEF"[static_cast<unsigned char>(c) & 15];
    }
    return hex;
}

void appendValue(std::string& line, const SqlValue& value) {
    if (const auto* integer = std::get_if<std::int64_t>(&value)) line += std::to_string(*integer);
    if (const auto* real = std::get_if<double>(&value)) line += numberText(*real);
    if (const auto* text = std::get_if<std::string>(&value)) appendEscaped(line, *text);
    if (const auto* blob = std::get_if<SqlBlob>(&value)) line += "x'" + hexOf(blob->bytes) + "'";
    if (std::holds_alternative<std::monostate>(value)) line += "NULL";
}

nlohmann::json jsonOf(const SqlValue& value) {
    if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
    if (const auto* real = std::get_if<double>(&value)) return *real;
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    if (const auto* blob = std::get_if<SqlBlob>(&value)) return {{"hex", hexOf(blob->bytes)}};
    return nullptr;
}

std::string runLine(const RunRow& run) {
    std::string line = "run " + std::to_string(run.run.value()) + ": " + printable(run.policyName) + " on " +
                       printable(run.device) + " " + printable(run.dtype) + ", " + printable(run.role) +
                       ", " + (run.outcome ? printable(*run.outcome) : "not ended");
    if (run.end) line += " after " + timeText(static_cast<double>((*run.end - run.begin).count()) / 1e9);
    if (run.clockLocked) line += ", clock locked: its times are no latencies";
    if (!run.origin.empty()) line += ", imported from " + printable(run.origin);
    if (run.dropped > 0) line += ", " + std::to_string(run.dropped) + " records dropped";
    return line + '\n';
}

std::int64_t stepsOf(const TrainingRow& training, const Snapshot& snapshot) {
    std::int64_t steps = 0;
    snapshot.trainingSteps.each([&](const TrainingStepRow& s) { steps += s.training == training.training; });
    return steps;
}

std::string trainingLine(const TrainingRow& training, const Snapshot& snapshot) {
    const TrainingFacts& facts = training.facts;
    const std::size_t warnings = training.warnings.size();
    std::string line =
        "training " + std::to_string(training.training.value()) + ": " + std::string(nameOf(facts.kind)) +
        " of " + printable(facts.model) + " on " + printable(facts.device) + " " + printable(facts.dtype) +
        ", " + std::to_string(stepsOf(training, snapshot)) + " of " + std::to_string(facts.steps) + " steps";
    if (facts.firstStep > 0) line += " from step " + std::to_string(facts.firstStep);
    line += ", " + (training.outcome ? printable(*training.outcome) : "not ended");
    if (training.end)
        line += " after " + timeText(static_cast<double>((*training.end - training.begin).count()) / 1e9);
    if (warnings > 0) line += ", " + std::to_string(warnings) + (warnings == 1 ? " warning" : " warnings");
    if (!training.reason.empty()) line += ": " + printable(training.reason, 400);
    return line + '\n';
}

nlohmann::json jsonOf(const TrainingRow& training, const Snapshot& snapshot) {
    const TrainingFacts& facts = training.facts;
    nlohmann::json row{{"training", training.training.value()},
                       {"kind", nameOf(facts.kind)},
                       {"model", facts.model},
                       {"device", facts.device},
                       {"dtype", facts.dtype},
                       {"first_step", facts.firstStep},
                       {"steps", facts.steps},
                       {"steps_recorded", stepsOf(training, snapshot)},
                       {"outcome", nullptr},
                       {"seconds", nullptr},
                       {"reason", training.reason},
                       {"tasks", nlohmann::json::array()},
                       {"warnings", nlohmann::json::array()}};
    if (training.outcome) row["outcome"] = *training.outcome;
    if (training.end) row["seconds"] = static_cast<double>((*training.end - training.begin).count()) / 1e9;
    for (const TrainingTask& task : facts.tasks) {
        nlohmann::json one{{"name", task.name}, {"share", task.share}, {"target", nullptr}};
        if (task.target) one["target"] = *task.target;
        row["tasks"].push_back(std::move(one));
    }
    for (const TrainingWarningRow& warning : training.warnings)
        row["warnings"].push_back({{"step", warning.step}, {"text", warning.text}});
    return row;
}

}  // namespace

std::string textOf(const CaptureInfo& info) {
    std::string text =
        info.file.string() + ": version " + std::to_string(info.version) + ", " + byteText(info.bytes) +
        (info.logBytes > 0 ? " and " + byteText(info.logBytes) + " in its write-ahead log" : "") +
        (info.live ? ", being recorded" : "") + "\n\n";
    for (const ModelRow& model : info.snapshot->models)
        text += "model " + printable(model.facts.name) + ": " + printable(model.facts.architecture) + ", " +
                std::to_string(model.facts.layers) + " layers\n";
    for (const ProcessRow& process : info.snapshot->processes)
        text += "process " + std::to_string(process.process.value()) + " on " + printable(process.host) +
                ": " + printable(process.program) + ", " + printable(process.collector) + '\n';
    for (const RunRow& run : info.snapshot->runs) text += runLine(run);
    for (const TrainingRow& training : info.snapshot->trainings)
        text += trainingLine(training, *info.snapshot);
    for (const CollectorInfo& c : info.collectors) text += "collector " + sentenceOf(c) + '\n';
    for (const FigureInfo& f : info.figures) {
        text += "quality of run " + std::to_string(f.run.value()) + ": " + printable(f.figure) + " " +
                numberText(f.value) + (f.note.empty() ? "" : ", " + printable(f.note, 400)) + '\n';
    }
    text += '\n';
    for (const TableInfo& table : info.tables) {
        if (table.rows == 0) continue;
        text += table.name + ": " + std::to_string(table.rows) + (table.rows == 1 ? " row" : " rows") +
                (table.bytes ? ", " + byteText(*table.bytes) : "") + '\n';
    }
    for (const std::string& problem : info.problems) text += "problem: " + problem + '\n';
    return text;
}

nlohmann::json jsonOf(const CaptureInfo& info) {
    nlohmann::json json{{"file", info.file.string()},
                        {"version", info.version},
                        {"bytes", info.bytes},
                        {"log_bytes", info.logBytes},
                        {"live", info.live},
                        {"problems", info.problems},
                        {"runs", nlohmann::json::array()},
                        {"trainings", nlohmann::json::array()},
                        {"collectors", nlohmann::json::array()},
                        {"quality", nlohmann::json::array()},
                        {"tables", nlohmann::json::array()}};
    for (const RunRow& run : info.snapshot->runs) {
        nlohmann::json row{{"run", run.run.value()},   {"role", run.role},
                           {"policy", run.policyName}, {"sparse", run.sparse},
                           {"device", run.device},     {"dtype", run.dtype},
                           {"dropped", run.dropped},   {"clock_locked", run.clockLocked},
                           {"origin", run.origin},     {"outcome", nullptr},
                           {"seconds", nullptr}};
        if (run.outcome) row["outcome"] = *run.outcome;
        if (run.end) row["seconds"] = static_cast<double>((*run.end - run.begin).count()) / 1e9;
        json["runs"].push_back(std::move(row));
    }
    for (const TrainingRow& training : info.snapshot->trainings)
        json["trainings"].push_back(jsonOf(training, *info.snapshot));
    for (const CollectorInfo& c : info.collectors)
        json["collectors"].push_back({{"process", c.process.value()},
                                      {"run", c.run},
                                      {"name", c.name},
                                      {"state", c.state},
                                      {"reason", c.reason},
                                      {"remedy", c.remedy}});
    for (const FigureInfo& f : info.figures)
        json["quality"].push_back(
            {{"run", f.run.value()}, {"figure", f.figure}, {"value", f.value}, {"note", f.note}});
    for (const TableInfo& table : info.tables) {
        nlohmann::json row{{"name", table.name}, {"rows", table.rows}, {"bytes", nullptr}};
        if (table.bytes) row["bytes"] = *table.bytes;
        json["tables"].push_back(std::move(row));
    }
    return json;
}

nlohmann::json jsonOf(const std::vector<Violation>& violations) {
    nlohmann::json json = nlohmann::json::array();
    for (const Violation& v : violations)
        json.push_back({{"table", v.table}, {"rule", v.rule}, {"count", v.count}, {"example", v.example}});
    return json;
}

void writeAnswer(const std::string& file, const std::string& sql, bool asJson, Terminal& terminal) {
    std::vector<std::string> columns;
    std::string line;
    const auto columnsAre = [&](const std::vector<std::string>& names) {
        columns = names;
        if (asJson) return;
        line.clear();
        for (const std::string& name : names) {
            if (!line.empty()) line += '\t';
            appendEscaped(line, name);
        }
        terminal.result(line + '\n');
    };
    const auto rowIs = [&](const std::vector<SqlValue>& row) {
        line.clear();
        if (asJson) {
            nlohmann::ordered_json object = nlohmann::ordered_json::object();
            for (std::size_t i = 0; i < row.size(); ++i) object[columns[i]] = jsonOf(row[i]);
            line = object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
        } else {
            for (std::size_t i = 0; i < row.size(); ++i) {
                if (i > 0) line += '\t';
                appendValue(line, row[i]);
            }
        }
        terminal.result(line + '\n');
        return true;
    };
    queryCapture(file, sql, {.columns = columnsAre, .row = rowIs});
}

}  // namespace fluxscope::cli
