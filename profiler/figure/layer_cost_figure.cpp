#include "profiler/figure/layer_cost_figure.h"

#include "engine/contract/error.h"
#include "profiler/figure/detail/heat_map.h"
#include "profiler/figure/detail/routing_cell.h"

#include <algorithm>
#include <cmath>

namespace fluxscope {

namespace {

constexpr double kRoutingWidth = 42;
constexpr double kPrefillWidth = 62;
constexpr double kColumnGap = 10;
constexpr double kWidestStep = 40;
constexpr double kTallestCell = 28;
constexpr double kHeader = 18 + 16 + 6 + 15;  // title, origin, column headers
constexpr double kTicks = 18;

class Drawing {
public:
    Drawing(const LayerCosts& costs, const LayerCostView& view, Size size, const Theme& theme)
        : costs_(costs),
          view_(view),
          grid_(costs.grid(view.measure)),
          outside_(costs.outside(view.measure)),
          painter_(size, theme),
          size_(size),
          margin_(size.width < 480 ? 8 : 12) {}

    LayerCostFigure draw() {
        if (costs_.layers == 0)
            return empty("No prompt chosen: click a cell of the routing table to see what its layers cost.");
        if (costs_.steps == 0) return empty("No step of this prompt is recorded yet.");
        layOut();
        if (rows_.size <= 0 || plot_.width < 24 || plot_.height < 24)
            return empty("Too small to draw: make this panel larger.");
        title();
        headers();
        layerLabels();
        routingColumn();
        heat();
        stepTicks();
        outlineCell(view_.hovered, painter_.theme().text, 1);
        outlineCell(view_.selected, painter_.theme().accent, 2);
        legends();
        hits();
        figure_.plot = plot_;
        figure_.list = std::move(painter_.list());
        return std::move(figure_);
    }

private:
    LayerCostFigure empty(std::string_view text) {
        Painter painter(size_, painter_.theme());
        painter.message({margin_, 0, size_.width - 2 * margin_, size_.height}, text,
                        painter.theme().textMuted);
        LayerCostFigure figure;
        figure.list = std::move(painter.list());
        return figure;
    }

    bool hasDecode() const { return costs_.steps > 1; }

    void layOut() {
        for (const RoutingCell& cell : costs_.routing) marks_.add(cell, view_.undecidedBand);
        for (std::int32_t step = 0; outside_ != nullptr && step < costs_.steps; ++step)
            hasOutside_ = hasOutside_ || outside_->at(0, step) >= 0;
        prefillEnd_ = costs_.prefillEnd[static_cast<std::size_t>(view_.measure)];
        decodeEnd_ = costs_.decodeEnd[static_cast<std::size_t>(view_.measure)];

        figure_.layers = visibleRange(view_.layers, costs_.layers);
        decodeRange();

        const double labels = std::max(textWidth("L" + std::to_string(costs_.layers - 1), kSmallText),
                                       hasOutside_ ? textWidth("outside", kSmallText) : 0.0) +
                              8;
        routing_ = singleColumn(margin_ + labels, kRoutingWidth);
        prefill_ = singleColumn(routing_.at(1) + kColumnGap, kPrefillWidth);
        plot_.x = prefill_.at(1) + kColumnGap;
        plot_.y = 6 + kHeader;
        legendHeight_ = legendHeight();

        const double below = outsideHeight(kTallestCell) + kTicks + 8 + legendHeight_ + 6;
        const double height = size_.height - plot_.y - below;
        rows_.begin = static_cast<std::int32_t>(std::floor(figure_.layers.first));
        rows_.end = static_cast<std::int32_t>(std::ceil(figure_.layers.last));
        rows_.size = std::min(height / (figure_.layers.last - figure_.layers.first), kTallestCell);
        rows_.origin = plot_.y - figure_.layers.first * rows_.size;
        plot_.height = rows_.size * (figure_.layers.last - figure_.layers.first);
        plot_.width = std::max(size_.width - margin_ - plot_.x, 0.0);
        if (hasDecode()) {
            const double shown = figure_.steps.last - figure_.steps.first;
            steps_.size = std::min(plot_.width / shown, kWidestStep);
            steps_.begin = static_cast<std::int32_t>(std::floor(figure_.steps.first));
            steps_.end = static_cast<std::int32_t>(std::ceil(figure_.steps.last));
            steps_.origin = plot_.x - figure_.steps.first * steps_.size;
            plot_.width = steps_.size * shown;
        }
        outsideRow_.size = std::clamp(rows_.size, 12.0, kTallestCell);
        outsideRow_.origin = std::round(plot_.bottom()) + 6;
        outsideRow_.end = 1;
        figure_.pooled = rows_.pooled() > 1 || steps_.pooled() > 1;
    }

