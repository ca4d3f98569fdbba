// Training: the curves of a training, also while it goes on; below them what it warned of.
#pragma once

#include "profiler/capture/snapshot.h"
#include "profiler/figure/training_figure.h"
#include "views/canvas/gesture_canvas.h"
#include "views/jobs/jobs.h"
#include "views/state/view_store.h"

#include <QWidget>
#include <memory>
#include <optional>
#include <vector>

class QCheckBox;
class QLabel;
class QListWidget;
class QStackedLayout;

namespace fluxscope {

class PaneHeader;

class TrainingPane : public QWidget {
    Q_OBJECT

public:
    TrainingPane(ViewStore& store, Jobs& jobs, const Theme& theme, QWidget* parent = nullptr);

    // A newer state of the same capture, or another one, or none.
    void setSnapshot(SnapshotPtr snapshot);
    void setTheme(const Theme& theme);

    GestureCanvas& canvas() { return *canvas_; }
    const std::shared_ptr<const TrainingCurves>& curves() const { return curves_; }
    const std::shared_ptr<const TrainingFigure>& figure() const { return figure_; }

private:
    struct Made;  // of a snapshot

    void refreshCurves();
    void refreshFigure();
    void take(const Made& made);
    void offer(const std::vector<TrainingParts>& trainings);
    void listWarnings();
    void stateChanged(const ViewState& now, const ViewState& before);
    void handle(const CanvasIntent& intent);
    void hoverAt(const std::optional<Point>& at);
    void goTo(std::int64_t step);
    void step(int steps);
    void zoom(Point around, double factor);
    void pan(double dx);
    void paintCursor();
    AxisRange allSteps() const;

    ViewStore& store_;
    Jobs& jobs_;
    const Theme* theme_;
    PaneHeader* header_;
    QCheckBox* smooth_;
    GestureCanvas* canvas_;
    QListWidget* warnings_;
    QLabel* nothing_;
    QStackedLayout* pages_;
    SnapshotPtr snapshot_;
    bool stale_ = false;  // a newer snapshot came while the curves of an older one were made
    std::vector<TrainingIndex> offered_;
    std::shared_ptr<const TrainingCurves> curves_;
    std::shared_ptr<const TrainingFigure> figure_;
    std::optional<AxisRange> steps_;      // shown; absent: all
    std::optional<std::int64_t> cursor_;  // the step under the pointer, or that keys moved to
    std::optional<TrainingHit> tipFor_;
    JobTag curvesTag_;
    JobTag figureTag_;
};

}  // namespace fluxscope
