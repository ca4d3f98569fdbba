#include "profiler/figure/traffic_figure.h"

#include "engine/contract/error.h"
#include "profiler/figure/detail/legend.h"
#include "profiler/figure/detail/plot_frame.h"

#include <algorithm>
#include <cmath>

namespace fluxscope {

namespace {

constexpr double kLeft = 66;
constexpr double kPanel = 46;  // of another metric, with its gap
constexpr double kPanelGap = 10;
constexpr std::size_t kMostSeries = 5;  // colours that are told apart
constexpr std::size_t kMostPanels = 4;

std::optional<double> valueAt(const TrafficSeries& series, double ns) {
    const auto after =
        std::upper_bound(series.begin.begin(), series.begin.end(), ns,
                         [](double at, std::int64_t begin) { return at < static_cast<double>(begin); });
    if (after == series.begin.begin()) return std::nullopt;
    const auto i = static_cast<std::size_t>(after - series.begin.begin()) - 1;
    if (ns >= static_cast<double>(series.end[i])) return std::nullopt;
    return series.rate[i];
}

std::string shown(double value, const std::string& unit) {
    if (unit == "B/s") return formatted(value, Unit::BytesPerSecond);
    if (unit == "Hz") return withDecimals(value * 1e-6, 0) + " MHz";
    return withDecimals(value, std::abs(value) < 10 ? 2 : 0) + (unit.empty() ? "" : " " + unit);
}

class Drawing {
public:
    Drawing(const Traffic& traffic, const TrafficView& view, Size size, const Theme& theme)
        : traffic_(traffic), view_(view), painter_(size, theme), size_(size), margin_(plotMargin(size)) {
        const double all = std::max<double>(static_cast<double>(traffic.length), 1);
        figure_.time = {0, all};
        if (view.time && std::isfinite(view.time->first) && std::isfinite(view.time->last)) {
            const AxisRange wanted{std::clamp(view.time->first, 0.0, all),
                                   std::clamp(view.time->last, 0.0, all)};
            if (wanted.last - wanted.first >= 1) figure_.time = wanted;
        }
    }

    TrafficFigure draw() {
        if (traffic_.empty()) return say("No traffic of this run has a measured time.");
        layOut();
        if (plot_.width < 60 || plot_.height < 40) return say("Too small to draw: make this panel larger.");
        heading();
        mainAxis();
        ceiling();
        for (std::size_t s = 0; s < std::min(traffic_.series.size(), kMostSeries); ++s)
            series(traffic_.series[s], plot_, most_, colorOf(s));
        panels();
        timeAxis();
        flowSwatches(painter_, legendBox(), swatches(), true);
        figure_.plot = plot_;
        figure_.list = std::move(painter_.list());
        return std::move(figure_);
    }

private:
    TrafficFigure say(std::string_view text) {
        TrafficFigure figure;
        figure.time = figure_.time;
        figure.list = messageOnly(size_, painter_.theme(), text);
        return figure;
    }

    Color colorOf(std::size_t s) const {
        const Theme& t = painter_.theme();
        const Color colors[kMostSeries] = {t.textMuted, t.accent, t.sparse, t.full, t.text};
        return colors[s % kMostSeries];
    }

    std::vector<Swatch> swatches() const {
        std::vector<Swatch> all;
        for (std::size_t s = 0; s < std::min(traffic_.series.size(), kMostSeries); ++s)
            all.push_back(
                {traffic_.series[s].name + ": " + traffic_.series[s].origin,
                 [this, s](Painter& p, const Rect& r) { p.fill({r.x, r.y + 4, r.width, 3}, colorOf(s)); }});
        return all;
    }

    Rect legendBox() const {
        return {margin_, figure_.panels.bottom() + kPlotTicks + kPlotCaption + 4, size_.width - 2 * margin_,
                0};
    }

