#include "profiler/report/detail/device_html.h"

#include "profiler/figure/number.h"
#include "profiler/figure/roofline_figure.h"
#include "profiler/figure/traffic_figure.h"
#include "profiler/report/detail/html_parts.h"

namespace fluxscope {

namespace {

constexpr double kRooflineHeight = 460;
constexpr std::size_t kShownName = 140;

std::string openTable(std::initializer_list<const char*> names) {
    return "<div class=\"scroll\"><table class=\"shares\">\n" + headings(names);
}
const char* const kCloseTable = "</table></div>\n";

std::string muted(std::string_view text) { return element("p", text, "class=\"muted\"") + "\n"; }

std::string ns(Nanoseconds time) { return formatted(static_cast<double>(time.count()), Unit::Time); }

std::string numberOr(const std::optional<double>& value, Unit unit) {
    return value ? formatted(*value, unit) : std::string("–");
}

std::string collectorTable(const Report& report) {
    std::string out;
    for (const ProcessRow& p : report.processes)
        out += muted("Process " + std::to_string(p.process.value()) + " recorded with " + p.collector + ".");
    if (report.collectors.empty())
        return out + muted("No collector was missing, as far as this capture says.");
    out += openTable({"collector", "of", "state", "why", "what to do"});
    for (const CollectorInfo& c : report.collectors)
        out += cells(
            {c.name,
             c.run < 0 ? "process " + std::to_string(c.process.value()) : "run " + std::to_string(c.run),
             c.state, c.reason, c.remedy});
    return out + kCloseTable;
}

std::string bytesTable(const std::vector<PhaseBytes>& rows, bool byLayer) {
    std::string out = byLayer ? openTable({"phase", "layer", "source", "read", "written", "steps", "note"})
                              : openTable({"phase", "source", "read", "written", "steps", "note"});
    for (const PhaseBytes& b : rows) {
        const std::string note = b.lowConfidence == 0
                                     ? std::string()
                                     : formattedCount(b.lowConfidence) + " of " +
                                           formattedCount(b.layerSteps) + " layer steps with few samples";
        const std::string phase(nameOf(b.phase));
        const std::string read = formatted(b.read, Unit::Bytes);
        const std::string written = formatted(b.written, Unit::Bytes);
        if (byLayer)
            out += cells({phase, "L" + std::to_string(b.layer ? b.layer->value() : -1), b.origin, read,
                          written, formattedCount(b.steps), note});
        else
            out += cells({phase, b.origin, read, written, formattedCount(b.steps), note});
    }
    return out + kCloseTable;
}

}  // namespace

std::string shownName(const std::string& name) {
    const Excerpt excerpt = excerptOf(name, kShownName);
    return excerpt.text + (excerpt.omitted > 0 ? "…" : "");
}

std::string passNames(const ReportRun& run) {
    std::string out;
    const auto add = [&](const std::optional<RunIndex>& pass, const char* role) {
        if (pass && *pass != run.settings.run)
            out += (out.empty() ? "run " : ", run ") + std::to_string(pass->value()) + " (" + role + ")";
    };
    add(run.passes.timeline, "timeline");
    add(run.passes.counters, "counters");
    return out;
}

std::string qualitySection(const Report& report) {
    std::string out = element("h2", "How this was recorded") + "\n" + collectorTable(report);
    for (const ReportRun& run : report.runs) {
        out += element("h3", runName(run)) + "\n" + openTable({"check", "", "what it says"});
        for (const QualityRow& row : run.quality)
            out += cells({row.check, std::string(nameOf(row.verdict)), row.sentence});
        out += kCloseTable;
    }
    return out;
}

std::string kernelTables(const ReportRun& run) {
    if (run.kernels == 0) return {};
    std::string out = element("h4", "Kernels") + "\n" +
                      muted(formattedCount(run.kernels) +
                            " kernels were recorded. Shares are of their durations together.") +
                      openTable({"kernel", "phase", "op", "count", "total", "share", "median", "p90"});
    for (const TopKernel& k : run.topKernels)
        out += cells({shownName(k.name), k.phase ? std::string(nameOf(*k.phase)) : "–",
                      k.op           ? std::string(nameOf(*k.op))
                      : k.attributed ? "–"
                                     : "unattributed",
                      formattedCount(k.count), ns(k.total), formatted(k.share, Unit::Share),
                      formatted(k.nanoseconds.median, Unit::Time), formatted(k.nanoseconds.p90, Unit::Time)});
    out += kCloseTable;
    if (run.omittedKernels > 0)
        out += muted(formattedCount(run.omittedKernels) + " more kernels are in the capture.");
    if (run.gaps.empty()) return out;
    out += openTable({"stream", "phase", "kernels", "busy", "gaps", "idle", "launch-bound",
                      "of unknown cause", "longest gap", "launch-bound share"});
    for (const StreamGaps& g : run.gaps)
        out += cells({g.name, g.phase ? std::string(nameOf(*g.phase)) : "unattributed",
                      formattedCount(g.kernels), ns(g.busy), formattedCount(g.gaps), ns(g.idle),
                      ns(g.launchBound), ns(g.unknown), ns(g.longest),
                      numberOr(g.launchBoundShare(), Unit::Share)});
    return out + kCloseTable +
           muted(
               "A gap is launch-bound as far as the host had not yet returned from launching the kernel that "
               "ends "
               "it. The share is of the time that kernels and gaps of known cause take.");
}

std::string bytesTables(const ReportRun& run) {
    if (run.bytes.empty()) return {};
    std::string out = element("h4", "Bytes by source") + "\n";
    const std::string passes = passNames(run);
    out += muted(passes.empty()
                     ? std::string("Sources stand side by side and are never added up.")
                     : "Measured in " + passes +
                           ", which repeated this run. Sources stand side by side and are never added up.");
    out += bytesTable(run.bytes, false);
    if (run.layerBytes.empty()) return out;
    return out + "<details>" + element("summary", "By layer") + bytesTable(run.layerBytes, true) +
           "</details>\n";
}

std::string rooflineSection(const ReportRun& run) {
    const Roofline& roof = run.roofline;
    if (roof.points.empty()) return {};
    std::string out = element("h4", "Roofline") + "\n" +
                      muted("Ceilings: " + roof.ceilings.origin() + ". FLOPs are modelled, kernels/cost.") +
                      openTable({"work", "time", "bytes", "FLOPs", "FLOPs a byte", "bandwidth", "of peak",
                                 "rate", "of the roof", "bound by", "bytes from"});
    for (const RooflinePoint& p : roof.points)
        out +=
            cells({p.work.label, formatted(p.work.seconds * 1e9, Unit::Time),
                   formatted(p.work.bytes, Unit::Bytes), formatted(p.work.flops, Unit::Flops),
                   numberOr(p.intensity, Unit::None), numberOr(p.bytesPerSecond, Unit::BytesPerSecond),
                   numberOr(p.bandwidthShare, Unit::Share), numberOr(p.flopsPerSecond, Unit::FlopsPerSecond),
                   numberOr(p.roofShare, Unit::Share), std::string(nameOf(p.bound)), p.work.bytesOrigin});
    out += kCloseTable;
    const std::string id = "f" + std::to_string(run.settings.run.value());
    return out + figureElement(id, "Roofline, " + runName(run), [&](const Theme& theme) {
               return rooflineFigure(roof, {}, {kFigureWidth, kRooflineHeight}, theme).list;
           });
}

std::string trafficSection(const ReportRun& run) {
    if (run.traffic.series.empty()) return {};  // power alone is no traffic
    TrafficView view;
    view.ceiling = run.roofline.ceilings.bytesPerSecond;
    if (view.ceiling) view.ceilingOrigin = run.roofline.ceilings.measured ? "measured" : "nameplate";
    const std::string id = "b" + std::to_string(run.settings.run.value());
    const Size size{kFigureWidth, trafficFigureHeight(run.traffic)};
    return figureElement(id, "Traffic over time, " + runName(run), [&](const Theme& theme) {
        return trafficFigure(run.traffic, view, size, theme).list;
    });
}

}  // namespace fluxscope
