// KV memory by layer: what is kept, and behind it what a full cache of the same lengths would hold.
//
// Layers run downwards. Where rows are thinner than two pixels, neighbours share a bar: that of the largest full cache.
#pragma once

#include "profiler/analysis/kv_memory.h"
#include "profiler/figure/axis.h"
#include "profiler/figure/display_list.h"
#include "profiler/figure/theme.h"
#include "profiler/figure/tooltip.h"

#include <optional>

namespace fluxscope {

struct KvMemoryView {
    std::optional<LayerIndex> selected;
    std::optional<LayerIndex> hovered;
    std::optional<AxisRange> layers;  // absent: all
};

struct KvMemoryFigure {
    DisplayList list;
    Rect plot;
    AxisRange layers;  // shown
    bool pooled = false;

    std::optional<LayerIndex> hit(HitId id) const;
    std::optional<LayerIndex> hitAt(Point p) const;
};

KvMemoryFigure kvMemoryFigure(const KvMemory& memory, const KvMemoryView& view, Size size,
                              const Theme& theme);

double kvMemoryFigureHeight(const KvMemory& memory);

Tooltip kvMemoryTooltip(const KvMemory& memory, LayerIndex layer);

}  // namespace fluxscope
