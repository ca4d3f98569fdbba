#include "profiler/figure/time_line_figure.h"

#include "engine/contract/error.h"
#include "profiler/figure/detail/legend.h"
#include "profiler/figure/detail/plot_frame.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fluxscope {

namespace {

constexpr double kLaneHeight = 22;
constexpr double kLaneGap = 4;
constexpr double kLowestFold = 0.35;  // of a lane's height: little work is still seen
constexpr double kBelow = kPlotTicks + kPlotCaption + 4 + 2 * kLineHeight + 4;

class Drawing {
public:
    Drawing(const TimeLine& line, const TimeLineView& view, Size size, const Theme& theme)
        : line_(line), painter_(size, theme), size_(size), margin_(plotMargin(size)) {
        const double all = std::max<double>(static_cast<double>(line.length), 1);
        figure_.time = {0, all};
        if (view.time && std::isfinite(view.time->first) && std::isfinite(view.time->last)) {
            const AxisRange wanted{std::clamp(view.time->first, 0.0, all),
                                   std::clamp(view.time->last, 0.0, all)};
            if (wanted.last - wanted.first >= 1) figure_.time = wanted;
        }
    }

    TimeLineFigure draw() {
        if (line_.empty()) return say("No step of this run is recorded yet.");
        double labels = 0;
        for (const Lane& lane : line_.lanes) labels = std::max(labels, textWidth(lane.name, kSmallText));
        labels = std::min(labels + 8, size_.width / 4);
        plot_ = {margin_ + labels, kPlotTop, size_.width - 2 * margin_ - labels,
                 size_.height - kPlotTop - kBelow};
        laneHeight_ =
            std::min(kLaneHeight, plot_.height / static_cast<double>(line_.lanes.size()) - kLaneGap);
        if (plot_.width < 60 || laneHeight_ < 6) return say("Too small to draw: make this panel larger.");
        plot_.height = (laneHeight_ + kLaneGap) * static_cast<double>(line_.lanes.size());
        axis();
        for (std::size_t l = 0; l < line_.lanes.size(); ++l) lane(l);
        heading();
        legend();
        figure_.plot = plot_;
        figure_.list = std::move(painter_.list());
        return std::move(figure_);
    }

private:
    TimeLineFigure say(std::string_view text) {
        TimeLineFigure figure;
        figure.time = figure_.time;
        figure.list = messageOnly(size_, painter_.theme(), text);
        return figure;
    }

    double scale() const { return plot_.width / (figure_.time.last - figure_.time.first); }
    double x(double ns) const { return plot_.x + (ns - figure_.time.first) * scale(); }
    double clampedX(double ns) const { return std::clamp(x(ns), plot_.x, plot_.right()); }

    void axis() {
        const Axis axis = niceAxis(figure_.time.first, figure_.time.last,
                                   std::max(2, static_cast<int>(plot_.width / 80)), Unit::Time);
        const double right = size_.width - margin_;
        paintHorizontalTicks(painter_, plot_, axis.ticks, [this](double v) { return x(v); }, margin_, right);
        paintHorizontalCaption(
            painter_, plot_, "time since the run's first work" + (axis.unit.empty() ? "" : ", " + axis.unit),
            margin_, right);
    }

    void heading() {
        std::string note = line_.timeOrigin + " · " + printable(line_.policy);
        if (figure_.folded > 0)
            note += " · " + formattedCount(figure_.folded) + " bars are folded: zoom in to see them";
        std::int64_t omitted = 0;
        for (const Lane& lane : line_.lanes) omitted += lane.omitted;
        if (omitted > 0) note += " · " + formattedCount(omitted) + " not drawn";
        paintHeading(painter_, "Time line", note);
    }

    Color colorOf(BarKind kind) const {
        const Theme& theme = painter_.theme();
        switch (kind) {
            case BarKind::Prefill: return sequentialColor(0.75, theme);
            case BarKind::Decode: return sequentialColor(0.4, theme);
            case BarKind::Full: return routingColor(1, theme);
            case BarKind::Sparse: return routingColor(0, theme);
            case BarKind::Mixed: return theme.accent;
            case BarKind::Neutral: return theme.border;
            case BarKind::Unattributed: return theme.warning;
        }
        return theme.border;
    }

    void use(BarKind kind) { used_[static_cast<std::size_t>(kind)] = true; }

    void lane(std::size_t index) {
        const Lane& lane = line_.lanes[index];
        const double top = plot_.y + static_cast<double>(index) * (laneHeight_ + kLaneGap) + kLaneGap / 2;
        if (laneHeight_ + kLaneGap >= 14)
            painter_.label({margin_, top + laneHeight_ / 2 - 7, plot_.x - margin_ - 6, 14}, lane.name,
                           painter_.theme().textMuted, kSmallText, Align::Right);
        if (lane.bars.size() > 0)
            bars(index, lane.bars, top);
        else if (lane.buckets)
            buckets(index, *lane.buckets, top);
    }