    void layOut() {
        shownPanels_ = std::min(traffic_.others.size(), kMostPanels);
        const double legend =
            flowSwatches(painter_, {margin_, 0, size_.width - 2 * margin_, 0}, swatches(), false);
        const double below = kPlotTicks + kPlotCaption + 4 + legend + 4;
        const double all = size_.height - kPlotTop - below;
        while (shownPanels_ > 0 && all - static_cast<double>(shownPanels_) * (kPanel + kPanelGap) < 60)
            --shownPanels_;
        plot_ = {margin_ + kLeft, kPlotTop, size_.width - 2 * margin_ - kLeft,
                 all - static_cast<double>(shownPanels_) * (kPanel + kPanelGap)};
        figure_.panels = {plot_.x, plot_.y, plot_.width, all};
        for (std::size_t s = 0; s < std::min(traffic_.series.size(), kMostSeries); ++s)
            for (std::size_t i = 0; i < traffic_.series[s].rate.size(); ++i)
                if (visible(traffic_.series[s], i)) most_ = std::max(most_, traffic_.series[s].rate[i]);
        // A ceiling far above everything would flatten it; then it is told, not drawn.
        if (view_.ceiling && std::isfinite(*view_.ceiling) && *view_.ceiling > 0 &&
            *view_.ceiling < most_ * 8)
            most_ = std::max(most_, *view_.ceiling);
        most_ = most_ > 0 ? most_ * 1.08 : 1;
    }

    bool visible(const TrafficSeries& s, std::size_t i) const {
        return static_cast<double>(s.begin[i])<figure_.time.last&& static_cast<double>(s.end[i])> figure_.time
            .first;
    }

    void heading() {
        std::string note = printable(traffic_.policy);
        if (view_.ceiling)
            note += " · ceiling " + formatted(*view_.ceiling, Unit::BytesPerSecond) +
                    (view_.ceilingOrigin.empty() ? "" : ", " + printable(view_.ceilingOrigin, 80));
        if (traffic_.series.size() > kMostSeries)
            note += " · " + formattedCount(static_cast<std::int64_t>(traffic_.series.size() - kMostSeries)) +
                    " more series";
        if (traffic_.others.size() > shownPanels_)
            note += " · " + formattedCount(static_cast<std::int64_t>(traffic_.others.size() - shownPanels_)) +
                    " metrics not drawn";
        paintHeading(painter_, "Traffic over time", note);
    }

    double x(double ns) const {
        return plot_.x + (ns - figure_.time.first) / (figure_.time.last - figure_.time.first) * plot_.width;
    }
    static double y(double value, const Rect& panel, double most) {
        return panel.bottom() - std::clamp(value / most, 0.0, 1.0) * panel.height;
    }

    void mainAxis() {
        Axis axis =
            niceAxis(0, most_, std::max(2, static_cast<int>(plot_.height / 28)), Unit::BytesPerSecond);
        for (Tick& tick : axis.ticks) tick.label += axis.unit.empty() ? "" : " " + axis.unit;
        paintVerticalTicks(
            painter_, plot_, axis.ticks, [this](double v) { return y(v, plot_, most_); }, kLeft - 6);
    }

    void ceiling() {
        if (!view_.ceiling || !(*view_.ceiling > 0) || *view_.ceiling > most_) return;
        const double at = y(*view_.ceiling, plot_, most_);
        painter_.line({plot_.x, at}, {plot_.right(), at}, painter_.theme().warning, 1);
    }

    void series(const TrafficSeries& s, const Rect& panel, double most, Color color) {
        painter_.clip(panel);
        const auto first = std::upper_bound(s.end.begin(), s.end.end(),
                                            static_cast<std::int64_t>(std::floor(figure_.time.first)));
        std::vector<Point> points;
        std::int64_t until = 0;
        const auto flush = [&] {
            if (points.size() > 1) painter_.list().items.emplace_back(Polyline{points, color, 1.5});
            points.clear();
        };
        for (auto i = static_cast<std::size_t>(first - s.end.begin());
             i < s.rate.size() && static_cast<double>(s.begin[i]) < figure_.time.last;) {
            const double left = x(static_cast<double>(s.begin[i]));
            if (!points.empty() && x(static_cast<double>(s.begin[i])) - x(static_cast<double>(until)) > 1)
                flush();
            // All that begin within this pixel are one column, from least to most.
            double least = s.rate[i];
            double greatest = s.rate[i];
            std::size_t last = i;
            while (last + 1 < s.rate.size() && x(static_cast<double>(s.begin[last + 1])) < left + 1) {
                ++last;
                least = std::min(least, s.rate[last]);
                greatest = std::max(greatest, s.rate[last]);
            }
            const double right = x(static_cast<double>(s.end[last]));
            const double at = std::clamp(left, panel.x - 2, panel.right() + 2);
            if (last > i) {
                points.push_back({at, y(greatest, panel, most)});
                points.push_back({at, y(least, panel, most)});
                points.push_back({std::clamp(std::max(right, left), panel.x - 2, panel.right() + 2),
                                  y(s.rate[last], panel, most)});
            } else {
                points.push_back({at, y(s.rate[i], panel, most)});
                points.push_back({std::clamp(std::max(right, left + 1), panel.x - 2, panel.right() + 2),
                                  y(s.rate[i], panel, most)});
            }
            until = s.end[last];
            i = last + 1;
        }
        flush();
        painter_.unclip();
    }

