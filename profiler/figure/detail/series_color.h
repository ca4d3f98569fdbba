// Colours for things that have no colour of their own, such as the tasks of a training: the n-th has the same one everywhere.
#pragma once

#include "profiler/figure/theme.h"

#include <cstddef>

namespace fluxscope {

// Eight hues that differ from one to the next, then eight between them, and so on. A contrast of 4.5 or more on the background.
Color seriesColor(std::size_t number, const Theme& theme);

// The same colour, so much nearer to the background: 0 is the colour itself, 1 the background.
Color faded(Color color, double share, const Theme& theme);

}  // namespace fluxscope
