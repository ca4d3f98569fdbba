// Routing, level 2: one prompt's decisions beside what each layer cost in each step.
//
// It shows the selected sequence, or the first one of the table while nothing is selected, and its header says which.
#pragma once

#include "profiler/capture/snapshot.h"
#include "profiler/figure/layer_cost_figure.h"
#include "views/canvas/gesture_canvas.h"
#include "views/jobs/jobs.h"
#include "views/state/view_store.h"

#include <QWidget>
#include <memory>
#include <optional>

namespace fluxscope {

class PaneHeader;

class PromptPane : public QWidget {
    Q_OBJECT

public:
    PromptPane(ViewStore& store, Jobs& jobs, const Theme& theme, QWidget* parent);

    void setSnapshot(SnapshotPtr snapshot);
    // What is shown while nothing is selected.
    void setFallback(std::optional<RunIndex> run, std::optional<SequenceIndex> sequence);
    void setTheme(const Theme& theme);

    GestureCanvas& canvas() { return *canvas_; }
    const std::shared_ptr<const LayerCosts>& costs() const { return costs_; }
    const std::shared_ptr<const LayerCostFigure>& figure() const { return figure_; }

private:
    struct Shown {
        RunIndex run;
        SequenceIndex sequence;
        friend bool operator==(const Shown&, const Shown&) = default;
    };

    std::optional<Shown> wanted() const;
    void refreshCosts();
    void refreshFigure();
    void show(std::shared_ptr<const LayerCosts> costs);
    void stateChanged(const ViewState& now, const ViewState& before);
    void handle(const CanvasIntent& intent);
    void hoverAt(const std::optional<Point>& at);
    void step(int steps, int layers);
    void zoom(Point around, double factor);
    void pan(double dx);
    void select(const LayerCostHit& hit, Move move);
    std::optional<LayerCostHit> selectedHit() const;
    std::optional<LayerCostHit> hoveredHit() const;
    AxisRange allSteps() const;

    ViewStore& store_;
    Jobs& jobs_;
    const Theme* theme_;
    PaneHeader* header_;
    GestureCanvas* canvas_;
    SnapshotPtr snapshot_;
    std::optional<Shown> fallback_;
    std::optional<Shown> asked_;  // whose costs are being made, or were
    bool stale_ = false;
    std::shared_ptr<const LayerCosts> costs_;
    std::shared_ptr<const LayerCostFigure> figure_;
    std::optional<AxisRange> steps_;  // shown; absent: all
    std::optional<LayerCostHit> tipFor_;
    JobTag costsTag_;
    JobTag figureTag_;
};

}  // namespace fluxscope
