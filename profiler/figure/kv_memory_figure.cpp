#include "profiler/figure/kv_memory_figure.h"

#include "engine/contract/error.h"
#include "profiler/figure/detail/heat_map.h"
#include "profiler/figure/detail/legend.h"
#include "profiler/figure/detail/plot_frame.h"

#include <algorithm>
#include <cmath>

namespace fluxscope {

namespace {

constexpr double kThinnest = 2;
constexpr double kTallest = 24;
constexpr double kBelow = kPlotTicks + kPlotCaption + 4 + kLineHeight + 4;

class Drawing {
public:
    Drawing(const KvMemory& memory, const KvMemoryView& view, Size size, const Theme& theme)
        : memory_(memory), view_(view), painter_(size, theme), size_(size), margin_(plotMargin(size)) {}

    KvMemoryFigure draw() {
        if (memory_.empty()) return say("No KV cache is recorded for this run.");
        layOut();
        if (plot_.width < 40 || plot_.height < 24) return say("Too small to draw: make this panel larger.");
        heading();
        axis();
        bars();
        outlineLayer(view_.hovered, painter_.theme().text, 1);
        outlineLayer(view_.selected, painter_.theme().accent, 2);
        legend();
        hits();
        figure_.plot = plot_;
        figure_.list = std::move(painter_.list());
        return std::move(figure_);
    }

private:
    KvMemoryFigure say(std::string_view text) {
        KvMemoryFigure figure;
        figure.list = messageOnly(size_, painter_.theme(), text);
        return figure;
    }

    void layOut() {
        layers_ = memory_.layers.back().layer.value() + 1;
        for (const KvLayer& layer : memory_.layers) most_ = std::max(most_, layer.bytes.full());
        figure_.layers = visibleRange(view_.layers, layers_);
        const double labels = textWidth("L" + std::to_string(layers_ - 1), kSmallText) + 8;
        plot_ = {margin_ + labels, kPlotTop, size_.width - 2 * margin_ - labels,
                 size_.height - kPlotTop - kBelow};
        const double shown = figure_.layers.last - figure_.layers.first;
        rows_.begin = static_cast<std::int32_t>(std::floor(figure_.layers.first));
        rows_.end = static_cast<std::int32_t>(std::ceil(figure_.layers.last));
        rows_.size = std::min(plot_.height / shown, kTallest);
        rows_.origin = plot_.y - figure_.layers.first * rows_.size;
        plot_.height = rows_.size * shown;
        if (rows_.size < kThinnest)
            block_ = static_cast<std::int32_t>(std::min(std::ceil(kThinnest / rows_.size), 1e6));
        figure_.pooled = block_ > 1;
    }

    // Rows are hit within the plot only: a row may be half panned out of sight.
    void hits() {
        for (std::int32_t layer = rows_.begin; layer < rows_.end; ++layer) {
            const double top = std::max(rows_.at(layer), plot_.y);
            const double bottom = std::min(rows_.at(layer + 1), plot_.bottom());
            if (bottom > top)
                painter_.list().hitAreas.push_back(
                    {{plot_.x, top, plot_.width, bottom - top}, 1 + static_cast<HitId>(layer)});
        }
    }

    void heading() {
        const KvBytes& total = memory_.total;
        std::string title = "KV memory by layer: " + formatted(total.kept, Unit::Bytes) + " kept of " +
                            formatted(total.full(), Unit::Bytes) + ", " +
                            formatted(total.freedShare(), Unit::Share) + " freed";
        std::string note = memory_.origin;
        if (memory_.sequences.size() > 1)
            note += " · sum of " + formattedCount(static_cast<std::int64_t>(memory_.sequences.size())) +
                    " prompts";
        else if (!memory_.sequences.empty())
            note += " · " + printable(memory_.sequences.front().promptId);
        note += " · " + printable(memory_.policy);
        if (figure_.pooled) note += " · a bar shows the largest of " + std::to_string(block_) + " layers";
        paintHeading(painter_, title, note);
    }

    double x(double bytes) const {
        return plot_.x + (most_ > 0 ? std::min(bytes / most_, 1.0) : 0) * plot_.width;
    }

    void axis() {
        const int most = std::max(2, static_cast<int>(plot_.width / 70));
        const Axis axis = niceAxis(0, most_, most, Unit::Bytes);
        const double right = size_.width - margin_;
        paintHorizontalTicks(painter_, plot_, axis.ticks, [this](double v) { return x(v); }, margin_, right);
        paintHorizontalCaption(painter_, plot_,
                               "KV bytes of a layer" + (axis.unit.empty() ? "" : ", " + axis.unit), margin_,
                               right);
        const std::int32_t stride = labelStride(rows_.size, 13);
        for (std::int32_t layer = rows_.begin; layer < rows_.end; ++layer) {
            const double middle = rows_.at(layer + 0.5);
            if (layer % stride != 0 || middle < plot_.y || middle > plot_.bottom()) continue;
            painter_.label({margin_, middle - 7, plot_.x - margin_ - 6, 14}, "L" + std::to_string(layer),
                           isChosen(layer) ? painter_.theme().text : painter_.theme().textMuted, kSmallText,
                           Align::Right);
        }
    }

