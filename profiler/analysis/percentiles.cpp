#include "profiler/analysis/percentiles.h"

#include <algorithm>
#include <cmath>

namespace fluxscope {

double percentileOf(const std::vector<double>& sorted, double share) {
    const double at = std::clamp(share, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(at);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    const double part = at - static_cast<double>(below);
    // Not below + (above - below) * part: that difference may overflow.
    return sorted[below] * (1 - part) + sorted[above] * part;
}

Percentiles percentilesOf(std::vector<double> values) {
    std::erase_if(values, [](double value) { return !std::isfinite(value); });
    Percentiles p;
    if (values.empty()) return p;
    std::sort(values.begin(), values.end());
    p.count = static_cast<std::int64_t>(values.size());
    p.least = values.front();
    p.p10 = percentileOf(values, 0.10);
    p.p25 = percentileOf(values, 0.25);
    p.median = percentileOf(values, 0.50);
    p.p75 = percentileOf(values, 0.75);
    p.p90 = percentileOf(values, 0.90);
    p.p99 = percentileOf(values, 0.99);
    p.most = values.back();
    // A running mean stays within the range of the values, where their sum may not.
    double seen = 0;
    for (const double value : values) {
        seen += 1;
        p.mean += value / seen - p.mean / seen;
    }
    return p;
}

}  // namespace fluxscope
