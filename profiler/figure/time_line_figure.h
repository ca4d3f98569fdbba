// The time line: lanes of bars over time, and what is too small to tell apart drawn as folded.
//
// A bar of kSmallestBar pixels or more is a bar, with its label where it fits. Thinner ones that follow each other become one
// folded mark, lower than a bar and with teeth, so that a reader sees that detail is hidden and zooms; how high it is says how
// busy the time was. The number of items follows the pixels: at most four a pixel column and lane, however many bars there are.
#pragma once

#include "profiler/analysis/time_line.h"
#include "profiler/figure/axis.h"
#include "profiler/figure/display_list.h"
#include "profiler/figure/theme.h"
#include "profiler/figure/tooltip.h"

#include <optional>
#include <vector>

namespace fluxscope {

inline constexpr double kSmallestBar = 3;

struct TimeLineView {
    std::optional<AxisRange> time;  // ns since the line's origin; absent: all
};

// Bars first..first + count - 1 of a lane; of a bucket, how many bars it stands for.
struct TimeLineHit {
    std::size_t lane = 0;
    std::size_t first = 0;
    std::size_t count = 0;
    bool bucket = false;  // first is that of a bucket
    friend bool operator==(const TimeLineHit&, const TimeLineHit&) = default;
};

struct TimeLineFigure {
    DisplayList list;
    Rect plot;
    AxisRange time;                  // shown, ns
    std::int64_t folded = 0;         // bars that are not drawn by themselves
    std::vector<TimeLineHit> items;  // hit id - 1

    std::optional<TimeLineHit> hitAt(Point p) const;
};

TimeLineFigure timeLineFigure(const TimeLine& line, const TimeLineView& view, Size size, const Theme& theme);

double timeLineFigureHeight(const TimeLine& line);

Tooltip timeLineTooltip(const TimeLine& line, const TimeLineHit& hit);

}  // namespace fluxscope
