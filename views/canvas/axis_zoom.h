// What zooming and panning do to the part of an axis that is shown.
#pragma once

#include "profiler/figure/axis.h"

namespace fluxscope {

// `factor` > 1: closer. The value `around` stays where it is, unless an end of the axis is reached first.
AxisRange zoomed(AxisRange shown, AxisRange whole, double factor, double around, double leastSpan);

// What is shown moves by `by` towards larger values; it stops at the ends and keeps its span.
AxisRange panned(AxisRange shown, AxisRange whole, double by);

}  // namespace fluxscope
