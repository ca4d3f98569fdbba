#include "profiler/figure/detail/training_panel.h"

#include "profiler/figure/detail/heat_map.h"
#include "profiler/figure/detail/series_color.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

namespace fluxscope {
namespace {

constexpr double kDash = 5;
constexpr double kGap = 4;

void paintDashed(Painter& painter, const std::vector<Point>& points, Color color) {
    double phase = 0;
    for (std::size_t i = 1; i < points.size(); ++i) {
        const Point from = points[i - 1];
        const Point to = points[i];
        const double length = std::hypot(to.x - from.x, to.y - from.y);
        for (double at = 0; at < length;) {
            const bool isOn = phase < kDash;
            const double until = std::min(at + (isOn ? kDash : kDash + kGap) - phase, length);
            const auto point = [&](double along) {
                const double share = along / length;
                return Point{from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share};
            };
            if (isOn) painter.line(point(at), point(until), color, 1);
            phase = std::fmod(phase + until - at + 1e-9, kDash + kGap);
            at = until + 1e-9;
        }
    }
}

void paintCurve(Painter& painter, std::vector<Point> points, Color color, double width, bool dashed) {
    if (points.size() == 1) {  // a training of one step, so far
        painter.fill({points[0].x - 1, points[0].y - 1, 3, 3}, color);
        return;
    }
    if (points.empty()) return;
    if (dashed)
        paintDashed(painter, points, color);
    else
        painter.list().items.emplace_back(Polyline{std::move(points), color, width});
}

std::size_t columnsOf(const TrainingPlot& plot) {
    return static_cast<std::size_t>(std::max(1.0, std::floor(plot.rect.width)));
}

bool fits(const TrainingPlot& plot) {
    return plot.steps.last - plot.steps.first <= static_cast<double>(columnsOf(plot));
}

// All values, where each step has a pixel of its own; one step beyond either edge, for the line to leave the plot.
std::vector<Point> everyPoint(const TrainingPlot& plot, const std::vector<std::int64_t>& steps,
                              const Curve& curve) {
    std::vector<Point> points;
    std::optional<Point> before;
    for (std::size_t i = 0; i < curve.size(); ++i) {
        if (!std::isfinite(curve[i])) continue;
        const double middle = static_cast<double>(steps[i]) + 0.5;
        // What lies far outside belongs to a step beyond the edge: the line need not follow it there.
        const double y = std::clamp(plot.y(curve[i]), plot.rect.y - plot.rect.height,
                                    plot.rect.bottom() + plot.rect.height);
        const Point point{plot.x(middle), y};
        if (middle < plot.steps.first) {
            before = point;
            continue;
        }
        if (before) points.push_back(*std::exchange(before, std::nullopt));
        points.push_back(point);
        if (middle > plot.steps.last) break;
    }
    return points;
}

// Up and down between the least and the most of each pixel.
std::vector<Point> envelope(const TrainingPlot& plot, const std::vector<std::int64_t>& steps,
                            const Curve& curve, bool meanOnly) {
    if (fits(plot)) return everyPoint(plot, steps, curve);
    std::vector<Point> points;
    const auto columns = thinned(steps, curve, plot.steps.first, plot.steps.last, columnsOf(plot));
    const double wide = plot.rect.width / static_cast<double>(columns.size());
    for (std::size_t c = 0; c < columns.size(); ++c) {
        if (columns[c].empty()) continue;
        const double x = plot.rect.x + (static_cast<double>(c) + 0.5) * wide;
        if (meanOnly) {
            points.push_back({x, plot.y(columns[c].mean)});
            continue;
        }
        const bool rises = points.empty() || points.back().y > plot.y(columns[c].mean);
        points.push_back({x, plot.y(rises ? columns[c].low : columns[c].high)});
        points.push_back({x, plot.y(rises ? columns[c].high : columns[c].low)});
    }
    return points;
}

template <class Part>
bool anyTask(const TrainingCurves& curves, Part part) {
    return std::ranges::any_of(curves.tasks, [&](const TaskCurves& task) { return hasValues(task.*part); });
}

}  // namespace

bool hasValues(const Curve& curve) {
    return std::ranges::any_of(curve, [](double value) { return std::isfinite(value); });
}

bool hasPanel(const TrainingCurves& curves, TrainingPanel panel) {
    switch (panel) {
        case TrainingPanel::Loss: return hasValues(curves.loss) || anyTask(curves, &TaskCurves::loss);
        case TrainingPanel::Foretold: return anyTask(curves, &TaskCurves::foretold);
        case TrainingPanel::Sparsity: return anyTask(curves, &TaskCurves::sparsity);
        case TrainingPanel::FullByLayer:
            return std::ranges::any_of(curves.full, [](float full) { return std::isfinite(full); });
        case TrainingPanel::Temperature: return hasValues(curves.temperature);
        case TrainingPanel::Multipliers:
            return anyTask(curves, &TaskCurves::lambda1) || anyTask(curves, &TaskCurves::lambda2);
        case TrainingPanel::LearningRate: return hasValues(curves.learningRate);
        case TrainingPanel::GradientNorm: return hasValues(curves.gradientNorm);
        case TrainingPanel::Speed: return hasValues(curves.tokensPerSecond);
    }
    return false;
}

TrainingPanelContent contentOf(const TrainingCurves& curves, TrainingPanel panel, const Theme& theme) {
    TrainingPanelContent content;
    const auto tasks = [&](Curve TaskCurves::* part, bool dashed) {
        for (std::size_t i = 0; i < curves.tasks.size(); ++i)
            content.lines.push_back({&(curves.tasks[i].*part), seriesColor(i, theme), dashed});
    };
    switch (panel) {
        case TrainingPanel::Loss:
            content.title = "loss, nats per token";
            tasks(&TaskCurves::loss, false);
            content.lines.push_back({&curves.loss, theme.text, false});
            break;
        case TrainingPanel::Foretold:
            content.title = "tokens of answers foretold, share";
            content.isShare = true;
            tasks(&TaskCurves::foretold, false);
            break;
        case TrainingPanel::Sparsity:
            content.title = "sparse layers, share (dashed: target)";
            content.isShare = true;
            tasks(&TaskCurves::sparsity, false);
            for (std::size_t i = 0; i < curves.tasks.size(); ++i)
                if (const auto target = curves.tasks[i].target; target && std::isfinite(*target))
                    content.targets.emplace_back(*target, seriesColor(i, theme));
            break;
        case TrainingPanel::FullByLayer: content.title = "p(full), mean of each layer"; break;
        case TrainingPanel::Temperature:
            content.title = "temperature of the gates";
            content.isChosen = true;
            content.lines.push_back({&curves.temperature, theme.text, false});
            break;
        case TrainingPanel::Multipliers:
            content.title = "multipliers: lambda 1, dashed lambda 2";
            content.isChosen = true;
            tasks(&TaskCurves::lambda1, false);
            tasks(&TaskCurves::lambda2, true);
            break;
        case TrainingPanel::LearningRate:
            content.title = "learning rate";
            content.isChosen = true;
            content.lines.push_back({&curves.learningRate, theme.text, false});
            break;
        case TrainingPanel::GradientNorm:
            content.title = "gradient norm before clipping";
            content.lines.push_back({&curves.gradientNorm, theme.text, false});
            break;
        case TrainingPanel::Speed:
            content.title = "tokens per second";
            content.lines.push_back({&curves.tokensPerSecond, theme.text, false});
            break;
    }
    return content;
}

void chooseRange(TrainingPlot& plot, const TrainingPanelContent& content, const TrainingCurves& curves) {
    if (content.isShare) {
        plot.low = 0;
        plot.high = 1;
        return;
    }
    double low = std::numeric_limits<double>::infinity();
    double high = -low;
    for (const TrainingLine& line : content.lines) {
        const auto all = thinned(curves.steps, *line.curve, plot.steps.first, plot.steps.last, 1);
        if (all[0].empty()) continue;
        low = std::min(low, all[0].low);
        high = std::max(high, all[0].high);
    }
    if (!(low <= high)) low = high = 0;
    // From 0, but where that would press what varies into the upper edge.
    const double room = std::max((high - low) * 0.08, std::abs(high) * 0.02);
    plot.low = low >= 0 && low < 0.6 * high ? 0 : low == high && low >= 0 ? 0 : low - room;
    plot.high = high + room;
    if (!(plot.high > plot.low)) plot.high = plot.low + 1;
}

void paintLines(Painter& painter, const TrainingPlot& plot, const TrainingPanelContent& content,
                const TrainingCurves& curves, bool smooth) {
    const double window = smoothingWindow(curves);
    painter.clip(plot.rect);
    for (const auto& [target, color] : content.targets) {
        const double y = std::round(plot.y(target));
        const int dashes = static_cast<int>(std::ceil(plot.rect.width / (kDash + kGap)));
        for (int dash = 0; dash < dashes; ++dash)
            painter.fill({plot.rect.x + dash * (kDash + kGap), std::min(y, plot.rect.bottom() - 1), kDash, 1},
                         color);
    }
    const bool averages = smooth && !content.isChosen;
    if (averages)
        for (const TrainingLine& line : content.lines)
            paintCurve(painter, envelope(plot, curves.steps, *line.curve, false),
                       faded(line.color, 0.7, painter.theme()), 1, false);
    for (const TrainingLine& line : content.lines) {
        const Curve curve = averages ? smoothed(curves.steps, *line.curve, window) : *line.curve;
        // A dashed line up and down between its least and most would be no line.
        const bool meanOnly = averages || line.dashed;
        paintCurve(painter, envelope(plot, curves.steps, curve, meanOnly), line.color,
                   line.dashed || !(averages || content.isChosen) ? 1 : 1.5, line.dashed);
    }
    painter.unclip();
}

void paintFullByLayer(Painter& painter, const TrainingPlot& plot, const TrainingCurves& curves) {
    const double span = plot.steps.last - plot.steps.first;
    const auto count =
        static_cast<std::int32_t>(std::clamp(std::ceil(span), 1.0, static_cast<double>(columnsOf(plot))));
    const std::vector<float> thin =
        thinnedLayers(curves, plot.steps.first, plot.steps.last, static_cast<std::size_t>(count));
    const Band columns{.origin = plot.rect.x, .size = plot.rect.width / count, .begin = 0, .end = count};
    const Band rows{
        .origin = plot.rect.y, .size = plot.rect.height / curves.layers, .begin = 0, .end = curves.layers};
    const ColorTable colors([&](double t) { return routingColor(t, painter.theme()); });
    painter.clip(plot.rect);
    paintHeat(
        painter, columns, rows,
        [&](std::int32_t row, std::int32_t column) {
            return static_cast<double>(
                thin[static_cast<std::size_t>(column) * static_cast<std::size_t>(curves.layers) +
                     static_cast<std::size_t>(row)]);
        },
        colors);
    painter.unclip();
}

}  // namespace fluxscope
