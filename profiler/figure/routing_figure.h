// Routing, level 1: layers as rows, prompts as columns grouped by kind; what each layer decided for each prompt.
//
// Colour runs from sparse to full with a step at the threshold. A full cell also carries a mark in its middle, so that the
// decision can be read without colour; a cell whose p_full lies within `undecidedBand` of its threshold carries a frame.
// Bars give the share of full attention by layer, by prompt and by kind.
#pragma once

#include "profiler/analysis/routing_table.h"
#include "profiler/figure/axis.h"
#include "profiler/figure/display_list.h"
#include "profiler/figure/theme.h"
#include "profiler/figure/tooltip.h"

#include <optional>
#include <vector>

namespace fluxscope {

enum class RoutingColouring : std::uint8_t { Probability, Margin, Decision };

struct RoutingView {
    RoutingColouring colouring = RoutingColouring::Probability;
    std::optional<RoutingCellKey> selected;
    std::optional<RoutingCellKey> hovered;
    std::optional<AxisRange> layers;   // absent: all
    std::optional<AxisRange> columns;  // absent: all
    double undecidedBand = 0.05;
};

// A position in the table drawn: a cell, a whole layer (its label), a whole column (its label).
struct RoutingHit {
    std::optional<std::int32_t> layer;
    std::optional<std::int32_t> column;
    friend bool operator==(const RoutingHit&, const RoutingHit&) = default;
};

struct RoutingFigure {
    // The grids of the display list, in their order: which cells of the table they show.
    struct Block {
        std::int32_t firstLayer = 0;
        std::int32_t firstColumn = 0;
    };

    DisplayList list;
    Rect plot;         // of the cells
    AxisRange layers;  // shown
    AxisRange columns;
    bool pooled = false;  // a pixel stands for several cells: the largest p_full
    std::vector<Block> blocks;

    std::optional<RoutingHit> hit(HitId id) const;
    std::optional<RoutingHit> hitAt(Point p) const;
};

RoutingFigure routingFigure(const RoutingTable& table, const RoutingView& view, Size size,
                            const Theme& theme);

// As high as the figure wants to be at this width, so that every layer has a comfortable row: for reports and scroll areas.
double routingFigureHeight(const RoutingTable& table, double width);

Tooltip routingTooltip(const RoutingTable& table, std::int32_t layer, std::int32_t column);

}  // namespace fluxscope
