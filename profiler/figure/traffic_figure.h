// Traffic over time: bytes a second, a line for each source, with the bandwidth ceiling where it is known; below it a panel for
// each other metric (clock, power).
//
// A line holds its value over each interval and breaks where nothing was recorded. Where several intervals share a pixel, the
// column is drawn from their least to their most, so that no peak disappears.
#pragma once

#include "profiler/analysis/traffic.h"
#include "profiler/figure/axis.h"
#include "profiler/figure/display_list.h"
#include "profiler/figure/theme.h"
#include "profiler/figure/tooltip.h"

#include <optional>

namespace fluxscope {

struct TrafficView {
    std::optional<AxisRange> time;  // ns since the traffic's origin; absent: all
    std::optional<double> ceiling;  // bytes a second
    std::string ceilingOrigin;      // "measured", "nameplate"
};

struct TrafficFigure {
    DisplayList list;
    Rect plot;       // of the bytes a second
    AxisRange time;  // shown, ns

    // The moment under a point of any panel, ns since the traffic's origin.
    std::optional<double> timeAt(Point p) const;
    Rect panels;  // all of them
};

TrafficFigure trafficFigure(const Traffic& traffic, const TrafficView& view, Size size, const Theme& theme);

double trafficFigureHeight(const Traffic& traffic);

// What each series says at a moment.
Tooltip trafficTooltip(const Traffic& traffic, double timeNs);

}  // namespace fluxscope
