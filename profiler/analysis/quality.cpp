#include "profiler/analysis/quality.h"

#include "engine/contract/error.h"
#include "profiler/analysis/detail/saturating.h"
#include "profiler/figure/number.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace fluxscope {

namespace {

std::string share(double value) { return formatted(value, Unit::Share); }

QualityRow unattributed(const std::optional<KernelFigures>& kernels) {
    QualityRow row{.check = "unattributed", .verdict = Verdict::Unknown, .value = {}, .sentence = {}};
    if (!kernels || !(kernels->ns > 0)) {
        row.sentence = "No kernel was timed, so nothing can be said about attribution.";
        return row;
    }
    row.value = kernels->unattributedNs / kernels->ns;
    row.verdict = *row.value > kMostUnattributed ? Verdict::Warning : Verdict::Fine;
    row.sentence = share(*row.value) + " of the kernels' time (" + formattedCount(kernels->unattributed) +
                   " kernels) belongs to no scope; " +
                   (row.verdict == Verdict::Fine ? "up to " : "more than ") + share(kMostUnattributed) +
                   (row.verdict == Verdict::Fine ? " is expected." : ": layers took longer than they show.");
    return row;
}

QualityRow badStamps(const std::optional<KernelFigures>& kernels) {
    QualityRow row{.check = "bad stamps", .verdict = Verdict::Unknown, .value = {}, .sentence = {}};
    if (!kernels || kernels->kernels == 0) {
        row.sentence = "No kernel was recorded, so there is no time stamp to check.";
        return row;
    }
    row.value = static_cast<double>(kernels->bad);
    row.verdict = kernels->bad > 0 ? Verdict::Warning : Verdict::Fine;
    row.sentence = formattedCount(kernels->bad) + " of " + formattedCount(kernels->kernels) +
                   " kernels have a bad time stamp" + (kernels->bad > 0 ? " and count in no time." : ".");
    return row;
}

QualityRow dropped(const Snapshot& snapshot, RunIndex run) {
    QualityRow row{.check = "dropped",
                   .verdict = Verdict::Unknown,
                   .value = {},
                   .sentence = "The run is not in this capture."};
    for (const RunRow& r : snapshot.runs) {
        if (r.run != run) continue;
        row.value = static_cast<double>(r.dropped);
        row.verdict = r.dropped > 0 ? Verdict::Warning : Verdict::Fine;
        row.sentence = formattedCount(r.dropped) + " records were dropped" +
                       (r.dropped > 0 ? ": totals are too low by what they held." : ".");
    }
    return row;
}

QualityRow sources(std::span<const StepBytes> bytes) {
    QualityRow row{.check = "sources", .verdict = Verdict::Unknown, .value = {}, .sentence = {}};
    std::map<std::pair<Phase, StepIndex>, std::set<std::string>> compared;
    for (const StepBytes& b : bytes)
        if (std::isfinite(b.bytes) && b.bytes > 0) compared[{b.phase, b.step}].insert(b.source);
    const auto steps = std::count_if(compared.begin(), compared.end(),
                                     [](const auto& entry) { return entry.second.size() > 1; });
    if (steps == 0) {
        row.sentence = "Bytes come from one source only, so there is nothing to compare.";
        return row;
    }
    const std::vector<Disagreement> all = sourceDisagreements(bytes);
    row.value = all.empty() ? 0 : all.front().difference();
    row.verdict = all.empty() ? Verdict::Fine : Verdict::Warning;
    if (all.empty()) {
        row.sentence = "All sources of bytes agree within " + share(kMostDifference) + " in each of " +
                       formattedCount(steps) + " steps.";
        return row;
    }
    const Disagreement& worst = all.front();
    row.sentence = formattedCount(static_cast<std::int64_t>(all.size())) + " of " + formattedCount(steps) +
                   " steps have sources that differ by more than " + share(kMostDifference) + "; most in " +
                   std::string(nameOf(worst.phase)) + " step " + std::to_string(worst.step.value()) + ": " +
                   printable(worst.higher, 40) + " " + formatted(worst.higherBytes, Unit::Bytes) + ", " +
                   printable(worst.lower, 40) + " " + formatted(worst.lowerBytes, Unit::Bytes) + " (" +
                   withDecimals(worst.higherBytes / worst.lowerBytes, 2) + " times as much).";
    return row;
}

// What the checks say already, or what counts work and not a fault.
bool isKnown(const std::string& figure) {
    static constexpr std::string_view kKnown[] = {"kernels", "kernel_ns", "unattributed_kernels",
                                                  "unattributed_ns", "bad_timestamps"};
    return std::find(std::begin(kKnown), std::end(kKnown), figure) != std::end(kKnown);
}

QualityRow recordedRow(const FigureInfo& figure) {
    // Kernels whose scope came late were set right: that is told, and no fault.
    const bool fault = figure.value > 0 && figure.figure != "late_kernels";
    QualityRow row{.check = figure.figure,
                   .verdict = fault ? Verdict::Warning : Verdict::Fine,
                   .value = figure.value,
                   .sentence = {}};
    const double whole = std::clamp(std::round(figure.value), -9e15, 9e15);
    row.sentence = (whole == figure.value ? formattedCount(static_cast<std::int64_t>(whole))
                                          : formatted(figure.value, Unit::None)) +
                   (figure.note.empty() ? " recorded." : ": " + printable(figure.note, 300) + ".");
    return row;
}

}  // namespace

