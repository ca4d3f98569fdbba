#include "profiler/figure/margins_figure.h"

#include "engine/contract/error.h"
#include "profiler/figure/detail/heat_map.h"
#include "profiler/figure/detail/plot_frame.h"

#include <algorithm>
#include <cmath>

namespace fluxscope {

namespace {

constexpr double kThinnest = 3;
constexpr double kTallest = 24;
constexpr double kBelow = kPlotTicks + kPlotCaption + 6;

std::string signedNumber(double value) { return (value > 0 ? "+" : "") + withDecimals(value, 2); }

std::string remark(const LayerHealth& layer) {
    std::string text = layer.collapse == Collapse::AllFull ? "always full"
                       : layer.collapse == Collapse::AllSparse
                           ? "always sparse"
                           : formatted(layer.fullShare(), Unit::Share) + " full";
    if (layer.undecided > 0) text += ", " + formatted(layer.undecidedShare(), Unit::Share) + " near";
    return text;
}

class Drawing {
public:
    Drawing(const RouterHealth& health, const MarginsView& view, Size size, const Theme& theme)
        : health_(health), view_(view), painter_(size, theme), size_(size), margin_(plotMargin(size)) {}

    MarginsFigure draw() {
        if (health_.empty()) return say("No decision of a router is recorded in this run.");
        layOut();
        if (plot_.width < 60 || plot_.height < 24) return say("Too small to draw: make this panel larger.");
        heading();
        axis();
        rows();
        outlineLayer(view_.hovered, painter_.theme().text, 1);
        outlineLayer(view_.selected, painter_.theme().accent, 2);
        figure_.plot = plot_;
        figure_.list = std::move(painter_.list());
        return std::move(figure_);
    }

private:
    MarginsFigure say(std::string_view text) {
        MarginsFigure figure;
        figure.list = messageOnly(size_, painter_.theme(), text);
        return figure;
    }

    const LayerHealth& layer(std::int32_t row) const { return health_.layers[static_cast<std::size_t>(row)]; }
    std::int32_t count() const { return static_cast<std::int32_t>(health_.layers.size()); }

    void layOut() {
        figure_.rows = visibleRange(view_.rows, count());
        double labels = 0;
        double remarks = 0;
        for (const LayerHealth& l : health_.layers) {
            labels = std::max(labels, textWidth("L" + std::to_string(l.layer.value()), kSmallText) + 8);
            remarks = std::max(remarks, textWidth(remark(l), kSmallText) + 8);
            low_ = std::min(low_, l.margins.least);
            high_ = std::max(high_, l.margins.most);
        }
        // The threshold is always in the picture, with room on both sides.
        const double pad = std::max((high_ - low_) * 0.05, 0.25);
        low_ -= pad;
        high_ += pad;
        plot_ = {margin_ + labels, kPlotTop, size_.width - 2 * margin_ - labels,
                 size_.height - kPlotTop - kBelow};
        const double shown = figure_.rows.last - figure_.rows.first;
        rows_.begin = static_cast<std::int32_t>(std::floor(figure_.rows.first));
        rows_.end = static_cast<std::int32_t>(std::ceil(figure_.rows.last));
        rows_.size = std::min(plot_.height / shown, kTallest);
        rows_.origin = plot_.y - figure_.rows.first * rows_.size;
        plot_.height = rows_.size * shown;
        hasRemarks_ = rows_.size >= 13 && plot_.width - remarks >= 180;
        if (hasRemarks_) plot_.width -= remarks;
        if (rows_.size < kThinnest)
            block_ = static_cast<std::int32_t>(std::min(std::ceil(kThinnest / rows_.size), 1e6));
        figure_.pooled = block_ > 1;
    }

    double x(double margin) const { return plot_.x + (margin - low_) / (high_ - low_) * plot_.width; }

    void heading() {
        std::string note = "routers, recorded · " + formattedCount(health_.prompts) +
                           (health_.prompts == 1 ? " prompt" : " prompts") + " · " +
                           printable(health_.policy) + " · whisker: all, box: middle half, tick: median";
        if (figure_.pooled) note += " · a row shows the widest of " + std::to_string(block_) + " layers";
        paintHeading(painter_, "Router margins by layer", note);
    }

    void axis() {
        const Theme& theme = painter_.theme();
        const Axis axis = niceAxis(low_, high_, std::max(2, static_cast<int>(plot_.width / 60)), Unit::None);
        const double right = size_.width - margin_;
        paintHorizontalTicks(painter_, plot_, axis.ticks, [this](double v) { return x(v); }, margin_, right);
        paintHorizontalCaption(painter_, plot_, "← sparse · margin to the threshold, logits · full →",
                               margin_, right);
        painter_.fill({std::round(x(0)), plot_.y, 1, plot_.height}, theme.text);
        const std::int32_t stride = labelStride(rows_.size, 13);
        for (std::int32_t row = rows_.begin; row < rows_.end; ++row) {
            const double middle = rows_.at(row + 0.5);
            if (row % stride != 0 || middle < plot_.y || middle > plot_.bottom()) continue;
            painter_.label({margin_, middle - 7, plot_.x - margin_ - 6, 14},
                           "L" + std::to_string(layer(row).layer.value()),
                           isChosen(layer(row).layer) ? theme.text : theme.textMuted, kSmallText,
                           Align::Right);
        }
    }

