#include "views/training/training_pane.h"

#include "engine/contract/error.h"
#include "profiler/figure/number.h"
#include "views/canvas/axis_zoom.h"
#include "views/routing/pane_header.h"
#include "views/tooltip/tooltip_view.h"

#include <QCheckBox>
#include <QLabel>
#include <QListWidget>
#include <QStackedLayout>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

namespace fluxscope {
namespace {

constexpr double kLeastSteps = 8;            // that zooming in leaves
constexpr std::size_t kMostWarnings = 1000;  // in the list; the marks have all

QString nameOfTraining(const TrainingRow& row) {
    return QObject::tr("%1: %2")
        .arg(row.training.value())
        .arg(row.facts.kind == TrainingKind::Routers ? QObject::tr("routers") : QObject::tr("backbone"));
}

}  // namespace

struct TrainingPane::Made {
    std::vector<TrainingParts> trainings;
    std::shared_ptr<const TrainingCurves> curves;  // null: there is no training
};

TrainingPane::TrainingPane(ViewStore& store, Jobs& jobs, const Theme& theme, QWidget* parent)
    : QWidget(parent),
      store_(store),
      jobs_(jobs),
      theme_(&theme),
      header_(new PaneHeader(tr("Training"), tr("Show"), {}, this)),
      smooth_(new QCheckBox(tr("Average"), header_)),
      canvas_(new GestureCanvas(LeftDrag::Pan, this)),
      warnings_(new QListWidget(this)),
      nothing_(new QLabel(this)),
      pages_(new QStackedLayout(this)) {
    canvas_->setObjectName(QStringLiteral("training-curves"));
    canvas_->setAccessibleName(tr("Curves of a training"));
    canvas_->setBackground(theme.background);
    smooth_->setChecked(store.state().smoothTraining);
    smooth_->setToolTip(tr("Draws an average over some steps on top of what each step had"));
    header_->layout()->addWidget(smooth_);
    header_->choice().setMinimumContentsLength(14);
    warnings_->setObjectName(QStringLiteral("training-warnings"));
    warnings_->setAccessibleName(tr("Warnings of the training"));
    warnings_->setFrameShape(QFrame::NoFrame);
    warnings_->setWordWrap(true);
    warnings_->setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
    warnings_->hide();
    nothing_->setText(tr(
        "No training in this capture.\nfluxscope-cli train records one into the file that --capture names; "
        "open it here, also while it trains."));
    nothing_->setAlignment(Qt::AlignCenter);
    nothing_->setWordWrap(true);
    nothing_->setProperty("role", "muted");

    auto* page = new QWidget(this);
    auto* column = new QVBoxLayout(page);
    column->setContentsMargins({});
    column->setSpacing(0);
    column->addWidget(header_);
    column->addWidget(canvas_, 1);
    column->addWidget(warnings_);
    pages_->addWidget(nothing_);
    pages_->addWidget(page);

    connect(&header_->choice(), &QComboBox::activated, this, [this](int index) {
        if (index < 0 || static_cast<std::size_t>(index) >= offered_.size()) return;
        Selection selection = store_.state().selection;
        selection.training = offered_[static_cast<std::size_t>(index)];
        store_.select(selection);
    });
    connect(smooth_, &QCheckBox::clicked, &store, &ViewStore::smoothTraining);
    connect(warnings_, &QListWidget::itemActivated, this,
            [this](const QListWidgetItem* item) { goTo(item->data(Qt::UserRole).toLongLong()); });
    connect(warnings_, &QListWidget::itemClicked, this,
            [this](const QListWidgetItem* item) { goTo(item->data(Qt::UserRole).toLongLong()); });
    connect(canvas_, &Canvas::resized, this, &TrainingPane::refreshFigure);
    connect(canvas_, &GestureCanvas::intended, this, &TrainingPane::handle);
    connect(&store, &ViewStore::changed, this, &TrainingPane::stateChanged);
}

void TrainingPane::setSnapshot(SnapshotPtr snapshot) {
    snapshot_ = std::move(snapshot);
    refreshCurves();
}

void TrainingPane::setTheme(const Theme& theme) {
    theme_ = &theme;
    canvas_->setBackground(theme.background);
    refreshFigure();
    paintCursor();
}

void TrainingPane::refreshCurves() {
    if (!snapshot_ || snapshot_->trainings.empty()) {
        curvesTag_.cancel();
        stale_ = false;
        take({});
        return;
    }
    // A training that publishes faster than its curves are made must not starve its own picture: what is under way is finished.
    stale_ = curvesTag_.busy();
    if (stale_) return;
    jobs_.run(
        curvesTag_,
        [snapshot = snapshot_, wanted = store_.state().selection.training] {
            Made made{.trainings = joinedTrainings(*snapshot), .curves = nullptr};
            auto chosen = wanted ? std::ranges::find(made.trainings, *wanted, &TrainingParts::first)
                                 : made.trainings.end();
            if (chosen == made.trainings.end()) chosen = std::prev(made.trainings.end());
            made.curves = std::make_shared<const TrainingCurves>(trainingCurves(*snapshot, *chosen));
            return made;
        },
        [this](const Made& made) {
            take(made);
            if (stale_) refreshCurves();
        });
}

void TrainingPane::take(const Made& made) {
    const bool isOther = !curves_ || !made.curves || curves_->model != made.curves->model ||
                         curves_->planned != made.curves->planned || curves_->kind != made.curves->kind;
    curves_ = made.curves;
    if (isOther) {
        steps_.reset();
        cursor_.reset();
        hideTooltip();
    }
    offer(made.trainings);
    listWarnings();
    pages_->setCurrentIndex(curves_ ? 1 : 0);
    if (!curves_) {
        figureTag_.cancel();
        figure_.reset();
        canvas_->setFigure(nullptr);
        canvas_->setOverlay(nullptr);
        header_->setSubject({});
        return;
    }
    const auto count = [](std::size_t steps) {
        return QString::fromStdString(formattedCount(static_cast<std::int64_t>(steps)));
    };
    header_->setSubject(
        curves_->steps.size() == 1
            ? tr("1 step, %1 tasks").arg(curves_->tasks.size())
            : tr("%1 steps, %2 tasks").arg(count(curves_->steps.size())).arg(curves_->tasks.size()));
    refreshFigure();
}

// The choice is only filled anew when there is something new to choose: it may be open.
void TrainingPane::offer(const std::vector<TrainingParts>& trainings) {
    std::vector<TrainingIndex> first;
    first.reserve(trainings.size());
    for (const TrainingParts& parts : trainings) first.push_back(parts.first());
    const auto wanted = store_.state().selection.training;
    const auto chosen = wanted ? std::ranges::find(first, *wanted) : first.end();
    const auto at =
        chosen == first.end() ? static_cast<int>(first.size()) - 1 : static_cast<int>(chosen - first.begin());
    if (first != offered_) {
        offered_ = std::move(first);
        header_->choice().clear();
        for (const TrainingIndex training : offered_) {
            const auto row = std::ranges::find(snapshot_->trainings, training, &TrainingRow::training);
            if (row != snapshot_->trainings.end()) header_->choice().addItem(nameOfTraining(*row));
        }
    }
    header_->choice().setEnabled(offered_.size() > 1);
    header_->choice().setCurrentIndex(at);
}

void TrainingPane::listWarnings() {
    const std::size_t count = curves_ ? curves_->warnings.size() : 0;
    warnings_->setVisible(count > 0);
    const std::size_t shown = std::min(count, kMostWarnings);
    QStringList lines;
    for (std::size_t i = 0; i < shown; ++i) {
        const TrainingWarningRow& warning = curves_->warnings[count - shown + i];
        lines << tr("Step %1: %2")
                     .arg(QString::fromStdString(formattedCount(warning.step)),
                          QString::fromStdString(printable(warning.text, 400)));
    }
    bool isSame = warnings_->count() == lines.size();
    for (int i = 0; isSame && i < warnings_->count(); ++i) isSame = warnings_->item(i)->text() == lines[i];
    if (isSame) return;
    warnings_->clear();
    for (std::size_t i = 0; i < shown; ++i) {
        auto* item = new QListWidgetItem(lines[static_cast<qsizetype>(i)], warnings_);
        item->setData(Qt::UserRole, static_cast<qlonglong>(curves_->warnings[count - shown + i].step));
    }
    constexpr int kMostLines = 4;  // beyond them one scrolls
    warnings_->setFixedHeight(warnings_->sizeHintForRow(0) * std::min(warnings_->count(), kMostLines) + 6);
    warnings_->scrollToBottom();
}

void TrainingPane::refreshFigure() {
    if (!curves_) return;
    const TrainingView view{.steps = steps_, .smooth = store_.state().smoothTraining};
    jobs_.run(
        figureTag_,
        [curves = curves_, view, size = canvas_->figureSize(), theme = theme_] {
            return std::make_shared<const TrainingFigure>(trainingFigure(*curves, view, size, *theme));
        },
        [this](std::shared_ptr<const TrainingFigure> figure) {
            figure_ = std::move(figure);
            canvas_->setFigure(DisplayListPtr(figure_, &figure_->list));
            paintCursor();
        });
}

void TrainingPane::stateChanged(const ViewState& now, const ViewState& before) {
    if (now.smoothTraining != before.smoothTraining) {
        smooth_->setChecked(now.smoothTraining);
        refreshFigure();
    }
    if (now.selection.training == before.selection.training) return;
    steps_.reset();
    cursor_.reset();
    curvesTag_.cancel();  // what is under way is of another training
    stale_ = false;
    refreshCurves();
}

void TrainingPane::handle(const CanvasIntent& intent) {
    if (const auto* hover = std::get_if<HoverIntent>(&intent)) return hoverAt(hover->at);
    if (const auto* stepped = std::get_if<StepIntent>(&intent)) return step(stepped->dx);
    if (const auto* end = std::get_if<StepToEndIntent>(&intent)) {
        if (curves_ && !curves_->empty()) goTo(end->last ? curves_->steps.back() : curves_->steps.front());
        return;
    }
    if (const auto* zooming = std::get_if<ZoomIntent>(&intent)) return zoom(zooming->around, zooming->factor);
    if (const auto* panning = std::get_if<PanIntent>(&intent)) return pan(panning->dx);
    if (std::holds_alternative<ResetIntent>(intent)) {
        steps_.reset();
        refreshFigure();
    } else if (std::holds_alternative<ClearIntent>(intent)) {
        hoverAt(std::nullopt);
    }
}

void TrainingPane::hoverAt(const std::optional<Point>& at) {
    auto hit = at && figure_ && curves_ ? figure_->hitAt(*curves_, *at) : std::nullopt;
    if (!hit) {
        if (tipFor_) hideTooltip();
        tipFor_.reset();
        cursor_.reset();
        return paintCursor();
    }
    cursor_ = hit->step;
    paintCursor();
    if (hit == tipFor_) return;
    tipFor_ = std::move(hit);
    showTooltip(*canvas_, *at, trainingTooltip(*curves_, *tipFor_), *theme_);
}

// By a key or from the list: shown without the pointer, and said to screen readers.
void TrainingPane::goTo(std::int64_t step) {
    if (!curves_ || curves_->empty()) return;
    cursor_ = curves_->steps[curves_->nearest(static_cast<double>(step))];
    const auto at = static_cast<double>(*cursor_);
    if (steps_ && (at < steps_->first || at + 1 > steps_->last)) {
        const double span = steps_->last - steps_->first;
        steps_ = panned(*steps_, allSteps(), at + 0.5 - span / 2 - steps_->first);
        refreshFigure();
    }
    paintCursor();
    TrainingHit hit{.panel = TrainingPanel::Loss, .step = *cursor_, .layer = {}, .warnings = {}};
    canvas_->setAccessibleDescription(QString::fromStdString(toText(trainingTooltip(*curves_, hit))));
}

void TrainingPane::step(int steps) {
    if (!curves_ || curves_->empty() || steps == 0) return;
    if (!cursor_) return goTo(steps > 0 ? curves_->steps.front() : curves_->steps.back());
    const auto at = static_cast<std::int64_t>(curves_->nearest(static_cast<double>(*cursor_)));
    const auto next = std::clamp<std::int64_t>(at + steps, 0, std::ssize(curves_->steps) - 1);
    goTo(curves_->steps[static_cast<std::size_t>(next)]);
}

AxisRange TrainingPane::allSteps() const {
    if (!curves_ || curves_->empty()) return {};
    return {static_cast<double>(curves_->steps.front()), static_cast<double>(curves_->steps.back() + 1)};
}

void TrainingPane::zoom(Point around, double factor) {
    if (!figure_ || figure_->panels.empty() || !curves_) return;
    const auto over = std::ranges::find_if(figure_->panels, [&](const TrainingFigure::Panel& panel) {
        return around.x >= panel.plot.x && around.x < panel.plot.right();
    });
    const Rect plot = over == figure_->panels.end() ? figure_->panels.front().plot : over->plot;
    const AxisRange all = allSteps();
    const AxisRange shown = steps_.value_or(all);
    const double share = std::clamp((around.x - plot.x) / plot.width, 0.0, 1.0);
    steps_ = zoomed(shown, all, factor, shown.first + share * (shown.last - shown.first), kLeastSteps);
    if (steps_ == all) steps_.reset();  // so that steps of a training that goes on come into view
    refreshFigure();
}

void TrainingPane::pan(double dx) {
    if (!steps_ || !figure_ || figure_->panels.empty()) return;
    const double width = figure_->panels.front().plot.width;
    steps_ = panned(*steps_, allSteps(), -dx / width * (steps_->last - steps_->first));
    refreshFigure();
}

void TrainingPane::paintCursor() {
    if (!cursor_ || !figure_) return canvas_->setOverlay(nullptr);
    canvas_->setOverlay(std::make_shared<const DisplayList>(trainingHover(*figure_, *cursor_, *theme_)));
}

}  // namespace fluxscope
