// How sure a mean of scores is.
#pragma once

#include <span>

namespace fluxscope {

// Mean of scores with its 95 % interval after Wilson. Of scores between 0 and 1 that are not all 0 or 1 the interval is
// wider than it had to be: their variance is at most that of yes and no with the same mean.
struct ScoreInterval {
    double mean = 0;
    double low = 0;
    double high = 1;
};
ScoreInterval scoreInterval(std::span<const double> scores);

}  // namespace fluxscope
