// What one panel of a training's figure shows, and how its lines are painted.
#pragma once

#include "profiler/analysis/training_curves.h"
#include "profiler/figure/detail/painter.h"
#include "profiler/figure/training_figure.h"

#include <string>
#include <vector>

namespace fluxscope {

// A line of a panel, by what it stands for.
struct TrainingLine {
    const Curve* curve = nullptr;
    Color color;
    bool dashed = false;
};

struct TrainingPanelContent {
    std::string title;  // what its axis counts, with unit
    std::vector<TrainingLine> lines;
    std::vector<std::pair<double, Color>> targets;  // dashed, across
    bool isShare = false;                           // from 0 to 1, in percent
    bool isChosen = false;                          // by a schedule or an update: there is nothing to average
};

bool hasValues(const Curve& curve);
bool hasPanel(const TrainingCurves& curves, TrainingPanel panel);

// Not of FullByLayer, which is a picture.
TrainingPanelContent contentOf(const TrainingCurves& curves, TrainingPanel panel, const Theme& theme);

struct TrainingPlot {
    Rect rect;
    AxisRange steps;
    double low = 0;  // values
    double high = 1;

    double x(double step) const {
        return rect.x + (step - steps.first) / (steps.last - steps.first) * rect.width;
    }
    double y(double value) const { return rect.bottom() - (value - low) / (high - low) * rect.height; }
};

// The values that the lines reach within the steps shown, rounded outwards to where an axis may begin.
void chooseRange(TrainingPlot& plot, const TrainingPanelContent& content, const TrainingCurves& curves);

void paintLines(Painter& painter, const TrainingPlot& plot, const TrainingPanelContent& content,
                const TrainingCurves& curves, bool smooth);

void paintFullByLayer(Painter& painter, const TrainingPlot& plot, const TrainingCurves& curves);

}  // namespace fluxscope