    // Decode steps are 1 .. steps - 1.
    void decodeRange() {
        if (!hasDecode()) return;
        std::optional<AxisRange> wanted = view_.steps;
        if (wanted) *wanted = {wanted->first - 1, wanted->last - 1};
        const AxisRange range = visibleRange(wanted, costs_.steps - 1);
        figure_.steps = {range.first + 1, range.last + 1};
    }

    static Band singleColumn(double x, double width) {
        Band band;
        band.origin = x;
        band.size = width;
        band.end = 1;
        return band;
    }

    double outsideHeight(double row) const { return hasOutside_ ? 6 + row : 0; }
    double bottom() const { return hasOutside_ ? outsideRow_.at(1) : plot_.bottom(); }

    static double position(std::int64_t value, const ScaleEnd& end) {
        if (value < 0) return std::nan("");
        return end.value > 0 ? std::min(static_cast<double>(value) / end.value, 1.0) : 0;
    }

    void title() {
        const Theme& theme = painter_.theme();
        const double width = size_.width - 2 * margin_;
        painter_.label({margin_, 6, width, 18},
                       printable(costs_.promptId) + ": " + nameOf(view_.measure) + " by layer and step",
                       theme.text, kTitleSize);
        std::string note = costs_.origin(view_.measure);
        if (costs_.batchSequences > 1 && view_.measure != CostMeasure::KvBytes)
            note += " · the whole batch of " + std::to_string(costs_.batchSequences);
        note += " · " + formattedCount(costs_.promptTokens) + " prompt tokens · " + printable(costs_.policy);
        if (figure_.pooled) note += " · a pixel shows its largest cost";
        if (costs_.omittedSteps > 0)
            note += " · " + formattedCount(costs_.omittedSteps) + " more steps not drawn";
        painter_.label({margin_, 24, width, 16}, note, theme.textMuted);
    }

    void headers() {
        const Theme& theme = painter_.theme();
        const double y = plot_.y - 15;
        const bool hasRouter =
            std::any_of(costs_.routing.begin(), costs_.routing.end(),
                        [](const RoutingCell& c) { return c.fullProbability.has_value(); });
        painter_.label({routing_.origin, y, kRoutingWidth - 1, 13}, hasRouter ? "p_full" : "mode",
                       theme.textMuted, kSmallText, Align::Center);
        painter_.label({prefill_.origin, y, kPrefillWidth - 1, 13}, "prefill", theme.textMuted, kSmallText,
                       Align::Center);
        if (hasDecode())
            painter_.label({plot_.x, y, size_.width - margin_ - plot_.x, 13}, "decode", theme.textMuted);
        else
            painter_.label({plot_.x, y, size_.width - margin_ - plot_.x, 13}, "no decode step recorded",
                           theme.textMuted);
    }

    void layerLabels() {
        const Theme& theme = painter_.theme();
        const double width = routing_.origin - margin_ - 6;
        const std::int32_t stride = labelStride(rows_.size, 13);
        for (std::int32_t layer = rows_.begin; layer < rows_.end; ++layer) {
            const double middle = rows_.at(layer + 0.5);
            if (layer % stride != 0 || middle < plot_.y || middle > plot_.bottom()) continue;
            const bool strong = isLayer(view_.selected, layer) || isLayer(view_.hovered, layer);
            painter_.label({margin_, middle - 7, width, 14}, "L" + std::to_string(layer),
                           strong ? theme.text : theme.textMuted, kSmallText, Align::Right);
        }
        if (hasOutside_)
            painter_.label({margin_, outsideRow_.at(0), width, outsideRow_.size - 1}, "outside",
                           theme.textMuted, kSmallText, Align::Right);
    }

    static bool isLayer(const std::optional<LayerCostHit>& hit, std::int32_t layer) {
        return hit && hit->layer && hit->layer->value() == layer;
    }

    Rect columnRect(const Band& column) const {
        return {column.at(column.begin), plot_.y, column.size * column.cells(), plot_.height};
    }