    void panels() {
        const Theme& theme = painter_.theme();
        for (std::size_t p = 0; p < shownPanels_; ++p) {
            const TrafficSeries& s = traffic_.others[p];
            const Rect panel{plot_.x,
                             plot_.bottom() + static_cast<double>(p) * (kPanel + kPanelGap) + kPanelGap,
                             plot_.width, kPanel};
            double most = 0;
            for (std::size_t i = 0; i < s.rate.size(); ++i)
                if (visible(s, i)) most = std::max(most, s.rate[i]);
            painter_.fill({panel.x, panel.bottom() - 1, panel.width, 1}, theme.grid);
            series(s, {panel.x, panel.y + 15, panel.width, panel.height - 16}, most > 0 ? most * 1.1 : 1,
                   theme.text);
            painter_.label({panel.x + 4, panel.y, panel.width - 8, 14},
                           s.name + ", up to " + shown(most, s.unit) + " · " + s.origin, theme.textMuted);
            painter_.label({panel.x - 6 - (kLeft - 6), panel.bottom() - 14, kLeft - 6, 14}, "0",
                           theme.textMuted, kSmallText, Align::Right);
        }
        painter_.fill({plot_.x, plot_.bottom() - 1, plot_.width, 1}, theme.border);
    }

    void timeAxis() {
        const Axis axis = niceAxis(figure_.time.first, figure_.time.last,
                                   std::max(2, static_cast<int>(plot_.width / 80)), Unit::Time);
        const double right = size_.width - margin_;
        const Rect last{plot_.x, figure_.panels.bottom() - 1, plot_.width, 1};
        paintHorizontalTicks(painter_, last, axis.ticks, [this](double v) { return x(v); }, margin_, right);
        paintHorizontalCaption(
            painter_, last, "time since the run's first work" + (axis.unit.empty() ? "" : ", " + axis.unit),
            margin_, right);
    }

    const Traffic& traffic_;
    const TrafficView& view_;
    Painter painter_;
    Size size_;
    double margin_;
    TrafficFigure figure_;
    Rect plot_;
    std::size_t shownPanels_ = 0;
    double most_ = 0;
};

}  // namespace

std::optional<double> TrafficFigure::timeAt(Point p) const {
    if (!panels.contains(p) || !(panels.width > 0)) return std::nullopt;
    return time.first + (p.x - panels.x) / panels.width * (time.last - time.first);
}

TrafficFigure trafficFigure(const Traffic& traffic, const TrafficView& view, Size size, const Theme& theme) {
    return Drawing(traffic, view, size, theme).draw();
}

double trafficFigureHeight(const Traffic& traffic) {
    return 280 + static_cast<double>(std::min(traffic.others.size(), kMostPanels)) * (kPanel + kPanelGap);
}

Tooltip trafficTooltip(const Traffic& traffic, double timeNs) {
    Tooltip tooltip;
    tooltip.title = formatted(timeNs, Unit::Time) + " since the run's first work";
    for (const auto* list : {&traffic.series, &traffic.others})
        for (const TrafficSeries& s : *list)
            if (const auto value = valueAt(s, timeNs))
                tooltip.lines.push_back({s.name, shown(*value, s.unit), s.origin});
    return tooltip;
}

}  // namespace fluxscope
