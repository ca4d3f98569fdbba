// Routing, level 1: layers × prompts, what the model does.
#pragma once

#include "profiler/capture/snapshot.h"
#include "profiler/figure/routing_figure.h"
#include "views/canvas/gesture_canvas.h"
#include "views/jobs/jobs.h"
#include "views/state/view_store.h"

#include <QWidget>
#include <memory>
#include <optional>

namespace fluxscope {

class PaneHeader;

class OverviewPane : public QWidget {
    Q_OBJECT

public:
    OverviewPane(ViewStore& store, Jobs& jobs, const Theme& theme, QWidget* parent);

    void setSnapshot(SnapshotPtr snapshot);
    void setTheme(const Theme& theme);

    GestureCanvas& canvas() { return *canvas_; }
    const std::shared_ptr<const RoutingTable>& table() const { return table_; }
    const std::shared_ptr<const RoutingFigure>& figure() const { return figure_; }

signals:
    void tableChanged();

private:
    void refreshTable();
    void refreshFigure();
    void stateChanged(const ViewState& now, const ViewState& before);
    void handle(const CanvasIntent& intent);
    void hoverAt(const std::optional<Point>& at);
    void pickAt(Point at);
    void step(int columns, int layers);
    void zoom(Point around, double factor);
    void pan(double dx, double dy);
    void select(const RoutingHit& hit, Move move);
    std::optional<RoutingCellKey> selectedCell() const;
    std::optional<RoutingCellKey> hoveredCell() const;
    void describe();

    ViewStore& store_;
    Jobs& jobs_;
    const Theme* theme_;
    PaneHeader* header_;
    GestureCanvas* canvas_;
    SnapshotPtr snapshot_;
    bool stale_ = false;  // a newer snapshot came while the table of an older one was made
    std::shared_ptr<const RoutingTable> table_;
    std::shared_ptr<const RoutingFigure> figure_;
    std::optional<AxisRange> layers_;  // shown; absent: all
    std::optional<AxisRange> columns_;
    std::optional<RoutingHit> tipFor_;
    JobTag tableTag_;
    JobTag figureTag_;
};

}  // namespace fluxscope
