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

QualityRow unattributed(const KernelColumnsView* kernels) {
    QualityRow row{.check = "unattributed", .verdict = Verdict::Unknown, .value = {}, .sentence = {}};
    double all = 0;
    double nobodys = 0;
    std::int64_t count = 0;
    for (std::size_t k = 0; kernels != nullptr && k < kernels->size(); ++k) {
        if (kernels->bad(k)) continue;
        all += static_cast<double>(kernels->duration[k]);
        if (kernels->placeOf(k) != nullptr) continue;
        nobodys += static_cast<double>(kernels->duration[k]);
        count += 1;
    }
    if (!(all > 0)) {
        row.sentence = "No kernel was timed, so nothing can be said about attribution.";
        return row;
    }
    row.value = nobodys / all;
    row.verdict = *row.value > kMostUnattributed ? Verdict::Warning : Verdict::Fine;
    row.sentence = share(*row.value) + " of the kernels' time (" + formattedCount(count) +
                   " kernels) belongs to no scope; " +
                   (row.verdict == Verdict::Fine ? "up to " : "more than ") + share(kMostUnattributed) +
                   (row.verdict == Verdict::Fine ? " is expected." : ": layers took longer than they show.");
    return row;
}

QualityRow badStamps(const KernelColumnsView* kernels) {
    QualityRow row{.check = "bad stamps", .verdict = Verdict::Unknown, .value = {}, .sentence = {}};
    if (kernels == nullptr || kernels->size() == 0) {
        row.sentence = "No kernel was recorded, so there is no time stamp to check.";
        return row;
    }
    std::int64_t bad = 0;
    for (std::size_t k = 0; k < kernels->size(); ++k) bad += kernels->bad(k) ? 1 : 0;
    row.value = static_cast<double>(bad);
    row.verdict = bad > 0 ? Verdict::Warning : Verdict::Fine;
    row.sentence = formattedCount(bad) + " of " + formattedCount(static_cast<std::int64_t>(kernels->size())) +
                   " kernels have a bad time stamp" + (bad > 0 ? " and count in no time." : ".");
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
                   share(worst.difference()) + ").";
    return row;
}

}  // namespace

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

std::vector<QualityRow> quality(const Snapshot& snapshot, RunIndex run, const KernelColumnsView* kernels,
                                std::span<const StepBytes> bytes) {
    return {unattributed(kernels), dropped(snapshot, run), badStamps(kernels), sources(bytes)};
}

}  // namespace fluxscope
