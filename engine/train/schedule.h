// The learning rate over the steps of a training: a linear warm-up, then half a cosine down to a share of the peak.
#pragma once

#include <cstdint>

namespace fluxscope::train {

struct Schedule {
    double peak = 1e-3;
    std::int64_t warmUp = 0;  // steps; the first of them is at peak / warmUp
    double floor = 0.1;       // what is left at the last step, as a share of the peak

    double at(std::int64_t step, std::int64_t steps) const;
};

}  // namespace fluxscope::train