std::optional<KernelFigures> kernelFigures(const KernelColumnsView& kernels) {
    if (kernels.size() == 0) return std::nullopt;
    KernelFigures figures;
    figures.kernels = static_cast<std::int64_t>(kernels.size());
    for (std::size_t k = 0; k < kernels.size(); ++k) {
        if (kernels.bad(k)) {
            figures.bad += 1;
            continue;
        }
        const auto ns = static_cast<double>(kernels.duration[k]);
        figures.ns += ns;
        if (kernels.placeOf(k) != nullptr) continue;
        figures.unattributedNs += ns;
        figures.unattributed += 1;
    }
    return figures;
}

std::optional<KernelFigures> kernelFigures(std::span<const FigureInfo> figures, RunIndex run) {
    KernelFigures result;
    bool any = false;
    const auto count = [](double value) { return static_cast<std::int64_t>(std::clamp(value, 0.0, 9e15)); };
    for (const FigureInfo& figure : figures) {
        if (figure.run != run) continue;
        any = any || figure.figure == "kernels";
        if (figure.figure == "kernels") result.kernels = count(figure.value);
        if (figure.figure == "kernel_ns") result.ns = figure.value;
        if (figure.figure == "unattributed_kernels") result.unattributed = count(figure.value);
        if (figure.figure == "unattributed_ns") result.unattributedNs = figure.value;
        if (figure.figure == "bad_timestamps") result.bad = count(figure.value);
    }
    if (!any) return std::nullopt;
    return result;
}

std::string_view nameOf(Verdict verdict) {
    switch (verdict) {
        case Verdict::Fine: return "fine";
        case Verdict::Warning: return "warning";
        case Verdict::Unknown: return "unknown";
    }
    return "unknown";
}

std::vector<Disagreement> sourceDisagreements(std::span<const StepBytes> bytes) {
    std::map<std::pair<Phase, StepIndex>, std::map<std::string, double>> steps;
    for (const StepBytes& b : bytes)
        if (std::isfinite(b.bytes) && b.bytes > 0) steps[{b.phase, b.step}][b.source] += b.bytes;
    std::vector<Disagreement> all;
    for (const auto& [key, sources] : steps) {
        const auto [low, high] = std::minmax_element(
            sources.begin(), sources.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
        Disagreement d{key.first, key.second, low->first, high->first, low->second, high->second};
        if (std::isfinite(d.difference()) && d.difference() > kMostDifference) all.push_back(std::move(d));
    }
    std::stable_sort(all.begin(), all.end(), [](const Disagreement& a, const Disagreement& b) {
        return a.difference() > b.difference();
    });
    return all;
}

std::vector<QualityRow> quality(const Snapshot& snapshot, RunIndex run,
                                const std::optional<KernelFigures>& kernels, std::span<const StepBytes> bytes,
                                std::span<const FigureInfo> recorded) {
    std::vector<QualityRow> rows{unattributed(kernels), dropped(snapshot, run), badStamps(kernels),
                                 sources(bytes)};
    for (const FigureInfo& figure : recorded)
        if (figure.run == run && !isKnown(figure.figure)) rows.push_back(recordedRow(figure));
    return rows;
}

}  // namespace fluxscope
