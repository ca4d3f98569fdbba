#include "profiler/figure/number.h"
#include "profiler/report/detail/device_markdown.h"
#include "profiler/report/detail/markdown_parts.h"
#include "profiler/report/report.h"

#include <algorithm>

namespace fluxscope {

using markdown::cleaned;
using markdown::heading;
using markdown::inlineText;
using markdown::row;

namespace {

// A block that the text in it cannot close: its fence is longer than any run of backticks inside.
std::string block(const Excerpt& excerpt) {
    const std::string text = cleaned(excerpt.text);
    std::size_t longest = 0;
    std::size_t run = 0;
    for (const char c : text) {
        run = c == '`' ? run + 1 : 0;
        longest = std::max(longest, run);
    }
    const std::string fence(std::max<std::size_t>(3, longest + 1), '`');
    std::string out = fence + "text\n" + text + (text.ends_with('\n') ? "" : "\n") + fence + "\n";
    if (excerpt.omitted > 0)
        out += "\n" + formattedCount(excerpt.omitted) + " more characters in the capture.\n";
    return out;
}

std::string percent(const FullShare& share) {
    const auto value = share.value();
    return value ? formatted(*value, Unit::Share) : "–";
}

std::string runName(const ReportRun& run) {
    return "Run " + std::to_string(run.settings.run.value()) + ": " + inlineText(run.settings.policyName);
}

std::string summary(const Report& report) {
    std::string out = "## Runs\n\n";
    for (const ReportRun& run : report.runs) {
        const RunRow& r = run.settings;
        const RunSummary& s = run.summary;
        out += "### " + runName(run) + "\n\n";
        out += inlineText(run.model) + ", sparse form " + inlineText(r.sparse) + ", seed " +
               std::to_string(r.seed) + ", " + inlineText(r.device) + " " + inlineText(r.dtype) + ", role " +
               inlineText(r.role) + ", " + inlineText(s.outcome) + ". " + formattedCount(s.prompts) +
               " prompts, " + formattedCount(s.promptTokens) + " prompt tokens, " +
               formattedCount(s.generatedTokens) + " generated, " + formattedCount(s.dropped) +
               " records dropped.\n\n";
        out += heading({"", "value", "origin"});
        for (const ReportMetric& metric : reportMetrics()) {
            const Quantity& q = s.*metric.quantity;
            out += row({metric.label, q.value ? metric.shown(*q.value) : "–", inlineText(q.origin)});
        }
        out += "\n";
        if (run.routing.groups.empty() || run.routing.layers == 0) continue;

        std::vector<std::string> names{"full attention"};
        for (const RoutingGroup& group : run.routing.groups)
            names.push_back(inlineText(group.kind.empty() ? "no kind" : group.kind));
        names.emplace_back("all");
        out += heading(names);
        const std::vector<FullShare> shares = sharesByKind(run.routing);
        for (std::int32_t layer = 0; layer < run.routing.layers; ++layer) {
            std::vector<std::string> cells{"L" + std::to_string(layer)};
            for (std::size_t g = 0; g < run.routing.groups.size(); ++g)
                cells.push_back(
                    percent(shares[static_cast<std::size_t>(layer) * run.routing.groups.size() + g]));
            cells.push_back(percent(run.routing.layerShares[static_cast<std::size_t>(layer)]));
            out += row(cells);
        }
        out += "\n";
    }
    if (report.omittedRuns > 0)
        out += formattedCount(report.omittedRuns) + " more runs are in the capture.\n\n";
    return out;
}

std::string latency(const ReportRun& run) {
    if (const auto* refused = std::get_if<LatencyRefused>(&run.latency))
        return "No latency: " + inlineText(refused->sentence) + ".\n\n";
    const auto& l = std::get<Latency>(run.latency);
    std::string out = heading({"latency", "median", "p90", "p99", "values", "origin"});
    for (const auto& [name, figure] : reportLatencies(l)) {
        const Percentiles& p = figure->seconds;
        const auto shown = [&](double s) {
            return p.count > 0 ? formatted(s * 1e9, Unit::Time) : std::string("–");
        };
        out += row({name, shown(p.median), shown(p.p90), shown(p.p99), formattedCount(p.count),
                    inlineText(figure->origin)});
    }
    return out + "\n" + inlineText(l.warmUp) + ".\n\n";
}

std::string timeAndMemory(const Report& report) {
    std::string out = "## Time and memory\n\n";
    for (const ReportRun& run : report.runs) {
        out += "### " + runName(run) + "\n\n" + latency(run);
        if (!run.breakdown.empty())
            out += heading({"phase", "mode", "layer steps", "time", "bytes", "time from", "bytes from"});
        for (const BreakdownRow& b : run.breakdown)
            out += row({b.phase ? std::string(nameOf(*b.phase)) : "–",
                        b.mode ? std::string(nameOf(*b.mode)) : std::string(nameOf(b.part)),
                        formattedCount(b.steps), formatted(static_cast<double>(b.time.count()), Unit::Time),
                        formatted(b.bytesRead + b.bytesWritten, Unit::Bytes), inlineText(b.timeOrigin),
                        inlineText(b.bytesOrigin)});
        if (!run.breakdown.empty()) out += "\n";
        out += kernelsInMarkdown(run) + bytesInMarkdown(run) + rooflineInMarkdown(run);
        if (!run.kv.empty())
            out += "KV: " + formatted(run.kv.total.kept, Unit::Bytes) + " kept of " +
                   formatted(run.kv.total.full(), Unit::Bytes) + ", " +
                   formatted(run.kv.total.freedShare(), Unit::Share) + " freed (" +
                   inlineText(run.kv.origin) + ").\n\n";
        for (const std::string& finding : run.health.findings) out += "- " + inlineText(finding) + "\n";
        if (!run.health.findings.empty()) out += "\n";
    }
    return out;
}

std::string decisionCostTables(const Report& report) {
    if (report.decisionCosts.empty()) return {};
    std::string out = "## What deciding full costs\n\n";
    for (const DecisionCosts& c : report.decisionCosts) {
        std::string ids;
        for (const std::string& id : c.prompts) ids += (ids.empty() ? "" : ", ") + inlineText(id);
        out += "### " + ids + "\n\nFull against " + inlineText(c.sparse) +
               ". Times: " + inlineText(c.timeOrigin) + ". Bytes: " + inlineText(c.bytesOrigin) +
               (c.modelled ? ". Modelled, nothing of this was measured.\n\n" : ".\n\n");
        if (c.rows.empty()) continue;
        out += heading({"phase", "layer", "full", "sparse", "cost", "bytes more"});
        for (const DecisionCost& d : c.rows) {
            const auto time = [](const std::optional<double>& ns) {
                return ns ? formatted(*ns, Unit::Time) : std::string("–");
            };
            out += row({std::string(nameOf(d.phase)), "L" + std::to_string(d.layer.value()),
                        time(d.fullNs ? std::optional(d.fullNs->median) : std::nullopt),
                        time(d.sparseNs ? std::optional(d.sparseNs->median) : std::nullopt), time(d.costNs()),
                        formatted(d.costBytes(), Unit::Bytes)});
        }
        out += "\n";
    }
    return out;
}

std::string prompts(const Report& report) {
    if (report.prompts.empty()) return {};
    std::string out = "## Prompts\n\n";
    for (const ReportPrompt& prompt : report.prompts) {
        out += "### " + inlineText(prompt.id) +
               (prompt.kind.empty() ? "" : " (" + inlineText(prompt.kind) + ")") + "\n\n";
        out += prompt.text ? block(*prompt.text) : std::string("Recorded without its text.\n");
        if (!prompt.answer.text.empty()) out += "\nExpected answer:\n\n" + block(prompt.answer);
        for (const ReportOutput& output : prompt.outputs)
            out += "\nRun " + std::to_string(output.run.value()) + " wrote " + formattedCount(output.tokens) +
                   " tokens:\n\n" + block(output.text);
        out += "\n";
    }
    if (report.omittedPrompts > 0)
        out += formattedCount(report.omittedPrompts) + " more prompts are in the capture.\n\n";
    return out;
}

std::string provenance(const Report& report) {
    std::string out = "## Where this comes from\n\n" + heading({"what", "value", "learnt from"});
    for (const ProcessRow& p : report.processes) {
        out += row({"host", inlineText(p.host), "recorder"});
        out += row({"program", inlineText(p.program), "recorder"});
        out += row({"collector", inlineText(p.collector), "recorder"});
    }
    for (const ModelRow& model : report.models) {
        out +=
            row({"model",
                 inlineText(model.facts.name) + (model.facts.untrained ? " (untrained, random weights)" : ""),
                 "config.json"});
        out += row({"architecture", inlineText(model.facts.architecture), "config.json"});
        out += row({"model hash", inlineText(model.facts.hash), "config and tensor index"});
    }
    for (const ReportOverhead& overhead : report.overhead)
        out += row({"cost of recording", inlineText(overhead.text), inlineText(overhead.source)});
    for (const EnvironmentRow& e : report.environment)
        if (e.name != "overhead") out += row({inlineText(e.name), inlineText(e.value), inlineText(e.source)});
    return out;
}

}  // namespace

std::string markdownReport(const Report& report) {
    std::string out = "# FluxScope report: " + inlineText(report.title) + "\n\n";
    for (const std::string& notice : report.notices) out += "> " + inlineText(notice) + "\n\n";
    if (report.runs.empty()) out += "This capture holds no run.\n\n";
    return out +
           (report.runs.empty() ? "" : summary(report) + qualityInMarkdown(report) + timeAndMemory(report)) +
           decisionCostTables(report) + prompts(report) + provenance(report);
}

}  // namespace fluxscope
