// Margins of the routers by layer: how far, in logits, each layer's decisions lie from its threshold, over all prompts.
//
// A layer's whisker spans all prompts, its box the middle half, with the median as a tick; 0 is the threshold, right of it is
// full. Box and tick have the colour of the side that the median lies on. A layer that gives every prompt the same route says
// so at its right end, and a share of undecided prompts stands beside it.
#pragma once

#include "profiler/analysis/router_health.h"
#include "profiler/figure/axis.h"
#include "profiler/figure/display_list.h"
#include "profiler/figure/theme.h"
#include "profiler/figure/tooltip.h"

#include <optional>

namespace fluxscope {

struct MarginsView {
    std::optional<LayerIndex> selected;
    std::optional<LayerIndex> hovered;
    std::optional<AxisRange> rows;  // of the layers that have a router; absent: all
};

struct MarginsFigure {
    DisplayList list;
    Rect plot;
    AxisRange rows;       // shown
    bool pooled = false;  // a row stands for several layers: the widest spread

    std::optional<LayerIndex> hit(HitId id) const;
    std::optional<LayerIndex> hitAt(Point p) const;
};

MarginsFigure marginsFigure(const RouterHealth& health, const MarginsView& view, Size size,
                            const Theme& theme);

double marginsFigureHeight(const RouterHealth& health);

Tooltip marginsTooltip(const RouterHealth& health, LayerIndex layer);

}  // namespace fluxscope