    bool isChosen(LayerIndex index) const { return view_.selected == index || view_.hovered == index; }

    void rows() {
        for (std::int32_t first = rows_.begin / block_ * block_; first < rows_.end; first += block_) {
            const LayerHealth* widest = nullptr;
            for (std::int32_t row = std::max(first, rows_.begin); row < std::min(first + block_, rows_.end);
                 ++row) {
                const Percentiles& m = layer(row).margins;
                if (!widest || m.most - m.least > widest->margins.most - widest->margins.least)
                    widest = &layer(row);
                const double top = std::max(rows_.at(row), plot_.y);
                const double bottom = std::min(rows_.at(row + 1), plot_.bottom());
                if (bottom > top)
                    painter_.list().hitAreas.push_back(
                        {{plot_.x, top, size_.width - margin_ - plot_.x, bottom - top},
                         1 + static_cast<HitId>(layer(row).layer.value())});
            }
            if (widest) spread(*widest, first);
        }
    }

    void spread(const LayerHealth& l, std::int32_t first) {
        const Theme& theme = painter_.theme();
        const Percentiles& m = l.margins;
        const double top = rows_.at(first);
        const double height = rows_.size * block_;
        const double middle = std::round(top + height / 2);
        painter_.clip(plot_);
        if (m.count > 0) {
            const Color strong = m.median > 0 ? theme.full : theme.sparse;
            const Color soft = routingColor(m.median > 0 ? 0.8 : 0.2, theme);
            const double thick = std::max(std::floor(height * 0.6), 2.0);
            const double least = std::round(x(m.least));
            const double most = std::round(x(m.most));
            painter_.fill({least, middle - 1, std::max(most - least, 1.0), 1}, theme.textMuted);
            const double from = std::round(x(m.p25));
            painter_.fill(
                {from, middle - std::floor(thick / 2), std::max(std::round(x(m.p75)) - from, 2.0), thick},
                soft);
            painter_.fill({std::round(x(m.median)) - 1, middle - std::floor(thick / 2), 3, thick}, strong);
        }
        painter_.unclip();
        if (hasRemarks_ && middle - 7 >= plot_.y && middle + 7 <= plot_.bottom() + 1)
            painter_.label({plot_.right() + 8, middle - 7, size_.width - margin_ - plot_.right() - 8, 14},
                           remark(l), isChosen(l.layer) ? theme.text : theme.textMuted);
    }

    void outlineLayer(const std::optional<LayerIndex>& wanted, Color color, double width) {
        for (std::int32_t row = rows_.begin; wanted && row < rows_.end; ++row) {
            if (layer(row).layer != *wanted) continue;
            const double top = std::max(std::round(rows_.at(row)), plot_.y);
            const double bottom = std::min(std::round(rows_.at(row + 1)), plot_.bottom());
            paintRing(painter_, {plot_.x + 3, top, plot_.width - 6, bottom - top}, color, width);
        }
    }

    const RouterHealth& health_;
    const MarginsView& view_;
    Painter painter_;
    Size size_;
    double margin_;
    MarginsFigure figure_;
    Rect plot_;
    Band rows_;
    std::int32_t block_ = 1;
    bool hasRemarks_ = false;
    double low_ = 0;
    double high_ = 0;
};

}  // namespace

std::optional<LayerIndex> MarginsFigure::hit(HitId id) const {
    if (id == 0) return std::nullopt;
    return LayerIndex::of(id - 1);
}

std::optional<LayerIndex> MarginsFigure::hitAt(Point p) const {
    const auto id = list.hitAt(p);
    return id ? hit(*id) : std::nullopt;
}

MarginsFigure marginsFigure(const RouterHealth& health, const MarginsView& view, Size size,
                            const Theme& theme) {
    return Drawing(health, view, size, theme).draw();
}

double marginsFigureHeight(const RouterHealth& health) {
    return kPlotTop + kBelow + std::clamp(static_cast<double>(health.layers.size()) * 18, 72.0, 640.0);
}

Tooltip marginsTooltip(const RouterHealth& health, LayerIndex layer) {
    Tooltip tooltip;
    tooltip.title = "layer " + std::to_string(layer.value());
    for (const LayerHealth& l : health.layers) {
        if (l.layer != layer) continue;
        const std::string of = "of " + formattedCount(l.prompts) + (l.prompts == 1 ? " prompt" : " prompts");
        tooltip.lines.push_back({"margin",
                                 signedNumber(l.margins.median) + " median, " +
                                     signedNumber(l.margins.least) + " to " + signedNumber(l.margins.most),
                                 "logits, routers, recorded"});
        tooltip.lines.push_back({"full attention", formatted(l.fullShare(), Unit::Share), of});
        tooltip.lines.push_back({"undecided", formatted(l.undecidedShare(), Unit::Share),
                                 "p_full within " + withDecimals(health.band, 2) + " of the threshold"});
        tooltip.lines.push_back({"entropy",
                                 withDecimals(l.entropy, 2) + " bits a prompt, " +
                                     withDecimals(l.routeEntropy, 2) + " bits of the route",
                                 ""});
        if (l.probes > 0)
            tooltip.lines.push_back(
                {"probes", formattedCount(l.flips) + " of " + formattedCount(l.probes) + " flipped", ""});
    }
    return tooltip;
}

}  // namespace fluxscope
