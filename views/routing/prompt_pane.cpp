#include "views/routing/prompt_pane.h"

#include "views/canvas/axis_zoom.h"
#include "views/routing/pane_header.h"
#include "views/tooltip/tooltip_view.h"

#include <QVBoxLayout>
#include <algorithm>

namespace fluxscope {
namespace {

constexpr double kLeastSteps = 8;  // that zooming in leaves

}  // namespace

PromptPane::PromptPane(ViewStore& store, Jobs& jobs, const Theme& theme, QWidget* parent)
    : QWidget(parent),
      store_(store),
      jobs_(jobs),
      theme_(&theme),
      // In the order of CostMeasure.
      header_(new PaneHeader(tr("Layers × steps"), tr("Measure"),
                             {tr("time"), tr("bytes moved"), tr("FLOPs"), tr("KV kept")}, this)),
      canvas_(new GestureCanvas(LeftDrag::Pan, this)) {
    canvas_->setObjectName(QStringLiteral("routing-prompt"));
    canvas_->setAccessibleName(tr("Cost of each layer in each step of one prompt"));
    canvas_->setBackground(theme.background);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins({});
    column->setSpacing(0);
    column->addWidget(header_);
    column->addWidget(canvas_, 1);

    header_->choice().setObjectName(QStringLiteral("cost-measure"));
    header_->choice().setCurrentIndex(static_cast<int>(store.state().colouring.cost));
    connect(&header_->choice(), &QComboBox::activated, this,
            [this](int index) { store_.colourCostBy(static_cast<CostMeasure>(index)); });
    connect(canvas_, &Canvas::resized, this, &PromptPane::refreshFigure);
    connect(canvas_, &GestureCanvas::intended, this, &PromptPane::handle);
    connect(&store, &ViewStore::changed, this, &PromptPane::stateChanged);
    connect(&store, &ViewStore::hoverChanged, this, &PromptPane::refreshFigure);
}

void PromptPane::setSnapshot(SnapshotPtr snapshot) {
    snapshot_ = std::move(snapshot);
    refreshCosts();
}

void PromptPane::setFallback(std::optional<RunIndex> run, std::optional<SequenceIndex> sequence) {
    fallback_ = run && sequence ? std::optional(Shown{*run, *sequence}) : std::nullopt;
    if (wanted() != asked_) refreshCosts();
}

void PromptPane::setTheme(const Theme& theme) {
    theme_ = &theme;
    canvas_->setBackground(theme.background);
    refreshFigure();
}

std::optional<PromptPane::Shown> PromptPane::wanted() const {
    const Selection& selection = store_.state().selection;
    if (selection.run && selection.sequence) return Shown{*selection.run, *selection.sequence};
    return fallback_;
}

void PromptPane::refreshCosts() {
    const auto want = wanted();
    if (!snapshot_ || !want) {
        asked_.reset();
        costsTag_.cancel();
        figureTag_.cancel();
        show(nullptr);
        return;
    }
    // The same question about a newer snapshot waits for the answer under way; another prompt does not.
    stale_ = costsTag_.busy() && want == asked_;
    if (stale_) return;
    asked_ = want;
    jobs_.run(
        costsTag_,
        [snapshot = snapshot_, shown = *want] {
            return std::make_shared<const LayerCosts>(layerCosts(*snapshot, shown.run, shown.sequence));
        },
        [this](std::shared_ptr<const LayerCosts> costs) {
            show(std::move(costs));
            if (stale_) refreshCosts();
        });
}

void PromptPane::show(std::shared_ptr<const LayerCosts> costs) {
    const bool other = !costs || !costs_ || costs->run != costs_->run || costs->sequence != costs_->sequence;
    if (other) steps_.reset();
    costs_ = std::move(costs);
    if (!costs_) {
        figure_.reset();
        canvas_->setFigure(nullptr);
        header_->setSubject({});
        return;
    }
    header_->setSubject(QStringLiteral("%1 · %2").arg(QString::fromStdString(costs_->promptId),
                                                      QString::fromStdString(costs_->policy)));
    refreshFigure();
}

void PromptPane::refreshFigure() {
    if (!costs_) return;
    LayerCostView view;
    view.measure = store_.state().colouring.cost;
    view.selected = selectedHit();
    view.hovered = hoveredHit();
    view.steps = steps_;
    jobs_.run(
        figureTag_,
        [costs = costs_, view, size = canvas_->figureSize(), theme = theme_] {
            return std::make_shared<const LayerCostFigure>(layerCostFigure(*costs, view, size, *theme));
        },
        [this](std::shared_ptr<const LayerCostFigure> figure) {
            figure_ = std::move(figure);
            canvas_->setFigure(DisplayListPtr(figure_, &figure_->list));
            const auto selected = selectedHit();
            canvas_->setAccessibleDescription(
                selected ? QString::fromStdString(toText(layerCostTooltip(*costs_, *selected))) : QString());
        });
}

void PromptPane::stateChanged(const ViewState& now, const ViewState& before) {
    if (now.colouring.cost != before.colouring.cost)
        header_->choice().setCurrentIndex(static_cast<int>(now.colouring.cost));
    if (wanted() != asked_)
        refreshCosts();
    else
        refreshFigure();
}

void PromptPane::handle(const CanvasIntent& intent) {
    if (const auto* hover = std::get_if<HoverIntent>(&intent)) return hoverAt(hover->at);
    if (const auto* pick = std::get_if<PickIntent>(&intent)) {
        const auto hit = figure_ ? figure_->hitAt(pick->at) : std::nullopt;
        if (hit) select(*hit, Move::Chosen);
        return;
    }
    if (const auto* stepped = std::get_if<StepIntent>(&intent)) return step(stepped->dx, stepped->dy);
    if (const auto* end = std::get_if<StepToEndIntent>(&intent)) {
        const int all = costs_ ? costs_->steps : 0;
        return step(end->last ? all : -all, 0);
    }
    if (const auto* zooming = std::get_if<ZoomIntent>(&intent)) return zoom(zooming->around, zooming->factor);
    if (const auto* panning = std::get_if<PanIntent>(&intent)) return pan(panning->dx);
    if (std::holds_alternative<ClearIntent>(intent)) return store_.select({});
    if (std::holds_alternative<ResetIntent>(intent)) {
        steps_.reset();
        refreshFigure();
    }
}

void PromptPane::hoverAt(const std::optional<Point>& at) {
    const auto hit = at && figure_ ? figure_->hitAt(*at) : std::nullopt;
    if (!hit) {
        if (tipFor_) hideTooltip();
        tipFor_.reset();
        return store_.hoverOver(std::nullopt);
    }
    store_.hoverOver(Hover{costs_->run, costs_->sequence, hit->layer, hit->step});
    if (hit == tipFor_) return;
    tipFor_ = hit;
    showTooltip(*canvas_, *at, layerCostTooltip(*costs_, *hit), *theme_);
}

void PromptPane::select(const LayerCostHit& hit, Move move) {
    Selection selection;
    selection.run = costs_->run;
    selection.sequence = costs_->sequence;
    if (hit.layer) selection.layers = {*hit.layer};
    if (hit.step) {
        selection.steps = StepRange{*hit.step, *hit.step};
        selection.phase = hit.step->value() == 0 ? Phase::Prefill : Phase::Decode;
    }
    store_.select(selection, move);
}

void PromptPane::step(int steps, int layers) {
    if (!costs_ || costs_->empty()) return;
    LayerCostHit next{LayerIndex(0), StepIndex(0)};
    if (const auto now = selectedHit(); now && now->layer) {
        const int step = now->step ? now->step->value() + steps : 0;
        next.layer = LayerIndex(std::clamp(now->layer->value() + layers, 0, costs_->layers - 1));
        next.step = StepIndex(std::clamp(step, 0, costs_->steps - 1));
    }
    select(next, Move::Passing);
}

AxisRange PromptPane::allSteps() const {
    return {1, static_cast<double>(std::max(2, costs_ ? costs_->steps : 2))};
}

void PromptPane::zoom(Point around, double factor) {
    if (!figure_ || figure_->plot.width <= 0) return;
    const double share = std::clamp((around.x - figure_->plot.x) / figure_->plot.width, 0.0, 1.0);
    // What was asked for last: several notches may come before the next figure does.
    const AxisRange shown = steps_.value_or(figure_->steps);
    steps_ = zoomed(shown, allSteps(), factor, shown.first + share * (shown.last - shown.first), kLeastSteps);
    if (steps_ == allSteps()) steps_.reset();  // so that steps of a run that goes on come into view
    refreshFigure();
}

void PromptPane::pan(double dx) {
    if (!steps_ || !figure_ || figure_->plot.width <= 0) return;
    steps_ = panned(*steps_, allSteps(), -dx / figure_->plot.width * (steps_->last - steps_->first));
    refreshFigure();
}

std::optional<LayerCostHit> PromptPane::selectedHit() const {
    const Selection& selection = store_.state().selection;
    if (!costs_ || selection.run != costs_->run || selection.sequence != costs_->sequence)
        return std::nullopt;
    const auto layer = selection.onlyLayer();
    if (!layer && !selection.steps) return std::nullopt;
    return LayerCostHit{layer, selection.steps ? std::optional(selection.steps->first) : std::nullopt};
}

// A layer hovered in the overview is pointed out here as well, when it is of this prompt.
std::optional<LayerCostHit> PromptPane::hoveredHit() const {
    const auto& hover = store_.hover();
    if (!hover || !costs_ || hover->run != costs_->run || hover->sequence != costs_->sequence)
        return std::nullopt;
    return LayerCostHit{hover->layer, hover->step};
}

}  // namespace fluxscope
