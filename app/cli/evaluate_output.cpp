#include "app/cli/evaluate_output.h"

#include "app/cli/terminal.h"
#include "engine/contract/error.h"

#include <nlohmann/json.hpp>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ostream>

namespace fluxscope::cli {
namespace {

using nlohmann::json;

json orNull(const std::optional<double>& value) { return value ? json(*value) : json(); }

// The columns of JSON and CSV alike.
constexpr std::array<const char*, 13> kColumns{"task",      "split",   "length",   "policy", "scorer",
                                               "samples",   "score",   "low",      "high",   "full_share",
                                               "loss_nats", "mean_kl", "same_top1"};

json rowOf(const EvaluationReport& report, const EvaluationResult& result,
           const std::vector<std::string>& policies) {
    const EvaluationCell& cell = report.plan.cells[result.cell];
    const auto ofScore = [&](double ScoreInterval::* part) {
        return result.score ? json((*result.score).*part) : json();
    };
    return {{"task", cell.task},
            {"split", cell.split},
            {"length", cell.length > 0 ? json(cell.length) : json()},
            {"policy", policies[result.policy]},
            {"scorer", cell.scorer},
            {"samples", result.samples},
            {"score", ofScore(&ScoreInterval::mean)},
            {"low", ofScore(&ScoreInterval::low)},
            {"high", ofScore(&ScoreInterval::high)},
            {"full_share", result.fullShare},
            {"loss_nats", orNull(result.lossNats)},
            {"mean_kl", orNull(result.meanKl)},
            {"same_top1", orNull(result.sameTop)}};
}

std::string csvField(const json& value) {
    if (value.is_null()) return {};
    if (!value.is_string()) return value.dump();
    auto text = value.get<std::string>();
    if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
    std::string quoted = "\"";
    for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + '"';
}

std::vector<std::string> cellsOf(const EvaluationReport& report, const EvaluationResult& result,
                                 const std::vector<std::string>& policies, bool hasLoss) {
    const EvaluationCell& cell = report.plan.cells[result.cell];
    std::vector<std::string> cells{
        printable(cell.task, 60) + (cell.split.empty() ? "" : " (" + cell.split + ")"),
        cell.length > 0 ? std::to_string(cell.length) : "-",
        printable(policies[result.policy], 40),
        result.score ? fmt::format("{:.3f}", result.score->mean) : "-",
        result.score ? fmt::format("{:.3f} to {:.3f}", result.score->low, result.score->high) : "-",
        fmt::format("{:.1f} %", 100 * result.fullShare),
        std::to_string(result.samples)};
    if (hasLoss) cells.push_back(result.lossNats ? fmt::format("{:.4f}", *result.lossNats) : "-");
    if (report.plan.fidelity) {
        cells.push_back(result.meanKl ? fmt::format("{:.3g}", *result.meanKl) : "-");
        cells.push_back(result.sameTop ? fmt::format("{:.1f} %", 100 * *result.sameTop) : "-");
    }
    return cells;
}

}  // namespace

std::string table(const EvaluationReport& report, const std::vector<std::string>& policies) {
    const bool hasLoss =
        std::ranges::any_of(report.results, [](const EvaluationResult& r) { return r.lossNats.has_value(); });
    std::vector<std::vector<std::string>> rows{
        {"task", "length", "policy", "score", "95 % interval", "full layers", "samples"}};
    if (hasLoss) rows.front().emplace_back("nats a token");
    if (report.plan.fidelity) {
        rows.front().emplace_back("KL to full");
        rows.front().emplace_back("same first choice");
    }
    for (const EvaluationResult& result : report.results)
        rows.push_back(cellsOf(report, result, policies, hasLoss));
    std::string text;
    for (const std::vector<std::string>& row : rows) {
        for (std::size_t c = 0; c < row.size(); ++c) {
            std::size_t width = 0;
            for (const auto& other : rows) width = std::max(width, other[c].size());
            const std::string space(width - row[c].size(), ' ');
            const bool isName = c == 0 || c == 2;  // names to the left, numbers to the right
            text += (c > 0 ? "  " : "") + (isName ? row[c] + space : space + row[c]);
        }
        text += '\n';
    }
    return text;
}

json toJson(const EvaluationReport& report, const std::vector<std::string>& policies) {
    json results = json::array();
    for (const EvaluationResult& result : report.results) results.push_back(rowOf(report, result, policies));
    return {{"results", results},         {"sparse", report.plan.sparse}, {"device", report.plan.device},
            {"dtype", report.plan.dtype}, {"answers", report.answers},    {"reused", report.reused}};
}

void writeCsv(std::ostream& out, const EvaluationReport& report, const std::vector<std::string>& policies) {
    for (const char* column : kColumns) out << (column == kColumns.front() ? "" : ",") << column;
    out << '\n';
    for (const EvaluationResult& result : report.results) {
        const json row = rowOf(report, result, policies);
        for (const char* column : kColumns)
            out << (column == kColumns.front() ? "" : ",") << csvField(row.at(column));
        out << '\n';
    }
}

std::string progressText(const EvaluationProgress& progress) {
    std::string text = std::to_string(progress.done) + " of " + std::to_string(progress.total);
    if (progress.secondsLeft) text += ", " + remainingText(*progress.secondsLeft);
    return text;
}

}  // namespace fluxscope::cli
