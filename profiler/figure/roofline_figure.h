// The roofline, both axes logarithmic: work by its intensity and its FLOP/s, under the ceilings of the machine.
//
// Prefill is a filled square, decode an open one; attention has the accent colour. Ceilings carry their value and say whether
// they were measured. Work without an intensity or a time has no place and is counted below.
#pragma once

#include "profiler/analysis/roofline.h"
#include "profiler/figure/axis.h"
#include "profiler/figure/display_list.h"
#include "profiler/figure/theme.h"
#include "profiler/figure/tooltip.h"

#include <optional>

namespace fluxscope {

struct RooflineView {
    std::optional<std::size_t> selected;  // of the points
    std::optional<std::size_t> hovered;
};

struct RooflineFigure {
    DisplayList list;
    Rect plot;
    std::int64_t omitted = 0;  // points that have no place, or lie beyond kMostRooflinePoints

    std::optional<std::size_t> hit(HitId id) const;
    std::optional<std::size_t> hitAt(Point p) const;
};

inline constexpr std::size_t kMostRooflinePoints = 2000;

RooflineFigure rooflineFigure(const Roofline& roofline, const RooflineView& view, Size size,
                              const Theme& theme);

Tooltip rooflineTooltip(const RooflinePoint& point, const Ceilings& ceilings);

}  // namespace fluxscope
