#include "engine/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fluxscope::train {

double Schedule::at(std::int64_t step, std::int64_t steps) const {
    if (step < warmUp) return peak * static_cast<double>(step + 1) / static_cast<double>(warmUp);
    const std::int64_t falling = std::max<std::int64_t>(1, steps - 1 - warmUp);
    const double done = std::min(1.0, static_cast<double>(step - warmUp) / static_cast<double>(falling));
    return peak * (floor + (1 - floor) * (1 + std::cos(std::numbers::pi * done)) / 2);
}

}  // namespace fluxscope::train
