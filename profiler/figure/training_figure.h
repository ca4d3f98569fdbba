// The curves of a training: panels over one axis of steps, stacked, and side by side where there is room.
//
// Raw values are faint and their average over some steps is strong; where several steps share a pixel, the raw line spans their least and
// most, so that no spike is lost. A panel that has nothing to show is left out, and so are the last ones when they would not fit.
#pragma once

#include "profiler/analysis/training_curves.h"
#include "profiler/figure/axis.h"
#include "profiler/figure/display_list.h"
#include "profiler/figure/theme.h"
#include "profiler/figure/tooltip.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace fluxscope {

enum class TrainingPanel : std::uint8_t {
    Loss,
    Foretold,
    Sparsity,
    FullByLayer,
    Temperature,
    Multipliers,
    LearningRate,
    GradientNorm,
    Speed
};

struct TrainingView {
    std::optional<AxisRange> steps;  // absent: all that are there
    bool smooth = true;              // false: raw values only
};

struct TrainingHit {
    TrainingPanel panel = TrainingPanel::Loss;
    std::int64_t step = 0;              // one that is there
    std::optional<LayerIndex> layer;    // in FullByLayer
    std::vector<std::size_t> warnings;  // on whose mark the pointer is; positions in TrainingCurves::warnings

    friend bool operator==(const TrainingHit&, const TrainingHit&) = default;
};

struct TrainingFigure {
    struct Panel {
        TrainingPanel panel = TrainingPanel::Loss;
        Rect plot;
    };
    struct Mark {
        Rect rect;
        std::vector<std::size_t> warnings;
    };

    DisplayList list;
    AxisRange steps;  // shown; a step reaches from its number to the next
    std::vector<Panel> panels;
    std::vector<Mark> marks;
    std::int32_t layers = 0;
    std::size_t omitted = 0;  // panels that did not fit

    double x(const Rect& plot, double step) const {
        return plot.x + (step - steps.first) / (steps.last - steps.first) * plot.width;
    }
    std::optional<TrainingHit> hitAt(const TrainingCurves& curves, Point p) const;
};

TrainingFigure trainingFigure(const TrainingCurves& curves, const TrainingView& view, Size size,
                              const Theme& theme);

// A line through all panels at a step, to be painted over the figure.
DisplayList trainingHover(const TrainingFigure& figure, std::int64_t step, const Theme& theme);

Tooltip trainingTooltip(const TrainingCurves& curves, const TrainingHit& hit);

}  // namespace fluxscope