    bool isChosen(std::int32_t layer) const {
        return (view_.selected && view_.selected->value() == layer) ||
               (view_.hovered && view_.hovered->value() == layer);
    }

    Color kept() const { return sequentialColor(0.72, painter_.theme()); }

    void bars() {
        painter_.clip(plot_);
        for (auto at = memory_.layers.begin(); at != memory_.layers.end();) {
            const std::int32_t first = at->layer.value() / block_ * block_;
            const KvLayer* largest = &*at;
            for (; at != memory_.layers.end() && at->layer.value() < first + block_; ++at)
                if (at->bytes.full() > largest->bytes.full()) largest = &*at;
            if (first + block_ <= rows_.begin || first >= rows_.end) continue;
            bar(*largest, first);
        }
        painter_.unclip();
    }

    void bar(const KvLayer& layer, std::int32_t first) {
        const Theme& theme = painter_.theme();
        const double top = std::round(rows_.at(first));
        const double gap = rows_.size >= 4 ? 1 : 0;
        const double height = std::max(std::round(rows_.at(first + block_)) - top - gap, 1.0);
        const Rect full{plot_.x, top, x(layer.bytes.full()) - plot_.x, height};
        const Rect part{plot_.x, top, x(layer.bytes.kept) - plot_.x, height};
        painter_.fill({part.right(), top, full.right() - part.right(), height}, theme.missing);
        painter_.fill(part, kept());
        if (rows_.size < 14 || !lies(full, plot_)) return;
        const std::string text = formatted(layer.bytes.kept, Unit::Bytes);
        const double width = textWidth(text, kSmallText) + 12;
        if (part.width >= width)
            painter_.label({plot_.x + 6, top, part.width - 12, height}, text, readableOn(kept()));
        else if (part.right() + width <= plot_.right())
            painter_.label({part.right() + 6, top, width, height}, text, theme.text);
    }

    void outlineLayer(const std::optional<LayerIndex>& layer, Color color, double width) {
        if (!layer || layer->value() < rows_.begin || layer->value() >= rows_.end) return;
        const double top = std::max(std::round(rows_.at(layer->value())), plot_.y);
        const double bottom = std::min(std::round(rows_.at(layer->value() + 1)), plot_.bottom());
        paintRing(painter_, {plot_.x + 2, top, plot_.width - 4, bottom - top - (rows_.size >= 4 ? 1 : 0)},
                  color, width);
    }

    void legend() {
        const std::vector<Swatch> swatches{{"kept", [this](Painter& p, const Rect& r) { p.fill(r, kept()); }},
                                           {"freed: a full cache would hold it",
                                            [](Painter& p, const Rect& r) { p.fill(r, p.theme().missing); }}};
        // One line: on a narrow figure the second is cut rather than wrapped out of sight.
        flowSwatches(
            painter_, {margin_, plot_.bottom() + kPlotTicks + kPlotCaption + 4, size_.width - 2 * margin_, 0},
            size_.width < 330 ? std::vector<Swatch>{swatches[0], {"freed", swatches[1].paint}} : swatches,
            true);
    }

    const KvMemory& memory_;
    const KvMemoryView& view_;
    Painter painter_;
    Size size_;
    double margin_;
    KvMemoryFigure figure_;
    Rect plot_;
    Band rows_;
    std::int32_t layers_ = 0;
    std::int32_t block_ = 1;
    double most_ = 0;
};

}  // namespace

std::optional<LayerIndex> KvMemoryFigure::hit(HitId id) const {
    if (id == 0) return std::nullopt;
    return LayerIndex::of(id - 1);
}

std::optional<LayerIndex> KvMemoryFigure::hitAt(Point p) const {
    const auto id = list.hitAt(p);
    return id ? hit(*id) : std::nullopt;
}

KvMemoryFigure kvMemoryFigure(const KvMemory& memory, const KvMemoryView& view, Size size,
                              const Theme& theme) {
    return Drawing(memory, view, size, theme).draw();
}

double kvMemoryFigureHeight(const KvMemory& memory) {
    const double layers = memory.empty() ? 4 : memory.layers.back().layer.value() + 1;
    return kPlotTop + kBelow + std::min(layers * 18, 640.0);
}

Tooltip kvMemoryTooltip(const KvMemory& memory, LayerIndex layer) {
    Tooltip tooltip;
    tooltip.title = "layer " + std::to_string(layer.value());
    for (const KvLayer& row : memory.layers) {
        if (row.layer != layer) continue;
        tooltip.lines.push_back({"KV kept", formatted(row.bytes.kept, Unit::Bytes), memory.origin});
        tooltip.lines.push_back(
            {"freed",
             formatted(row.bytes.freed, Unit::Bytes) + ", " + formatted(row.bytes.freedShare(), Unit::Share),
             "against a full cache of the same length"});
        tooltip.lines.push_back({"prompts", formattedCount(row.sequences), ""});
    }
    return tooltip;
}

}  // namespace fluxscope