    void routingColumn() {
        const ColorTable colors([&theme = painter_.theme()](double t) { return routingColor(t, theme); });
        const auto decision = [&](std::int32_t r) -> const RoutingCell& {
            return costs_.routing[static_cast<std::size_t>(r)];
        };
        painter_.clip(columnRect(routing_));
        paintHeat(
            painter_, routing_, rows_,
            [&](std::int32_t r, std::int32_t) { return probabilityPosition(decision(r)); }, colors);
        for (std::int32_t r = rows_.begin; r < rows_.end; ++r)
            if (const Rect cell = withoutGap(cellRect(routing_, rows_, 0, r));
                lies(cell, columnRect(routing_)))
                paintRoutingMarks(painter_, cell, decision(r), colors(probabilityPosition(decision(r))),
                                  view_.undecidedBand, probabilityNumber(decision(r)));
        painter_.unclip();
    }

    void heat() {
        const ColorTable paint([&theme = painter_.theme()](double t) { return sequentialColor(t, theme); });
        painter_.clip(columnRect(prefill_));
        paintHeat(
            painter_, prefill_, rows_,
            [&](std::int32_t r, std::int32_t) { return position(grid_.at(r, 0), prefillEnd_); }, paint);
        if (rows_.size >= 14)
            for (std::int32_t r = rows_.begin; r < rows_.end; ++r)
                if (const Rect cell = cellRect(prefill_, rows_, 0, r);
                    lies(withoutGap(cell), columnRect(prefill_)))
                    prefillNumber(grid_.at(r, 0), cell);
        painter_.unclip();
        if (hasDecode()) {
            painter_.clip(plot_);
            paintHeat(
                painter_, steps_, rows_,
                [&](std::int32_t r, std::int32_t s) { return position(grid_.at(r, s), decodeEnd_); }, paint);
            painter_.unclip();
        }
        if (!hasOutside_) return;
        paintHeat(
            painter_, prefill_, outsideRow_,
            [&](std::int32_t, std::int32_t) { return position(outside_->at(0, 0), prefillEnd_); }, paint);
        prefillNumber(outside_->at(0, 0), cellRect(prefill_, outsideRow_, 0, 0));
        if (!hasDecode()) return;
        painter_.clip({plot_.x, outsideRow_.at(0), plot_.width, outsideRow_.size});
        paintHeat(
            painter_, steps_, outsideRow_,
            [&](std::int32_t, std::int32_t s) { return position(outside_->at(0, s), decodeEnd_); }, paint);
        painter_.unclip();
    }

    void prefillNumber(std::int64_t value, const Rect& cell) {
        if (value < 0) return;
        const Color under = sequentialColor(position(value, prefillEnd_), painter_.theme());
        painter_.label(withoutGap(cell), formatted(static_cast<double>(value), unitOf(view_.measure)),
                       readableOn(under), kSmallText, Align::Center);
    }

    void stepTicks() {
        if (!hasDecode()) return;
        const Theme& theme = painter_.theme();
        const double widest = textWidth(std::to_string(costs_.steps), kSmallText) + 12;
        const int most = std::max(1, static_cast<int>(plot_.width / widest));
        const double y = bottom() + 2;
        const std::string caption = "step";
        painter_.label({prefill_.origin, y + 3, kPrefillWidth - 1, 13}, caption, theme.textMuted, kSmallText,
                       Align::Right);
        double free = plot_.x - 4;
        for (const Tick& tick :
             wholeTicks(std::max(1.0, std::floor(figure_.steps.first)), figure_.steps.last - 1e-6, most)) {
            const double middle = steps_.at(tick.value + 0.5);
            const double width = textWidth(tick.label, kSmallText);
            const double left =
                std::clamp(middle - width / 2, plot_.x, std::max(plot_.x, size_.width - margin_ - width));
            if (middle < plot_.x || middle > plot_.right() || left < free) continue;
            painter_.fill({std::round(middle), y, 1, 3}, theme.textMuted);
            painter_.label({left, y + 3, width, 13}, tick.label, theme.textMuted);
            free = left + width + 6;
        }
    }

    std::optional<Rect> cellOf(const LayerCostHit& hit) const {
        const Band* columns = !hit.step ? &routing_ : hit.step->value() == 0 ? &prefill_ : &steps_;
        const std::int32_t column = hit.step && hit.step->value() > 0 ? hit.step->value() : 0;
        if (!hit.layer && (!hasOutside_ || !hit.step)) return std::nullopt;
        const Band& rows = hit.layer ? rows_ : outsideRow_;
        const std::int32_t row = hit.layer ? hit.layer->value() : 0;
        if (column < columns->begin || column >= columns->end || row < rows.begin || row >= rows.end)
            return std::nullopt;
        return cellRect(*columns, rows, column, row);
    }

