#include "profiler/analysis/score_interval.h"

#include <algorithm>
#include <cmath>

namespace fluxscope {

ScoreInterval scoreInterval(std::span<const double> scores) {
    if (scores.empty()) return {};
    constexpr double kZ = 1.959963984540054;  // the normal distribution's 97.5 % point
    const auto n = double(scores.size());
    double sum = 0;
    for (const double score : scores) sum += score;
    const double mean = sum / n;
    const double square = kZ * kZ / n;
    const double centre = (mean + square / 2) / (1 + square);
    const double half = kZ * std::sqrt(mean * (1 - mean) / n + square / (4 * n)) / (1 + square);
    // Rounding must not put the mean outside: of scores that are all 0 or all 1 it is an end of the interval.
    return {.mean = mean,
            .low = std::clamp(centre - half, 0.0, mean),
            .high = std::clamp(centre + half, mean, std::max(mean, 1.0))};
}

}  // namespace fluxscope
