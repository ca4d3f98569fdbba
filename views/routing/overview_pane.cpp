#include "views/routing/overview_pane.h"

#include "views/canvas/axis_zoom.h"
#include "views/routing/pane_header.h"
#include "views/tooltip/tooltip_view.h"

#include <QVBoxLayout>
#include <algorithm>

namespace fluxscope {
namespace {

constexpr double kLeastCells = 4;  // that zooming in leaves

DisplayListPtr listOf(const std::shared_ptr<const RoutingFigure>& figure) {
    return figure ? DisplayListPtr(figure, &figure->list) : nullptr;
}

}  // namespace

OverviewPane::OverviewPane(ViewStore& store, Jobs& jobs, const Theme& theme, QWidget* parent)
    : QWidget(parent),
      store_(store),
      jobs_(jobs),
      theme_(&theme),
      // In the order of RoutingColouring.
      header_(new PaneHeader(tr("Layers × prompts"), tr("Colour"),
                             {tr("p(full)"), tr("margin"), tr("decision")}, this)),
      canvas_(new GestureCanvas(LeftDrag::Pan, this)) {
    canvas_->setObjectName(QStringLiteral("routing-overview"));
    canvas_->setAccessibleName(tr("Routing of each layer for each prompt"));
    canvas_->setBackground(theme.background);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins({});
    column->setSpacing(0);
    column->addWidget(header_);
    column->addWidget(canvas_, 1);

    header_->choice().setCurrentIndex(static_cast<int>(store.state().colouring.routing));
    connect(&header_->choice(), &QComboBox::activated, this,
            [this](int index) { store_.colourRoutingBy(static_cast<RoutingColouring>(index)); });
    connect(canvas_, &Canvas::resized, this, &OverviewPane::refreshFigure);
    connect(canvas_, &GestureCanvas::intended, this, &OverviewPane::handle);
    connect(&store, &ViewStore::changed, this, &OverviewPane::stateChanged);
    connect(&store, &ViewStore::hoverChanged, this, &OverviewPane::refreshFigure);
}

void OverviewPane::setSnapshot(SnapshotPtr snapshot) {
    snapshot_ = std::move(snapshot);
    refreshTable();
}

void OverviewPane::setTheme(const Theme& theme) {
    theme_ = &theme;
    canvas_->setBackground(theme.background);
    refreshFigure();
}

void OverviewPane::refreshTable() {
    if (!snapshot_) {
        tableTag_.cancel();
        figureTag_.cancel();
        table_.reset();
        figure_.reset();
        layers_.reset();
        columns_.reset();
        canvas_->setFigure(nullptr);
        header_->setSubject({});
        emit tableChanged();
        return;
    }
    // A run that publishes faster than tables are made must not starve its own picture: the one under way is finished.
    stale_ = tableTag_.busy();
    if (stale_) return;
    jobs_.run(
        tableTag_,
        [snapshot = snapshot_] { return std::make_shared<const RoutingTable>(routingTable(*snapshot)); },
        [this](std::shared_ptr<const RoutingTable> table) {
            table_ = std::move(table);
            const auto prompts = table_->columns.size();
            header_->setSubject(prompts == 1 ? tr("%1 layers, 1 prompt").arg(table_->layers)
                                             : tr("%1 layers, %2 prompts").arg(table_->layers).arg(prompts));
            refreshFigure();
            describe();
            emit tableChanged();
            if (stale_) refreshTable();
        });
}

void OverviewPane::refreshFigure() {
    if (!table_) return;
    RoutingView view;
    view.colouring = store_.state().colouring.routing;
    view.selected = selectedCell();
    view.hovered = hoveredCell();
    view.layers = layers_;
    view.columns = columns_;
    jobs_.run(
        figureTag_,
        [table = table_, view, size = canvas_->figureSize(), theme = theme_] {
            return std::make_shared<const RoutingFigure>(routingFigure(*table, view, size, *theme));
        },
        [this](std::shared_ptr<const RoutingFigure> figure) {
            figure_ = std::move(figure);
            canvas_->setFigure(listOf(figure_));
        });
}

void OverviewPane::stateChanged(const ViewState& now, const ViewState& before) {
    if (now.colouring.routing != before.colouring.routing)
        header_->choice().setCurrentIndex(static_cast<int>(now.colouring.routing));
    if (now.selection != before.selection) describe();
    refreshFigure();
}

void OverviewPane::handle(const CanvasIntent& intent) {
    if (const auto* hover = std::get_if<HoverIntent>(&intent)) return hoverAt(hover->at);
    if (const auto* pick = std::get_if<PickIntent>(&intent)) return pickAt(pick->at);
    if (const auto* stepped = std::get_if<StepIntent>(&intent)) return step(stepped->dx, stepped->dy);
    if (const auto* end = std::get_if<StepToEndIntent>(&intent)) {
        const int all = table_ ? static_cast<int>(table_->columns.size()) : 0;
        return step(end->last ? all : -all, 0);
    }
    if (const auto* zooming = std::get_if<ZoomIntent>(&intent)) return zoom(zooming->around, zooming->factor);
    if (const auto* panning = std::get_if<PanIntent>(&intent)) return pan(panning->dx, panning->dy);
    if (std::holds_alternative<ClearIntent>(intent)) return store_.select({});
    if (std::holds_alternative<ResetIntent>(intent)) {
        layers_.reset();
        columns_.reset();
        refreshFigure();
    }
}

void OverviewPane::hoverAt(const std::optional<Point>& at) {
    const auto hit = at && figure_ ? figure_->hitAt(*at) : std::nullopt;
    if (!hit || !hit->layer || !hit->column) {
        if (tipFor_) hideTooltip();
        tipFor_.reset();
    }
    if (!hit) return store_.hoverOver(std::nullopt);

    Hover hover;
    if (hit->layer) hover.layer = LayerIndex(*hit->layer);
    if (hit->column) {
        const RoutingColumn& column = table_->columns[static_cast<std::size_t>(*hit->column)];
        hover.run = column.run;
        hover.sequence = column.sequence;
    }
    store_.hoverOver(hover);
    if (hit->layer && hit->column && hit != tipFor_) {
        tipFor_ = hit;
        showTooltip(*canvas_, *at, routingTooltip(*table_, *hit->layer, *hit->column), *theme_);
    }
}

void OverviewPane::pickAt(Point at) {
    const auto hit = figure_ ? figure_->hitAt(at) : std::nullopt;
    if (hit) select(*hit, Move::Chosen);
}

void OverviewPane::select(const RoutingHit& hit, Move move) {
    Selection selection;
    if (hit.layer) selection.layers = {LayerIndex(*hit.layer)};
    if (hit.column) {
        const RoutingColumn& column = table_->columns[static_cast<std::size_t>(*hit.column)];
        selection.run = column.run;
        selection.sequence = column.sequence;
    } else {  // a whole layer: of the prompt one is looking at
        selection.run = store_.state().selection.run;
        selection.sequence = store_.state().selection.sequence;
    }
    store_.select(selection, move);
}

// From the selected cell; from the first one when there is none.
void OverviewPane::step(int columns, int layers) {
    if (!table_ || table_->columns.empty() || table_->layers == 0) return;
    const auto cell = selectedCell();
    const auto column = cell ? table_->columnOf(cell->run, cell->sequence) : std::nullopt;
    RoutingHit next{.layer = 0, .column = 0};
    if (column) {
        const int last = static_cast<int>(table_->columns.size()) - 1;
        next.layer = std::clamp(cell->layer.value() + layers, 0, table_->layers - 1);
        next.column = std::clamp(*column + columns, 0, last);
    }
    select(next, Move::Passing);
}

void OverviewPane::zoom(Point around, double factor) {
    if (!figure_ || !table_ || figure_->plot.width <= 0 || figure_->plot.height <= 0) return;
    const RoutingFigure& figure = *figure_;
    const auto valueAt = [](AxisRange shown, double share) {
        return shown.first + std::clamp(share, 0.0, 1.0) * (shown.last - shown.first);
    };
    const AxisRange allColumns{0, static_cast<double>(table_->columns.size())};
    const AxisRange allLayers{0, static_cast<double>(table_->layers)};
    // From what was asked for last, not from the figure: several notches may come before the next figure does.
    const AxisRange columns = columns_.value_or(figure.columns);
    const AxisRange layers = layers_.value_or(figure.layers);
    // The cell under the pointer, since groups of columns have gaps between them; beside the cells, the share of the plot.
    const auto hit = figure.hitAt(around);
    const double column = hit && hit->column
                              ? *hit->column + 0.5
                              : valueAt(columns, (around.x - figure.plot.x) / figure.plot.width);
    const double layer = hit && hit->layer ? *hit->layer + 0.5
                                           : valueAt(layers, (around.y - figure.plot.y) / figure.plot.height);
    columns_ = zoomed(columns, allColumns, factor, column, kLeastCells);
    layers_ = zoomed(layers, allLayers, factor, layer, kLeastCells);
    if (columns_ == allColumns) columns_.reset();  // so that columns of a run that goes on come into view
    if (layers_ == allLayers) layers_.reset();
    refreshFigure();
}

void OverviewPane::pan(double dx, double dy) {
    if (!figure_ || !table_ || figure_->plot.width <= 0 || figure_->plot.height <= 0) return;
    const RoutingFigure& figure = *figure_;
    const auto cells = [](double pixels, double length, AxisRange shown) {
        return -pixels / length * (shown.last - shown.first);
    };
    if (columns_)
        columns_ = panned(*columns_, {0, static_cast<double>(table_->columns.size())},
                          cells(dx, figure.plot.width, *columns_));
    if (layers_)
        layers_ = panned(*layers_, {0, static_cast<double>(table_->layers)},
                         cells(dy, figure.plot.height, *layers_));
    if (columns_ || layers_) refreshFigure();
}

std::optional<RoutingCellKey> OverviewPane::selectedCell() const {
    const Selection& selection = store_.state().selection;
    if (!selection.run || !selection.sequence) return std::nullopt;
    return RoutingCellKey{*selection.run, *selection.sequence,
                          selection.onlyLayer().value_or(LayerIndex(-1))};
}

std::optional<RoutingCellKey> OverviewPane::hoveredCell() const {
    const auto& hover = store_.hover();
    if (!hover || !hover->run || !hover->sequence || !hover->layer) return std::nullopt;
    return RoutingCellKey{*hover->run, *hover->sequence, *hover->layer};
}

// For screen readers: what the selected cell says.
void OverviewPane::describe() {
    const auto cell = selectedCell();
    const auto column = cell && table_ ? table_->columnOf(cell->run, cell->sequence) : std::nullopt;
    const bool inside = column && cell->layer.value() >= 0 && cell->layer.value() < table_->layers;
    canvas_->setAccessibleDescription(
        inside ? QString::fromStdString(toText(routingTooltip(*table_, cell->layer.value(), *column)))
               : QString());
}

}  // namespace fluxscope
