// Routing, level 2: one prompt. The routing column (what each layer decided) stands beside layers by steps of cost.
//
// The prefill is a column of its own with its own colour scale: it does the work of the whole prompt, a decode step that of
// one token, and on one scale either would hide the other. Below the layers lies what was spent outside all of them.
// A scale ends at the 98th percentile where a few outliers would flatten the rest, and then says so ("≥").
#pragma once

#include "profiler/analysis/layer_costs.h"
#include "profiler/figure/axis.h"
#include "profiler/figure/display_list.h"
#include "profiler/figure/theme.h"
#include "profiler/figure/tooltip.h"

#include <optional>

namespace fluxscope {

// No layer: the row of what lies outside them. No step: the routing column.
struct LayerCostHit {
    std::optional<LayerIndex> layer;
    std::optional<StepIndex> step;
    friend bool operator==(const LayerCostHit&, const LayerCostHit&) = default;
};

struct LayerCostView {
    CostMeasure measure = CostMeasure::Time;
    std::optional<LayerCostHit> selected;
    std::optional<LayerCostHit> hovered;
    std::optional<AxisRange> layers;  // absent: all
    std::optional<AxisRange> steps;   // of decode: step n covers [n, n + 1); absent: all
    double undecidedBand = 0.05;
};

struct LayerCostFigure {
    // The grids of the display list, in their order.
    struct Block {
        bool outside = false;
        bool routing = false;
        std::int32_t firstLayer = 0;
        std::int32_t firstStep = 0;
    };

    DisplayList list;
    Rect plot;         // of the decode steps
    AxisRange layers;  // shown
    AxisRange steps;
    bool pooled = false;  // a pixel stands for several cells: the largest cost
    std::vector<Block> blocks;

    std::optional<LayerCostHit> hit(HitId id) const;
    std::optional<LayerCostHit> hitAt(Point p) const;
};

LayerCostFigure layerCostFigure(const LayerCosts& costs, const LayerCostView& view, Size size,
                                const Theme& theme);

double layerCostFigureHeight(const LayerCosts& costs, double width);

Tooltip layerCostTooltip(const LayerCosts& costs, const LayerCostHit& hit);

const char* nameOf(CostMeasure measure);  // "time", "bytes moved", ...
Unit unitOf(CostMeasure measure);

}  // namespace fluxscope