    void hit(const Rect& rect, const TimeLineHit& item) {
        figure_.items.push_back(item);
        painter_.list().hitAreas.push_back({rect, static_cast<HitId>(figure_.items.size())});
    }

    void bars(std::size_t index, const LaneBars& bars, double top) {
        const auto first = std::upper_bound(bars.end.begin(), bars.end.end(),
                                            static_cast<std::int64_t>(std::floor(figure_.time.first)));
        auto i = static_cast<std::size_t>(first - bars.end.begin());
        while (i < bars.size() && static_cast<double>(bars.begin[i]) < figure_.time.last) {
            const double left = clampedX(static_cast<double>(bars.begin[i]));
            const double right = clampedX(static_cast<double>(bars.end[i]));
            if (right - left >= kSmallestBar) {
                bar(index, bars, i, left, right, top);
                ++i;
                continue;
            }
            i = fold(index, bars, i, left, top);
        }
    }

    void bar(std::size_t index, const LaneBars& bars, std::size_t i, double left, double right, double top) {
        const Color color = colorOf(bars.kind[i]);
        use(bars.kind[i]);
        const double from = std::round(left);
        const double width = std::max(std::round(right) - from - 1, 2.0);
        const Rect rect{from, top, width, laneHeight_};
        painter_.fill(rect, color);
        hit(rect, {index, i, 1, false});
        if (laneHeight_ >= 14 && width >= 24 && bars.label[i] < line_.labels.size())
            painter_.label({from + 3, top, width - 6, laneHeight_},
                           printable(line_.labels[bars.label[i]], 80), readableOn(color));
    }

    // Every bar that begins within the next kSmallestBar pixels, found by galloping: the cost follows pixels, not bars.
    std::size_t fold(std::size_t index, const LaneBars& bars, std::size_t i, double left, double top) {
        const double until = figure_.time.first + (left + kSmallestBar - plot_.x) / scale();
        const auto next =
            std::lower_bound(bars.begin.begin() + static_cast<std::ptrdiff_t>(i) + 1, bars.begin.end(),
                             static_cast<std::int64_t>(std::ceil(std::min(until, 9e18))));
        auto end = static_cast<std::size_t>(next - bars.begin.begin());
        // The last of them may be long: it is a bar then, drawn by itself.
        if (end - i > 1 &&
            x(static_cast<double>(bars.end[end - 1])) - x(static_cast<double>(bars.begin[end - 1])) >=
                kSmallestBar)
            --end;
        const std::size_t count = end - i;
        const double right = std::clamp(x(static_cast<double>(bars.end[end - 1])), left + 1,
                                        std::max(left + 1, std::min(left + kSmallestBar, plot_.right())));
        if (count == 1) {
            use(bars.kind[i]);
            const Rect rect{std::min(left, plot_.right() - 1), top, std::max(right - left, 1.0), laneHeight_};
            painter_.fill(rect, colorOf(bars.kind[i]));
            hit({rect.x, rect.y, kSmallestBar, rect.height}, {index, i, 1, false});
            return end;
        }
        figure_.folded += static_cast<std::int64_t>(count);
        // Of a sample of them: a fold of a million is no dearer than one of a hundred.
        double busy = 0;
        const std::size_t stride = std::max<std::size_t>(1, count / 64);
        for (std::size_t k = i; k < end; k += stride)
            busy += static_cast<double>(bars.end[k] - bars.begin[k]) *
                    static_cast<double>(std::min(stride, end - k));
        const double span = std::max(static_cast<double>(bars.end[end - 1] - bars.begin[i]), 1.0);
        folded(left, std::max(right - left, 1.0), top, std::min(busy / span, 1.0));
        hit({left, top, kSmallestBar, laneHeight_}, {index, i, count, false});
        return end;
    }

    // A tooth: full height on its left pixel, the busy share on the rest.
    void folded(double left, double width, double top, double busy) {
        const double high = laneHeight_ * (kLowestFold + (1 - kLowestFold) * busy);
        const Color color = painter_.theme().textMuted;
        foldsUsed_ = true;
        painter_.fill({left, top + laneHeight_ - high, std::min(width, kSmallestBar), high}, color);
        if (width >= 2)
            painter_.fill({left, top + laneHeight_ - high, 1, high * 0.5}, painter_.theme().background);
    }

