#include "profiler/analysis/paired_ratio.h"

#include "profiler/analysis/percentiles.h"
#include "profiler/figure/number.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace fluxscope {
namespace {

constexpr double kCoverage = 0.95;

// Of fewer than `heads` heads in `tosses` tosses of a fair coin. Logarithms, for a thousand pairs have small numbers.
double chanceOfFewer(std::int64_t heads, std::int64_t tosses) {
    const auto n = static_cast<double>(tosses);
    double chance = 0;
    for (std::int64_t k = 0; k < heads; ++k) {
        const auto many = static_cast<double>(k);
        chance += std::exp(std::lgamma(n + 1) - std::lgamma(many + 1) - std::lgamma(n - many + 1) -
                           n * std::log(2.0));
    }
    return chance;
}

std::string percentText(double ratio) {
    const double percent = 100 * (ratio - 1);
    const std::string text = withDecimals(percent, std::abs(percent) < 9.95 ? 1 : 0);
    return (text.front() == '-' ? "" : "+") + text + " %";
}

}  // namespace

std::optional<PairedRatio> pairedRatio(std::span<const Pair> pairs) {
    const auto usable = [](double value) { return std::isfinite(value) && value > 0; };
    std::vector<double> without;
    std::vector<double> with;
    std::vector<double> ratios;
    for (const Pair& pair : pairs) {
        if (!usable(pair.without) || !usable(pair.with)) continue;
        without.push_back(pair.without);
        with.push_back(pair.with);
        ratios.push_back(pair.with / pair.without);
    }
    const std::int64_t n = std::ssize(ratios);
    if (n < kFewestPairs) return std::nullopt;
    std::sort(ratios.begin(), ratios.end());

    std::int64_t k = 1;
    while (1 - 2 * chanceOfFewer(k + 1, n) >= kCoverage) ++k;
    return PairedRatio{.pairs = n,
                       .medianWithout = percentilesOf(std::move(without)).median,
                       .medianWith = percentilesOf(std::move(with)).median,
                       .ratio = percentileOf(ratios, 0.5),
                       .low = ratios[static_cast<std::size_t>(k - 1)],
                       .high = ratios[static_cast<std::size_t>(n - k)],
                       .coverage = 1 - 2 * chanceOfFewer(k, n)};
}

std::string changeText(const PairedRatio& ratio) {
    return percentText(ratio.ratio) + " (95 % interval " + percentText(ratio.low) + " to " +
           percentText(ratio.high) + ')';
}

}  // namespace fluxscope