    void outlineCell(const std::optional<LayerCostHit>& hit, Color color, double width) {
        const auto found = hit ? cellOf(*hit) : std::nullopt;
        if (!found) return;
        paintRing(painter_, withoutGap(*found), color, width);
    }

    // Prefill and decode side by side; the marks of the routing column below them.
    double scaleWidth() const {
        return std::min(240.0, (size_.width - 2 * margin_ - (hasDecode() ? 24 : 0)) / (hasDecode() ? 2 : 1));
    }
    bool swatchesBeside() const { return swatchX() + 240 <= size_.width - margin_; }
    double swatchX() const { return margin_ + (scaleWidth() + 24) * (hasDecode() ? 2 : 1) + 8; }
    Rect swatchBox(double y) const {
        if (swatchesBeside()) return {swatchX(), y + 12, size_.width - margin_ - swatchX(), 0};
        return {margin_, y + ColorScale::kHeight + 2, size_.width - 2 * margin_, 0};
    }
    double legendHeight() {
        const double swatches = flowSwatches(painter_, swatchBox(0), routingSwatches(marks_), false);
        return swatchesBeside() ? ColorScale::kHeight : ColorScale::kHeight + 2 + swatches;
    }

    void legends() {
        const double y = bottom() + (hasDecode() ? kTicks : 4) + 8;
        scale("prefill", prefillEnd_, margin_, y);
        if (hasDecode()) scale("decode", decodeEnd_, margin_ + scaleWidth() + 24, y);
        flowSwatches(painter_, swatchBox(y), routingSwatches(marks_), true);
    }

    void scale(const std::string& name, const ScaleEnd& end, double x, double y) {
        ColorScale scale;
        scale.high = end.value > 0 ? end.value : 1;
        scale.axis = niceAxis(0, end.value, 5, unitOf(view_.measure));
        scale.color = [&theme = painter_.theme(), most = scale.high](double v) {
            return sequentialColor(v / most, theme);
        };
        scale.title = name + (scale.axis.unit.empty() ? "" : ", " + scale.axis.unit);
        if (end.exceeded || outsideExceeds(name == "prefill", end))
            scale.title += ", top is ≥ " + formatted(end.value, unitOf(view_.measure));
        scale.paint(painter_, {x, y, scaleWidth(), ColorScale::kHeight});
    }

    bool outsideExceeds(bool prefill, const ScaleEnd& end) const {
        if (!hasOutside_) return false;
        for (std::int32_t step = prefill ? 0 : 1; step < (prefill ? 1 : costs_.steps); ++step)
            if (static_cast<double>(outside_->at(0, step)) > end.value) return true;
        return false;
    }

    void hits() {
        HitId next = 1;
        const auto add = [&](const Band& columns, const Band& rows, LayerCostFigure::Block block) {
            HitGrid grid;
            grid.rect = {columns.at(columns.begin), rows.at(rows.begin), columns.size * columns.cells(),
                         rows.size * rows.cells()};
            grid.columns = columns.cells();
            grid.rows = rows.cells();
            grid.first = next;
            next += static_cast<HitId>(grid.columns) * static_cast<HitId>(grid.rows);
            block.firstLayer = rows.begin;
            block.firstStep = columns.begin;
            painter_.list().hitGrids.push_back(grid);
            figure_.blocks.push_back(block);
        };
        add(routing_, rows_, {.routing = true});
        add(prefill_, rows_, {});
        if (hasDecode()) add(steps_, rows_, {});
        if (hasOutside_) {
            add(prefill_, outsideRow_, {.outside = true});
            if (hasDecode()) add(steps_, outsideRow_, {.outside = true});
        }
        // Half a cell may lie beyond the plot while somebody pans; nobody can see it there, so nothing hits it there.
        auto& areas = painter_.list().hitAreas;
        areas.push_back({{0, 0, size_.width, plot_.y}, 0});
        areas.push_back({{prefill_.at(1), plot_.y, plot_.x - prefill_.at(1), size_.height - plot_.y}, 0});
        areas.push_back(
            {{plot_.right(), plot_.y, std::max(size_.width - plot_.right(), 0.0), size_.height - plot_.y},
             0});
        const double below = hasOutside_ ? outsideRow_.at(0) : size_.height;
        areas.push_back({{0, plot_.bottom(), size_.width, std::max(below - plot_.bottom(), 0.0)}, 0});
    }

