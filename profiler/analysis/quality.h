// What a reader should know before believing a run: how much of it could not be attributed, what was lost, and whether the
// sources agree. Every check has a row, also when all is well.
#pragma once

#include "profiler/analysis/kernel_columns_view.h"
#include "profiler/capture/run_facts.h"
#include "profiler/capture/snapshot.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace fluxscope {

inline constexpr double kMostUnattributed = 0.02;
inline constexpr double kMostDifference = 0.10;

enum class Verdict : std::uint8_t { Fine, Warning, Unknown };
std::string_view nameOf(Verdict verdict);

struct QualityRow {
    std::string
        check;  // "unattributed", "dropped", "bad stamps", "sources", or the name of a recorded figure
    Verdict verdict = Verdict::Unknown;
    std::optional<double> value;
    std::string sentence;
};

// Bytes of one step by one source, of any number of passes over the same run.
struct StepBytes {
    Phase phase = Phase::Prefill;
    StepIndex step;
    std::string source;  // "analytic", "hw_range", "hw_pm"
    double bytes = 0;
};

// A step in which two sources differ by more than kMostDifference of the smaller.
struct Disagreement {
    Phase phase = Phase::Prefill;
    StepIndex step;
    std::string lower;
    std::string higher;
    double lowerBytes = 0;
    double higherBytes = 0;

    double difference() const { return higherBytes / lowerBytes - 1; }
};

// Largest difference first. A source with no bytes in a step is not compared there.
std::vector<Disagreement> sourceDisagreements(std::span<const StepBytes> bytes);

// How much of the kernels' time is nobody's, and how many stamps are bad. Absent: no kernel was recorded.
struct KernelFigures {
    std::int64_t kernels = 0;
    std::int64_t unattributed = 0;
    std::int64_t bad = 0;
    double ns = 0;  // durations of all good ones
    double unattributedNs = 0;
};
std::optional<KernelFigures> kernelFigures(const KernelColumnsView& kernels);
// As the writer counted them, over all kernels: also those beyond the record budget, which have no row.
std::optional<KernelFigures> kernelFigures(std::span<const FigureInfo> figures, RunIndex run);

// bytes: of what sources there are; empty where only one. recorded: of all runs; those of this run that are not among the checks get
// a row each, with the note they were written with.
std::vector<QualityRow> quality(const Snapshot& snapshot, RunIndex run,
                                const std::optional<KernelFigures>& kernels, std::span<const StepBytes> bytes,
                                std::span<const FigureInfo> recorded = {});

}  // namespace fluxscope
