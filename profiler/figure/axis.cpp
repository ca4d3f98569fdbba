#include "profiler/figure/axis.h"

#include <algorithm>
#include <cmath>

namespace fluxscope {

namespace {

// The smallest 1, 2 or 5 times a power of ten that is no smaller.
double niceStep(double atLeast) {
    const double power = std::pow(10, std::floor(std::log10(atLeast)));
    for (const double factor : {1.0, 2.0, 5.0})
        if (power * factor >= atLeast * (1 - 1e-9)) return power * factor;
    return power * 10;
}

int decimalsOfStep(double step) {
    return static_cast<int>(std::clamp(-std::floor(std::log10(step) + 1e-9), 0.0, 15.0));
}

std::vector<Tick> ticksAt(double step, double low, double high, double factor, int decimals) {
    std::vector<Tick> ticks;
    // Counted in integers: adding up the step would drift.
    const double first = std::ceil(low / step - 1e-9);
    const double last = std::floor(high / step + 1e-9);
    const auto count = static_cast<std::int64_t>(std::clamp(last - first + 1, 0.0, 1e4));
    for (std::int64_t i = 0; i < count; ++i) {
        const double at = (first + static_cast<double>(i)) * step;
        ticks.push_back({at * factor, withDecimals(at, decimals)});
    }
    return ticks;
}

bool usable(double low, double high, int atMost) {
    return std::isfinite(low) && std::isfinite(high) && high > low && std::isfinite(high - low) &&
           atMost > 0 &&
           // Beyond that, neighbouring doubles are further apart than ticks would be.
           (high - low) > 1e-12 * std::max(std::abs(low), std::abs(high));
}

}  // namespace

Axis niceAxis(double low, double high, int atMost, Unit unit) {
    Axis axis;
    const UnitStep scale = unitStep(std::max(std::abs(low), std::abs(high)), unit);
    axis.unit = scale.name;
    if (!usable(low, high, atMost)) return axis;
    const double from = low / scale.factor;
    const double to = high / scale.factor;
    double step = niceStep((to - from) / std::max(atMost, 1));
    axis.ticks = ticksAt(step, from, to, scale.factor, decimalsOfStep(step));
    // The ends of the range may add one: 0..10 by 5 has three.
    while (static_cast<int>(axis.ticks.size()) > atMost) {
        step = niceStep(step * 1.5);
        axis.ticks = ticksAt(step, from, to, scale.factor, decimalsOfStep(step));
    }
    return axis;
}

std::vector<Tick> wholeTicks(double low, double high, int atMost) {
    if (!(std::isfinite(low) && std::isfinite(high)) || high < low || atMost <= 0) return {};
    double step = niceStep(std::max(1.0, (high - low) / atMost));
    std::vector<Tick> ticks = ticksAt(step, low, high, 1, 0);
    while (static_cast<int>(ticks.size()) > atMost) {
        step = niceStep(step * 1.5);
        ticks = ticksAt(step, low, high, 1, 0);
    }
    return ticks;
}

std::vector<Tick> decadeTicks(double low, double high, int atMost, Unit unit) {
    if (!(low > 0) || !std::isfinite(high) || !(high > low) || atMost <= 0) return {};
    const auto first = static_cast<int>(std::ceil(std::log10(low) - 1e-9));
    const auto last = static_cast<int>(std::floor(std::log10(high) + 1e-9));
    const int stride = std::max(1, (last - first + atMost) / atMost);
    std::vector<Tick> ticks;
    for (int exponent = first; exponent <= last; exponent += stride) {
        const double value = std::pow(10, exponent);
        const UnitStep step = unitStep(value, unit);
        const double scaled = value / step.factor;
        std::string label =
            withDecimals(scaled, scaled < 1 ? static_cast<int>(std::lround(-std::log10(scaled))) : 0);
        if (*step.name != 0) label += std::string(" ") + step.name;
        ticks.push_back({value, std::move(label)});
    }
    return ticks;
}

}  // namespace fluxscope
