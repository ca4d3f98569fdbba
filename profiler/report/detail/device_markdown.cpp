#include "profiler/report/detail/device_markdown.h"

#include "profiler/figure/number.h"
#include "profiler/report/detail/device_html.h"
#include "profiler/report/detail/markdown_parts.h"

namespace fluxscope {

using markdown::heading;
using markdown::inlineText;
using markdown::row;

namespace {

std::string ns(Nanoseconds time) { return formatted(static_cast<double>(time.count()), Unit::Time); }

std::string numberOr(const std::optional<double>& value, Unit unit) {
    return value ? formatted(*value, unit) : std::string("–");
}

std::string phaseOr(const std::optional<Phase>& phase, const char* otherwise) {
    return phase ? std::string(nameOf(*phase)) : std::string(otherwise);
}

}  // namespace

std::string qualityInMarkdown(const Report& report) {
    std::string out = "## How this was recorded\n\n";
    for (const ProcessRow& p : report.processes)
        out += "Process " + std::to_string(p.process.value()) + " recorded with " + inlineText(p.collector) +
               ".\n\n";
    if (!report.collectors.empty()) {
        out += heading({"collector", "of", "state", "why", "what to do"});
        for (const CollectorInfo& c : report.collectors)
            out += row(
                {inlineText(c.name),
                 c.run < 0 ? "process " + std::to_string(c.process.value()) : "run " + std::to_string(c.run),
                 inlineText(c.state), inlineText(c.reason), inlineText(c.remedy)});
        out += "\n";
    } else {
        out += "No collector was missing, as far as this capture says.\n\n";
    }
    for (const ReportRun& run : report.runs) {
        out += "### Run " + std::to_string(run.settings.run.value()) + ": " +
               inlineText(run.settings.policyName) + "\n\n" + heading({"check", "", "what it says"});
        for (const QualityRow& check : run.quality)
            out += row(
                {inlineText(check.check), std::string(nameOf(check.verdict)), inlineText(check.sentence)});
        out += "\n";
    }
    return out;
}

std::string kernelsInMarkdown(const ReportRun& run) {
    if (run.kernels == 0) return {};
    std::string out = formattedCount(run.kernels) + " kernels were recorded.\n\n" +
                      heading({"kernel", "phase", "op", "count", "total", "share", "median"});
    for (const TopKernel& k : run.topKernels)
        out += row({inlineText(shownName(k.name)), phaseOr(k.phase, "–"),
                    k.op           ? std::string(nameOf(*k.op))
                    : k.attributed ? "–"
                                   : "unattributed",
                    formattedCount(k.count), ns(k.total), formatted(k.share, Unit::Share),
                    formatted(k.nanoseconds.median, Unit::Time)});
    out += "\n";
    if (run.omittedKernels > 0)
        out += formattedCount(run.omittedKernels) + " more kernels are in the capture.\n\n";
    if (run.gaps.empty()) return out;
    out += heading({"stream", "phase", "kernels", "busy", "gaps", "idle", "launch-bound", "of unknown cause",
                    "launch-bound share"});
    for (const StreamGaps& g : run.gaps)
        out += row({inlineText(g.name), phaseOr(g.phase, "unattributed"), formattedCount(g.kernels),
                    ns(g.busy), formattedCount(g.gaps), ns(g.idle), ns(g.launchBound), ns(g.unknown),
                    numberOr(g.launchBoundShare(), Unit::Share)});
    return out + "\n";
}

std::string bytesInMarkdown(const ReportRun& run) {
    if (run.bytes.empty()) return {};
    const std::string passes = passNames(run);
    std::string out =
        (passes.empty() ? std::string("Bytes by source")
                        : "Bytes by source, measured in " + passes + ", which repeated this run") +
        ". Sources are never added up.\n\n";
    const auto table = [&](const std::vector<PhaseBytes>& rows, bool byLayer) {
        out += heading({"phase", "layer", "source", "read", "written", "steps", "with few samples"});
        for (const PhaseBytes& b : rows)
            out += row(
                {std::string(nameOf(b.phase)),
                 byLayer && b.layer ? "L" + std::to_string(b.layer->value()) : "all", inlineText(b.origin),
                 formatted(b.read, Unit::Bytes), formatted(b.written, Unit::Bytes), formattedCount(b.steps),
                 b.lowConfidence > 0 ? formattedCount(b.lowConfidence) + " of " + formattedCount(b.layerSteps)
                                     : std::string()});
        out += "\n";
    };
    table(run.bytes, false);
    if (!run.layerBytes.empty()) table(run.layerBytes, true);
    return out;
}

std::string rooflineInMarkdown(const ReportRun& run) {
    const Roofline& roof = run.roofline;
    if (roof.points.empty()) return {};
    std::string out = "Roofline, ceilings: " + inlineText(roof.ceilings.origin()) + ".\n\n" +
                      heading({"work", "time", "bytes", "FLOPs", "FLOPs a byte", "bandwidth", "of peak",
                               "rate", "of the roof", "bound by"});
    for (const RooflinePoint& p : roof.points)
        out += row({inlineText(p.work.label), formatted(p.work.seconds * 1e9, Unit::Time),
                    formatted(p.work.bytes, Unit::Bytes), formatted(p.work.flops, Unit::Flops),
                    numberOr(p.intensity, Unit::None), numberOr(p.bytesPerSecond, Unit::BytesPerSecond),
                    numberOr(p.bandwidthShare, Unit::Share), numberOr(p.flopsPerSecond, Unit::FlopsPerSecond),
                    numberOr(p.roofShare, Unit::Share), std::string(nameOf(p.bound))});
    return out + "\n";
}

}  // namespace fluxscope
