// What a reader should know before believing a run: how much of it could not be attributed, what was lost, and whether the
// sources agree. Every check has a row, also when all is well.
#pragma once

#include "profiler/analysis/kernel_columns_view.h"
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
    std::string check;  // "unattributed", "dropped", "bad stamps", "sources"
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

// kernels: null where none were recorded. bytes: of what sources there are; empty where only one.
std::vector<QualityRow> quality(const Snapshot& snapshot, RunIndex run, const KernelColumnsView* kernels,
                                std::span<const StepBytes> bytes);

}  // namespace fluxscope