    const LayerCosts& costs_;
    const LayerCostView& view_;
    const CostGrid& grid_;
    const CostGrid* outside_;
    Painter painter_;
    Size size_;
    double margin_;
    LayerCostFigure figure_;
    Rect plot_;
    Band rows_;
    Band routing_;
    Band prefill_;
    Band steps_;
    Band outsideRow_;
    ScaleEnd prefillEnd_;
    ScaleEnd decodeEnd_;
    bool hasOutside_ = false;
    double legendHeight_ = 0;
    RoutingMarks marks_;
};

}  // namespace

const char* nameOf(CostMeasure measure) {
    switch (measure) {
        case CostMeasure::Time: return "time";
        case CostMeasure::Bytes: return "bytes moved";
        case CostMeasure::Flops: return "FLOPs";
        case CostMeasure::KvBytes: return "KV kept";
    }
    return "";
}

Unit unitOf(CostMeasure measure) {
    switch (measure) {
        case CostMeasure::Time: return Unit::Time;
        case CostMeasure::Bytes: return Unit::Bytes;
        case CostMeasure::Flops: return Unit::Flops;
        case CostMeasure::KvBytes: return Unit::Bytes;
    }
    return Unit::None;
}

std::optional<LayerCostHit> LayerCostFigure::hit(HitId id) const {
    for (std::size_t i = 0; i < blocks.size() && i < list.hitGrids.size(); ++i) {
        const HitGrid& grid = list.hitGrids[i];
        const auto columns = static_cast<HitId>(grid.columns);
        if (id < grid.first || id >= grid.first + columns * static_cast<HitId>(grid.rows)) continue;
        const HitId offset = id - grid.first;
        LayerCostHit found;
        if (!blocks[i].outside)
            found.layer = LayerIndex{blocks[i].firstLayer + static_cast<std::int32_t>(offset / columns)};
        if (!blocks[i].routing)
            found.step = StepIndex{blocks[i].firstStep + static_cast<std::int32_t>(offset % columns)};
        return found;
    }
    return std::nullopt;
}

std::optional<LayerCostHit> LayerCostFigure::hitAt(Point p) const {
    const auto id = list.hitAt(p);
    return id ? hit(*id) : std::nullopt;
}

LayerCostFigure layerCostFigure(const LayerCosts& costs, const LayerCostView& view, Size size,
                                const Theme& theme) {
    return Drawing(costs, view, size, theme).draw();
}

double layerCostFigureHeight(const LayerCosts& costs, double width) {
    constexpr double kComfortable = 18;
    const double legend = width >= 800 ? ColorScale::kHeight : ColorScale::kHeight + 2 + 3 * kLineHeight;
    return 6 + kHeader + (costs.layers + 2) * kComfortable + kTicks + legend + 20;
}

Tooltip layerCostTooltip(const LayerCosts& costs, const LayerCostHit& hit) {
    Tooltip tooltip;
    const std::string prompt = printable(costs.promptId);
    tooltip.title = hit.layer ? "layer " + std::to_string(hit.layer->value()) : "outside all layers";
    if (hit.step)
        tooltip.title +=
            hit.step->value() == 0 ? " · prefill" : " · step " + std::to_string(hit.step->value());
    tooltip.title += " · " + prompt;

    const std::string batch =
        costs.batchSequences > 1 ? "; the whole batch of " + std::to_string(costs.batchSequences) : "";
    for (const CostMeasure measure :
         {CostMeasure::Time, CostMeasure::Bytes, CostMeasure::Flops, CostMeasure::KvBytes}) {
        const CostGrid* grid = hit.layer ? &costs.grid(measure) : costs.outside(measure);
        if (!hit.step || grid == nullptr || hit.step->value() < 0 || hit.step->value() >= grid->steps())
            continue;
        const std::int64_t value = grid->at(hit.layer ? hit.layer->value() : 0, hit.step->value());
        if (value < 0) continue;
        tooltip.lines.push_back({nameOf(measure), formatted(static_cast<double>(value), unitOf(measure)),
                                 costs.origin(measure) + (measure == CostMeasure::KvBytes ? "" : batch)});
    }
    if (hit.layer && hit.layer->value() >= 0 && hit.layer->value() < costs.layers)
        addDecisionLines(tooltip, costs.routing[static_cast<std::size_t>(hit.layer->value())]);
    return tooltip;
}

}  // namespace fluxscope
