// Ticks at round values, labelled in one unit with as many decimals as their step needs: zoomed in, no two labels repeat.
#pragma once

#include "profiler/figure/number.h"

#include <string>
#include <vector>

namespace fluxscope {

// The part of an axis that is shown, in the axis' own unit or in cells; fractional while somebody pans.
struct AxisRange {
    double first = 0;
    double last = 0;
    friend bool operator==(const AxisRange&, const AxisRange&) = default;
};

struct Tick {
    double value = 0;   // in the axis' own unit (ns, bytes, ...)
    std::string label;  // in `unit`, without it
};

struct Axis {
    std::string unit;  // "ms", "KiB", "%", ""
    std::vector<Tick> ticks;
};

// At most `atMost` ticks (two at least, when the range allows) within [low, high]. An empty or infinite range has none.
Axis niceAxis(double low, double high, int atMost, Unit unit);

// Whole numbers only: steps, layers, prompts. The step is 1, 2 or 5 times a power of ten.
std::vector<Tick> wholeTicks(double low, double high, int atMost);

// Powers of ten within [low, high], each with its own unit: "100 GB/s", "1 TB/s". At most `atMost` of them; both ends above 0.
std::vector<Tick> decadeTicks(double low, double high, int atMost, Unit unit);

}  // namespace fluxscope
