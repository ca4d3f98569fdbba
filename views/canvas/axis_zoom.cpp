#include "views/canvas/axis_zoom.h"

#include <algorithm>

namespace fluxscope {
namespace {

double spanOf(AxisRange range) { return range.last - range.first; }

AxisRange within(AxisRange whole, double first, double span) {
    if (span >= spanOf(whole)) return whole;
    const double start = std::clamp(first, whole.first, whole.last - span);
    return {start, start + span};
}

}  // namespace

AxisRange zoomed(AxisRange shown, AxisRange whole, double factor, double around, double leastSpan) {
    const double span = spanOf(shown);
    if (!(span > 0) || !(factor > 0)) return whole;
    const double next = std::max(span / factor, std::min(leastSpan, spanOf(whole)));
    const double share = (around - shown.first) / span;
    return within(whole, around - share * next, next);
}

AxisRange panned(AxisRange shown, AxisRange whole, double by) {
    return within(whole, shown.first + by, spanOf(shown));
}

}  // namespace fluxscope
