#include "profiler/figure/kv_memory_figure.h"
#include "profiler/figure/layer_cost_figure.h"
#include "profiler/figure/margins_figure.h"
#include "profiler/figure/number.h"
#include "profiler/figure/routing_figure.h"
#include "profiler/figure/time_line_figure.h"
#include "profiler/report/detail/device_html.h"
#include "profiler/report/detail/html_parts.h"
#include "profiler/report/detail/page_template.h"
#include "profiler/report/report.h"

namespace fluxscope {

namespace {

std::string rowOf(std::string_view name, std::string_view value, std::string_view source) {
    return "<tr>" + element("th", name, "scope=\"row\"") + element("td", value, "class=\"wide\"") +
           element("td", source, "class=\"muted\"") + "</tr>\n";
}

std::string quantityCell(const Quantity& q, const ReportMetric& metric) {
    return "<td class=\"number\">" + (q.value ? escapedXml(metric.shown(*q.value)) : "–") +
           "<span class=\"origin\">" + escapedXml(q.origin) + "</span></td>";
}

std::string summaryTable(const Report& report) {
    std::string out = std::string("<div class=\"scroll\"><table") +
                      (report.runs.size() == 1 ? " class=\"one\"" : "") + ">\n<tr><td></td>";
    for (const ReportRun& run : report.runs) out += element("th", runName(run), "scope=\"col\"");
    out += "</tr>\n";
    const auto line = [&](std::string_view name, const auto& value) {
        out += "<tr>" + element("th", name, "scope=\"row\"");
        for (const ReportRun& run : report.runs) out += element("td", value(run), "class=\"number\"");
        out += "</tr>\n";
    };
    line("Outcome", [](const ReportRun& run) { return run.summary.outcome; });
    line("Prompts", [](const ReportRun& run) { return formattedCount(run.summary.prompts); });
    line("Prompt tokens", [](const ReportRun& run) { return formattedCount(run.summary.promptTokens); });
    line("Generated tokens",
         [](const ReportRun& run) { return formattedCount(run.summary.generatedTokens); });
    for (const ReportMetric& metric : reportMetrics()) {
        out += "<tr>" + element("th", metric.label, "scope=\"row\"");
        for (const ReportRun& run : report.runs) out += quantityCell(run.summary.*metric.quantity, metric);
        out += "</tr>\n";
    }
    line("Records dropped", [](const ReportRun& run) { return formattedCount(run.summary.dropped); });
    out += "</table></div>\n";
    if (report.omittedRuns > 0)
        out += element("p", formattedCount(report.omittedRuns) + " more runs are in the capture.",
                       "class=\"muted\"") +
               "\n";
    return out;
}

std::string settingsTable(const ReportRun& run) {
    const RunRow& r = run.settings;
    std::string out = "<details>" + element("summary", "Settings") + "<table>\n";
    out += rowOf("Model", run.model, "");
    out += rowOf("Policy", r.policyJson, "");
    out += rowOf("Sparse form", r.sparse, "");
    out += rowOf("Device and type", r.device + ", " + r.dtype, "");
    out += rowOf("Role", r.role + (r.repeat > 0 ? ", repeat " + std::to_string(r.repeat) : ""), "");
    out += rowOf("Seed", std::to_string(r.seed), "");
    out += rowOf("New tokens at most", formattedCount(r.maxNew), "");
    out += rowOf("Tokens in a prefill chunk", formattedCount(r.chunkTokens), "");
    return out + "</table></details>\n";
}

std::string shareTable(const RoutingTable& table) {
    std::string out = "<details>" + element("summary", "Share of full attention by layer and kind") +
                      "<div class=\"scroll\"><table class=\"shares\">\n<tr><th>layer</th>";
    for (const RoutingGroup& group : table.groups)
        out += element("th", group.kind.empty() ? "no kind" : group.kind);
    out += "<th>all</th></tr>\n";
    const auto cell = [](const FullShare& share) {
        const auto value = share.value();
        return element("td", value ? formatted(*value, Unit::Share) : "–");
    };
    const std::vector<FullShare> shares = sharesByKind(table);
    for (std::int32_t layer = 0; layer < table.layers; ++layer) {
        out += "<tr>" + element("th", "L" + std::to_string(layer), "scope=\"row\"");
        for (std::size_t g = 0; g < table.groups.size(); ++g)
            out += cell(shares[static_cast<std::size_t>(layer) * table.groups.size() + g]);
        out += cell(table.layerShares[static_cast<std::size_t>(layer)]) + "</tr>\n";
    }
    return out + "</table></div></details>\n";
}

// What the routers of a run are worth: sentences, and the margins they rest on.
std::string health(const ReportRun& run, const std::string& id) {
    if (run.health.empty()) return {};
    std::string out = "<ul>\n";
    for (const std::string& finding : run.health.findings) out += element("li", finding) + "\n";
    const Size size{kFigureWidth, marginsFigureHeight(run.health)};
    return out + "</ul>\n" +
           figureElement("m" + id, "Router margins by layer, " + runName(run),
                         [&](const Theme& theme) { return marginsFigure(run.health, {}, size, theme).list; });
}

std::string routing(const Report& report) {
    std::string out;
    for (const ReportRun& run : report.runs) {
        out += element("h3", runName(run)) + "\n" + settingsTable(run);
        if (run.routing.columns.empty() || run.routing.layers == 0) {
            out += element("p", "No decision was recorded.", "class=\"muted\"") + "\n";
            continue;
        }
        const Size size{kFigureWidth, routingFigureHeight(run.routing, kFigureWidth)};
        out += figureElement(
            "r" + std::to_string(run.settings.run.value()), "Routing by layer and prompt, " + runName(run),
            [&](const Theme& theme) { return routingFigure(run.routing, {}, size, theme).list; });
        out += shareTable(run.routing) + health(run, std::to_string(run.settings.run.value()));
    }
    return out;
}

std::string latencyTable(const ReportRun& run) {
    const auto* refused = std::get_if<LatencyRefused>(&run.latency);
    if (refused != nullptr)
        return element("p", "No latency: " + refused->sentence + ".", "class=\"muted\"") + "\n";
    const auto& l = std::get<Latency>(run.latency);
    std::string out = "<div class=\"scroll\"><table class=\"shares\">\n" +
                      headings({"latency", "median", "p10", "p90", "p99", "most", "values", "origin"});
    for (const auto& [name, figure] : reportLatencies(l)) {
        const Percentiles& p = figure->seconds;
        const auto shown = [&](double s) {
            return p.count > 0 ? formatted(s * 1e9, Unit::Time) : std::string("–");
        };
        out += cells({name, shown(p.median), shown(p.p10), shown(p.p90), shown(p.p99), shown(p.most),
                      formattedCount(p.count), figure->origin});
    }
    return out + "</table></div>\n" + element("p", l.warmUp + ".", "class=\"muted\"") + "\n";
}

std::string breakdownTable(const ReportRun& run) {
    if (run.breakdown.empty()) return {};
    std::string out =
        "<div class=\"scroll\"><table class=\"shares\">\n" +
        headings({"phase", "mode", "layer steps", "time", "bytes", "FLOPs", "time from", "bytes from"});
    for (const BreakdownRow& row : run.breakdown)
        out += cells({row.phase ? std::string(nameOf(*row.phase)) : "–",
                      row.mode ? std::string(nameOf(*row.mode)) : std::string(nameOf(row.part)),
                      formattedCount(row.steps), formatted(static_cast<double>(row.time.count()), Unit::Time),
                      formatted(row.bytesRead + row.bytesWritten, Unit::Bytes),
                      formatted(row.flops, Unit::Flops), row.timeOrigin, row.bytesOrigin});
    return out + "</table></div>\n";
}

std::string timeAndMemory(const Report& report) {
    std::string out = element("h2", "Time and memory") + "\n";
    for (const ReportRun& run : report.runs) {
        const std::string id = std::to_string(run.settings.run.value());
        out += element("h3", runName(run)) + "\n" + latencyTable(run) + breakdownTable(run) +
               kernelTables(run) + bytesTables(run) + rooflineSection(run);
        if (!run.timeLine.empty()) {
            const Size size{kFigureWidth, timeLineFigureHeight(run.timeLine)};
            out += figureElement("t" + id, "Time line, " + runName(run), [&](const Theme& theme) {
                return timeLineFigure(run.timeLine, {}, size, theme).list;
            });
        }
        out += trafficSection(run);
        if (!run.kv.empty()) {
            const Size size{kFigureWidth, kvMemoryFigureHeight(run.kv)};
            out += figureElement("k" + id, "KV memory by layer, " + runName(run), [&](const Theme& theme) {
                return kvMemoryFigure(run.kv, {}, size, theme).list;
            });
        }
    }
    return out;
}

std::string decisionCostTables(const Report& report) {
    if (report.decisionCosts.empty()) return {};
    std::string out = element("h2", "What deciding full costs") + "\n";
    for (const DecisionCosts& c : report.decisionCosts) {
        std::string prompts;
        for (const std::string& id : c.prompts) prompts += (prompts.empty() ? "" : ", ") + id;
        out += element("h3", prompts) + "\n" +
               element("p",
                       "Full against " + c.sparse + ". Times: " + c.timeOrigin + ". Bytes: " + c.bytesOrigin +
                           (c.modelled
                                ? ". Modelled, nothing of this was measured: the first step of decode."
                                : ". A step of decode is a mean over steps; repeats count as their median."),
                       "class=\"muted\"") +
               "\n";
        if (c.rows.empty()) continue;
        out += "<div class=\"scroll\"><table class=\"shares\">\n" +
               headings({"phase", "layer", "full", "sparse", "cost", "bytes more", "FLOPs more"});
        for (const DecisionCost& row : c.rows) {
            const auto time = [](const std::optional<double>& ns) {
                return ns ? formatted(*ns, Unit::Time) : std::string("–");
            };
            out += cells({std::string(nameOf(row.phase)), "L" + std::to_string(row.layer.value()),
                          time(row.fullNs ? std::optional(row.fullNs->median) : std::nullopt),
                          time(row.sparseNs ? std::optional(row.sparseNs->median) : std::nullopt),
                          time(row.costNs()), formatted(row.costBytes(), Unit::Bytes),
                          formatted(row.fullFlops - row.sparseFlops, Unit::Flops)});
        }
        out += "</table></div>\n";
    }
    if (report.omittedDecisionCosts > 0)
        out += element("p", formattedCount(report.omittedDecisionCosts) + " more pairs are in the capture.",
                       "class=\"muted\"") +
               "\n";
    return out;
}

std::string costs(const Report& report) {
    if (report.costs.empty()) return {};
    std::string out = element("h2", "Cost by layer and step") + "\n";
    if (report.omittedCosts > 0)
        out += element("p",
                       "Shown are " + std::to_string(report.costs.size()) + " prompts, kinds in turn; " +
                           formattedCount(report.omittedCosts) + " more are in the capture.",
                       "class=\"muted\"") +
               "\n";
    for (std::size_t i = 0; i < report.costs.size(); ++i) {
        const LayerCosts& c = report.costs[i];
        const Size size{kFigureWidth, layerCostFigureHeight(c, kFigureWidth)};
        const std::string title = c.promptId + ", run " + std::to_string(c.run.value());
        out += element("h3", title) + "\n" +
               figureElement("c" + std::to_string(i) + "x", "Time by layer and step, " + title,
                             [&](const Theme& theme) { return layerCostFigure(c, {}, size, theme).list; });
    }
    return out;
}

std::string excerpt(const Excerpt& e) {
    return element("pre", e.text) + "\n" +
           (e.omitted > 0 ? element("p", formattedCount(e.omitted) + " more characters in the capture.",
                                    "class=\"muted\"")
                          : "");
}

std::string prompts(const Report& report) {
    if (report.prompts.empty()) return {};
    std::string out = element("h2", "Prompts") + "\n";
    for (const ReportPrompt& prompt : report.prompts) {
        const std::string kind = prompt.kind + (prompt.split.empty() ? "" : ", " + prompt.split);
        out += "<details><summary>" + escapedXml(prompt.id) + " " + element("span", kind, "class=\"muted\"") +
               "</summary>\n";
        out += prompt.text ? excerpt(*prompt.text)
                           : element("p", "Recorded without its text.", "class=\"muted\"") + "\n";
        if (!prompt.answer.text.empty())
            out += element("p", "Expected answer", "class=\"muted\"") + excerpt(prompt.answer);
        for (const ReportOutput& output : prompt.outputs)
            out += element("p",
                           "Run " + std::to_string(output.run.value()) + " wrote " +
                               formattedCount(output.tokens) + " tokens",
                           "class=\"muted\"") +
                   excerpt(output.text);
        out += "</details>\n";
    }
    if (report.omittedPrompts > 0)
        out += element("p", formattedCount(report.omittedPrompts) + " more prompts are in the capture.",
                       "class=\"muted\"") +
               "\n";
    return out;
}

std::string provenance(const Report& report) {
    std::string out = element("h2", "Where this comes from") + "\n<div class=\"scroll\"><table>\n";
    for (const ModelRow& row : report.models) {
        const ModelFacts& m = row.facts;
        out += rowOf("Model", m.name + (m.untrained ? " (untrained: random weights)" : ""), m.path);
        out +=
            rowOf("Architecture",
                  m.architecture + ", " + std::to_string(m.layers) + " layers, " + std::to_string(m.heads) +
                      " heads, " + std::to_string(m.kvHeads) + " KV heads of " + std::to_string(m.headDim),
                  "config.json");
        out +=
            rowOf("Parameters",
                  formattedCount(m.parameters) + ", of which routers " + formattedCount(m.routerParameters),
                  "tensor index");
        out += rowOf("Model hash", m.hash, "config.json and tensor index");
    }
    for (const ProcessRow& p : report.processes) {
        out += rowOf("Host", p.host, "recorder");
        out += rowOf("Program", p.program, "recorder");
        out += rowOf("Collector", p.collector, "recorder");
    }
    for (const ReportOverhead& overhead : report.overhead)
        out += rowOf("Cost of recording", overhead.text, overhead.source);
    for (const EnvironmentRow& e : report.environment)
        if (e.name != "overhead") out += rowOf(e.name, e.value, e.source);
    out += "</table></div>\n";
    return out + element("p",
                         "Measured, modelled and sampled numbers say so beside them and are never added up. "
                         "The capture holds "
                         "every row behind this page.",
                         "class=\"muted\"");
}

// The page's own text is fixed; what is put in is not looked at again.
std::string filled(std::string_view page, std::string_view title, std::string_view body) {
    static constexpr std::string_view kTitle = "{{title}}";
    static constexpr std::string_view kBody = "{{body}}";
    const std::size_t t = page.find(kTitle);
    const std::size_t b = page.find(kBody);
    return std::string(page.substr(0, t)) + std::string(title) +
           std::string(page.substr(t + kTitle.size(), b - t - kTitle.size())) + std::string(body) +
           std::string(page.substr(b + kBody.size()));
}

}  // namespace

std::string htmlReport(const Report& report) {
    std::string body = element("h1", report.title.empty() ? "FluxScope report" : report.title) + "\n" +
                       element("p", "FluxScope report: what each layer's router decided, and what it cost.",
                               "class=\"muted\"") +
                       "\n";
    for (const std::string& notice : report.notices)
        body += element("div", notice, "class=\"notice\" role=\"note\"") + "\n";
    if (report.runs.empty())
        body += element("p", "This capture holds no run.") + "\n";
    else
        body += element("h2", "Runs") + "\n" + summaryTable(report) + qualitySection(report) +
                element("h2", "Routing") + "\n" + routing(report) + timeAndMemory(report);
    body += decisionCostTables(report) + costs(report) + prompts(report) + provenance(report);
    return filled(pageTemplate(), escapedXml("FluxScope: " + report.title), body);
}

}  // namespace fluxscope