    void buckets(std::size_t index, const LaneBuckets& buckets, double top) {
        if (buckets.width <= 0) return;
        // Several buckets a mark where they are thinner than one: their largest.
        const double bucketWidth = static_cast<double>(buckets.width) * scale();
        const auto stride = static_cast<std::size_t>(std::max(1.0, std::ceil(kSmallestBar / bucketWidth)));
        const auto begin = static_cast<std::size_t>(
            std::max(0.0, std::floor((figure_.time.first - static_cast<double>(buckets.begin)) /
                                     static_cast<double>(buckets.width))));
        for (std::size_t b = begin / stride * stride; b < buckets.busy.size(); b += stride) {
            const double from = static_cast<double>(buckets.begin) +
                                static_cast<double>(b) * static_cast<double>(buckets.width);
            if (from >= figure_.time.last) break;
            float busy = 0;
            std::size_t count = 0;
            for (std::size_t k = b; k < std::min(b + stride, buckets.busy.size()); ++k) {
                busy = std::max(busy, buckets.busy[k]);
                if (k < buckets.count.size()) count += buckets.count[k];
            }
            if (count == 0 && busy <= 0) continue;
            const double left = clampedX(from);
            const double right =
                clampedX(from + static_cast<double>(buckets.width) * static_cast<double>(stride));
            if (right - left < 0.5) continue;
            figure_.folded += static_cast<std::int64_t>(count);
            const int teeth = static_cast<int>(std::ceil((right - left) / kSmallestBar - 0.01));
            for (int tooth = 0; tooth < teeth; ++tooth) {
                const double at = left + tooth * kSmallestBar;
                folded(at, std::min(kSmallestBar, right - at), top, busy);
            }
            hit({left, top, right - left, laneHeight_}, {index, b, count, true});
        }
    }

    void legend() {
        static constexpr std::array<const char*, 7> kNames{"prefill", "decode step", "full",        "sparse",
                                                           "mixed",   "other work",  "unattributed"};
        std::vector<Swatch> swatches;
        for (std::size_t k = 0; k < used_.size(); ++k)
            if (used_[k])
                swatches.push_back({kNames[k], [this, k](Painter& p, const Rect& r) {
                                        p.fill(r, colorOf(static_cast<BarKind>(k)));
                                    }});
        if (foldsUsed_)
            swatches.push_back({"folded: several bars", [](Painter& p, const Rect& r) {
                                    for (const double x : {r.x, r.x + 4, r.x + 8})
                                        p.fill({x, r.y + 2, 3, r.height - 2}, p.theme().textMuted);
                                }});
        const Rect box{margin_, plot_.bottom() + kPlotTicks + kPlotCaption + 4, size_.width - 2 * margin_, 0};
        // What does not fit into its two rows is left out, never drawn outside.
        while (!swatches.empty() && flowSwatches(painter_, box, swatches, false) > 2 * kLineHeight)
            swatches.pop_back();
        flowSwatches(painter_, box, swatches, true);
    }

    const TimeLine& line_;
    Painter painter_;
    Size size_;
    double margin_;
    TimeLineFigure figure_;
    Rect plot_;
    double laneHeight_ = kLaneHeight;
    std::array<bool, 7> used_{};
    bool foldsUsed_ = false;
};

}  // namespace

std::optional<TimeLineHit> TimeLineFigure::hitAt(Point p) const {
    const auto id = list.hitAt(p);
    if (!id || *id == 0 || *id > items.size()) return std::nullopt;
    return items[*id - 1];
}

TimeLineFigure timeLineFigure(const TimeLine& line, const TimeLineView& view, Size size, const Theme& theme) {
    return Drawing(line, view, size, theme).draw();
}

double timeLineFigureHeight(const TimeLine& line) {
    const double lanes = std::clamp(static_cast<double>(line.lanes.size()), 2.0, 24.0);
    return kPlotTop + kBelow + lanes * (kLaneHeight + kLaneGap);
}

Tooltip timeLineTooltip(const TimeLine& line, const TimeLineHit& hit) {
    Tooltip tooltip;
    if (hit.lane >= line.lanes.size()) return tooltip;
    const Lane& lane = line.lanes[hit.lane];
    const auto time = [](std::int64_t ns) { return formatted(static_cast<double>(ns), Unit::Time); };
    if (hit.bucket || hit.first + hit.count > lane.bars.size() || hit.count == 0) {
        tooltip.title = lane.name;
        tooltip.lines.push_back(
            {"folded", formattedCount(static_cast<std::int64_t>(hit.count)) + " bars", "overview"});
        return tooltip;
    }
    const std::size_t last = hit.first + hit.count - 1;
    if (hit.count == 1) {
        const std::uint32_t label = lane.bars.label[hit.first];
        tooltip.title = label < line.labels.size() ? line.labels[label] : lane.name;
        tooltip.lines.push_back(
            {"time", time(lane.bars.end[hit.first] - lane.bars.begin[hit.first]), line.timeOrigin});
    } else {
        tooltip.title = lane.name;
        tooltip.lines.push_back({"folded",
                                 formattedCount(static_cast<std::int64_t>(hit.count)) + " bars in " +
                                     time(lane.bars.end[last] - lane.bars.begin[hit.first]),
                                 line.timeOrigin});
    }
    tooltip.lines.push_back({"from", time(lane.bars.begin[hit.first]), "since the run's first work"});
    return tooltip;
}

}  // namespace fluxscope
