#include "profiler/figure/training_figure.h"

#include "engine/contract/error.h"
#include "profiler/figure/detail/heat_map.h"
#include "profiler/figure/detail/legend.h"
#include "profiler/figure/detail/plot_frame.h"
#include "profiler/figure/detail/series_color.h"
#include "profiler/figure/detail/training_panel.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>

namespace fluxscope {
namespace {

constexpr std::array kPanels{
    TrainingPanel::Loss,         TrainingPanel::Foretold,     TrainingPanel::Sparsity,
    TrainingPanel::FullByLayer,  TrainingPanel::Temperature,  TrainingPanel::Multipliers,
    TrainingPanel::LearningRate, TrainingPanel::GradientNorm, TrainingPanel::Speed};
constexpr double kTitle = 16;   // above each plot
constexpr double kBetween = 8;  // panels
constexpr double kTickLabels = 50;
constexpr double kWide = 640;           // from here on two columns
constexpr std::size_t kMostNamed = 24;  // tasks in the legend, and lines of a tool tip
constexpr HitId kFirstMark = 1000;

double weightOf(TrainingPanel panel) {
    switch (panel) {
        case TrainingPanel::Loss: return 3;
        case TrainingPanel::Foretold: return 2;
        case TrainingPanel::Sparsity:
        case TrainingPanel::FullByLayer: return 2.4;
        case TrainingPanel::Multipliers: return 1.4;
        case TrainingPanel::Temperature:
        case TrainingPanel::LearningRate:
        case TrainingPanel::GradientNorm:
        case TrainingPanel::Speed: return 1;
    }
    return 1;
}

double leastHeight(TrainingPanel panel) { return weightOf(panel) >= 2 ? 60 : 34; }

std::string nameOfModel(const std::string& path) {
    const std::filesystem::path folder(path);
    const std::string name = folder.has_filename() ? folder.filename() : folder.parent_path().filename();
    return printable(name.empty() ? path : name, 60);
}

// A factor that brings an axis' labels to a few digits, and what the title says of it.
struct Scale {
    double factor = 1;
    std::string suffix;
};
Scale scaleOf(double most) {
    if (most >= 1e7) return {1e6, ", millions"};
    if (most >= 1e4) return {1e3, ", thousands"};
    if (most > 0 && most < 0.02) {
        const double power = std::max(-300.0, std::floor(std::log10(most)));
        return {std::pow(10, power), ", 1e" + std::to_string(static_cast<int>(power))};
    }
    return {};
}

class Drawing {
public:
    Drawing(const TrainingCurves& curves, const TrainingView& view, Size size, const Theme& theme)
        : curves_(curves), view_(view), painter_(size, theme), size_(size), margin_(plotMargin(size)) {}

    TrainingFigure draw() {
        if (curves_.empty()) return say("No step of this training is recorded yet.");
        const AxisRange all{static_cast<double>(curves_.steps.front()),
                            static_cast<double>(curves_.steps.back() + 1)};
        figure_.steps = all;
        if (view_.steps && view_.steps->last > view_.steps->first) figure_.steps = *view_.steps;
        figure_.layers = curves_.layers;
        layOut();
        if (figure_.panels.empty()) return say("Too small to draw: make this panel larger.");
        heading();
        for (std::size_t i = 0; i < figure_.panels.size(); ++i) panel(i);
        marks();
        figure_.list = std::move(painter_.list());
        return std::move(figure_);
    }

private:
    TrainingFigure say(std::string_view text) {
        TrainingFigure figure;
        figure.steps = figure_.steps;
        figure.list = messageOnly(size_, painter_.theme(), text);
        return figure;
    }

    std::string title() const {
        const std::int64_t done = curves_.steps.back() + 1;
        return std::string(curves_.ofRouters() ? "Routers of " : "Backbone ") + nameOfModel(curves_.model) +
               ": step " + formattedCount(done) + " of " + formattedCount(curves_.planned);
    }

    std::vector<std::string> notes() const {
        std::vector<std::string> notes{printable(curves_.device, 40) + ", " + printable(curves_.dtype, 20)};
        notes.push_back(curves_.outcome ? printable(*curves_.outcome, 20) : "not ended");
        if (!curves_.reason.empty()) notes.back() += ": " + printable(curves_.reason, 200);
        if (!curves_.resumedAt.empty()) {
            std::string at = "went on from step ";
            for (std::size_t i = 0; i < std::min<std::size_t>(curves_.resumedAt.size(), 6); ++i)
                at += (i > 0 ? ", " : "") + formattedCount(curves_.resumedAt[i]);
            notes.push_back(at + (curves_.resumedAt.size() > 6 ? ", ..." : ""));
        }
        if (const auto warnings = static_cast<std::int64_t>(curves_.warnings.size()); warnings > 0)
            notes.push_back(formattedCount(warnings) + (warnings == 1 ? " warning" : " warnings"));
        if (view_.smooth)
            notes.push_back("strong: average over " +
                            formattedCount(static_cast<std::int64_t>(std::round(smoothingWindow(curves_)))) +
                            " steps, faint: every step");
        if (figure_.omitted > 0)
            notes.push_back(std::to_string(figure_.omitted) +
                            (figure_.omitted == 1 ? " panel needs" : " panels need") + " a taller window");
        return notes;
    }

    std::vector<Swatch> swatches() const {
        std::vector<Swatch> swatches;
        const auto line = [&](const std::string& text, Color color) {
            swatches.push_back({text, [color](Painter& p, const Rect& r) {
                                    p.fill({r.x, r.y + r.height / 2 - 1.5, r.width, 3}, color);
                                }});
        };
        for (std::size_t i = 0; i < std::min(curves_.tasks.size(), kMostNamed); ++i)
            line(printable(curves_.tasks[i].name, 24), seriesColor(i, painter_.theme()));
        if (curves_.tasks.size() > kMostNamed)
            line(std::to_string(curves_.tasks.size() - kMostNamed) + " more tasks", painter_.theme().border);
        line(curves_.tasks.size() > 1 ? "all tasks" : "all", painter_.theme().text);
        if (hasPanel(curves_, TrainingPanel::FullByLayer))
            for (const auto& [text, at] : {std::pair{"sparse", 0.0}, {"undecided", 0.5}, {"full", 1.0}})
                swatches.push_back(
                    {text, [at = at](Painter& p, const Rect& r) { p.fill(r, routingColor(at, p.theme())); }});
        if (!curves_.warnings.empty())
            swatches.push_back({"warning", [](Painter& p, const Rect& r) {
                                    p.fill({r.x + 2, r.y + 2, r.width - 4, r.height - 4}, p.theme().warning);
                                }});
        return swatches;
    }

    // That panels were left out is itself a note, which may need a line more.
    void layOut() {
        place();
        if (figure_.omitted == 0) return;
        const std::size_t omitted = figure_.omitted;
        figure_.panels.clear();
        lowest_.clear();
        place();
        figure_.omitted -= omitted;
    }

    void place() {
        Painter measure(size_, painter_.theme());
        legend_ = paintHeading(measure, title(), notes(), 2);
        const Rect box{margin_, legend_, size_.width - 2 * margin_, 0};
        top_ = legend_ + flowSwatches(painter_, box, swatches(), false) + 6;
        std::vector<TrainingPanel> there;
        for (const TrainingPanel panel : kPanels)
            if (hasPanel(curves_, panel)) there.push_back(panel);
        const bool isWide = size_.width >= kWide && there.size() > 2;
        const auto isMain = [](TrainingPanel panel) { return weightOf(panel) >= 2; };
        const double width = isWide ? (size_.width - 3 * margin_) / 2 : size_.width - 2 * margin_;
        std::vector<TrainingPanel> first, second;
        for (const TrainingPanel panel : there) (isWide && !isMain(panel) ? second : first).push_back(panel);
        column(first, margin_, width);
        column(second, 2 * margin_ + width, width);
    }

    void column(std::vector<TrainingPanel> panels, double left, double width) {
        const double room = size_.height - top_ - kPlotTicks - kPlotCaption - 4;
        const auto needed = [&] {
            double height = 0;
            for (const TrainingPanel panel : panels) height += leastHeight(panel) + kTitle + kBetween;
            return height - kBetween;
        };
        while (!panels.empty() && needed() > room) {
            panels.pop_back();
            ++figure_.omitted;
        }
        if (panels.empty() || width - kTickLabels < 80) return;
        double weights = 0;
        for (const TrainingPanel panel : panels) weights += weightOf(panel);
        const double spare = room - needed();
        double y = top_;
        for (const TrainingPanel panel : panels) {
            const double height = std::floor(leastHeight(panel) + spare * weightOf(panel) / weights);
            figure_.panels.push_back({panel, {left + kTickLabels, y + kTitle, width - kTickLabels, height}});
            y += kTitle + height + kBetween;
        }
        lowest_.push_back(figure_.panels.size() - 1);
    }

    void heading() {
        paintHeading(painter_, title(), notes(), 2);
        flowSwatches(painter_, {margin_, legend_, size_.width - 2 * margin_, 0}, swatches(), true);
    }

    void panel(std::size_t number) {
        const auto& [which, rect] = figure_.panels[number];
        const Theme& theme = painter_.theme();
        TrainingPanelContent content = contentOf(curves_, which, theme);
        TrainingPlot plot{.rect = rect, .steps = figure_.steps};
        steps(number, plot);
        if (which == TrainingPanel::FullByLayer) {
            layers(plot);
        } else {
            chooseRange(plot, content, curves_);
            values(plot, content);
            paintLines(painter_, plot, content, curves_, view_.smooth);
        }
        painter_.fill({rect.x, rect.bottom() - 1, rect.width, 1}, theme.border);
        painter_.label({rect.x, rect.y - kTitle, rect.width, 14}, content.title, theme.textMuted);
        painter_.list().hitAreas.push_back({rect, 1 + number});
    }

    // Grid lines everywhere, numbers below the lowest panel of a column.
    void steps(std::size_t number, const TrainingPlot& plot) {
        const auto ticks = wholeTicks(std::ceil(figure_.steps.first), std::floor(figure_.steps.last - 0.5),
                                      std::max(2, static_cast<int>(plot.rect.width / 70)));
        const auto at = [&](double step) { return plot.x(step + 0.5); };
        if (std::ranges::find(lowest_, number) != lowest_.end()) {
            paintHorizontalTicks(painter_, plot.rect, ticks, at, plot.rect.x - kTickLabels,
                                 plot.rect.right());
            paintHorizontalCaption(painter_, plot.rect, "step", plot.rect.x, plot.rect.right());
            return;
        }
        for (const Tick& tick : ticks)
            painter_.fill({std::clamp(std::round(at(tick.value)), plot.rect.x, plot.rect.right() - 1),
                           plot.rect.y, 1, plot.rect.height},
                          painter_.theme().grid);
    }

    void values(TrainingPlot& plot, TrainingPanelContent& content) {
        const int most = std::max(3, static_cast<int>(plot.rect.height / 26));
        Scale scale;
        if (!content.isShare) scale = scaleOf(std::max(std::abs(plot.low), std::abs(plot.high)));
        const Axis axis = niceAxis(plot.low / scale.factor, plot.high / scale.factor, most,
                                   content.isShare ? Unit::Share : Unit::None);
        content.title += content.isShare && !axis.unit.empty() ? ", " + axis.unit : scale.suffix;
        paintVerticalTicks(
            painter_, plot.rect, axis.ticks, [&](double v) { return plot.y(v * scale.factor); },
            kTickLabels - 8);
    }

    void layers(const TrainingPlot& plot) {
        paintFullByLayer(painter_, plot, curves_);
        const double size = plot.rect.height / curves_.layers;
        const std::int32_t stride = labelStride(size, 13);
        for (std::int32_t layer = 0; layer < curves_.layers; layer += stride)
            painter_.label(
                {plot.rect.x - kTickLabels, plot.rect.y + (layer + 0.5) * size - 7, kTickLabels - 6, 14},
                "L" + std::to_string(layer), painter_.theme().textMuted, kSmallText, Align::Right);
    }

    // On the first panel: where it went on, and warnings, several on one mark where they would touch.
    void marks() {
        const Rect plot = figure_.panels.front().plot;
        const Theme& theme = painter_.theme();
        for (const std::int64_t step : curves_.resumedAt) {
            const double x = std::round(figure_.x(plot, static_cast<double>(step)));
            if (x > plot.x && x < plot.right()) painter_.fill({x, plot.y, 1, plot.height}, theme.border);
        }
        constexpr double kMark = 8;
        for (std::size_t i = 0; i < curves_.warnings.size(); ++i) {
            const double x = figure_.x(plot, static_cast<double>(curves_.warnings[i].step) + 0.5);
            if (!(x >= plot.x && x <= plot.right())) continue;
            if (!figure_.marks.empty() && x - kMark / 2 < figure_.marks.back().rect.right()) {
                figure_.marks.back().warnings.push_back(i);
                continue;
            }
            const double begin = std::clamp(std::round(x - kMark / 2), plot.x, plot.right() - kMark);
            figure_.marks.push_back({{begin, plot.y, kMark, kMark}, {i}});
        }
        for (std::size_t i = 0; i < figure_.marks.size(); ++i) {
            const Rect& mark = figure_.marks[i].rect;
            painter_.fill({mark.x + mark.width / 2 - 0.5, mark.y, 1, plot.height},
                          faded(theme.warning, 0.5, theme));
            painter_.fill(mark, theme.warning);
            painter_.list().hitAreas.push_back(
                {{mark.x - 2, mark.y - 2, mark.width + 4, mark.height + 4}, kFirstMark + i});
        }
    }

    const TrainingCurves& curves_;
    const TrainingView& view_;
    Painter painter_;
    Size size_;
    double margin_;
    double legend_ = 0;
    double top_ = 0;
    std::vector<std::size_t> lowest_;  // panel of each column
    TrainingFigure figure_;
};

// Three digits that count, however small: a learning rate is.
std::string numberText(double value) {
    if (!std::isfinite(value)) return "n/a";
    if (std::abs(value) >= 10'000 && std::abs(value) < 1e15)
        return formattedCount(static_cast<std::int64_t>(std::round(value)));
    if (value == 0 || std::abs(value) >= 0.1) return formatted(value, Unit::None);
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.3g", value);
    return text.data();
}

void addTasks(Tooltip& tooltip, const TrainingCurves& curves, std::size_t at, TrainingPanel panel) {
    std::size_t left = 0;
    for (const TaskCurves& task : curves.tasks) {
        const std::string name = printable(task.name, 40);
        TooltipLine line{name, "", ""};
        if (panel == TrainingPanel::Loss) {
            if (!std::isfinite(task.loss[at])) continue;
            line.value = numberText(task.loss[at]);
            line.origin = "nats per token";
        } else if (panel == TrainingPanel::Foretold) {
            if (!std::isfinite(task.foretold[at])) continue;
            line.value = formatted(task.foretold[at], Unit::Share);
            line.origin = "of answers' tokens, of plain text: of all";
        } else if (panel == TrainingPanel::Sparsity) {
            if (!std::isfinite(task.sparsity[at])) continue;
            line.value = formatted(task.sparsity[at], Unit::Share);
            if (task.target) line.origin = "target " + formatted(*task.target, Unit::Share);
        } else {
            if (!std::isfinite(task.lambda1[at]) && !std::isfinite(task.lambda2[at])) continue;
            line.value = numberText(task.lambda1[at]) + ", " + numberText(task.lambda2[at]);
            line.origin = "lambda 1, lambda 2";
        }
        if (tooltip.lines.size() >= kMostNamed)
            ++left;
        else
            tooltip.lines.push_back(std::move(line));
    }
    if (left > 0) tooltip.lines.push_back({"more tasks", std::to_string(left), ""});
}

}  // namespace

std::optional<TrainingHit> TrainingFigure::hitAt(const TrainingCurves& curves, Point p) const {
    const auto id = list.hitAt(p);
    if (!id || curves.empty() || panels.empty()) return std::nullopt;
    TrainingHit hit;
    if (*id >= kFirstMark && *id - kFirstMark < marks.size()) {
        hit.warnings = marks[*id - kFirstMark].warnings;
        hit.step =
            curves.steps[curves.nearest(static_cast<double>(curves.warnings[hit.warnings.front()].step))];
        return hit;
    }
    if (*id == 0 || *id > panels.size()) return std::nullopt;
    const auto& [panel, plot] = panels[*id - 1];
    const double step = steps.first + (p.x - plot.x) / plot.width * (steps.last - steps.first);
    hit.panel = panel;
    hit.step = curves.steps[curves.nearest(std::floor(step))];
    if (panel == TrainingPanel::FullByLayer && layers > 0)
        hit.layer =
            LayerIndex::of(std::clamp(std::floor((p.y - plot.y) / plot.height * layers), 0.0, layers - 1.0));
    return hit;
}

TrainingFigure trainingFigure(const TrainingCurves& curves, const TrainingView& view, Size size,
                              const Theme& theme) {
    return Drawing(curves, view, size, theme).draw();
}

DisplayList trainingHover(const TrainingFigure& figure, std::int64_t step, const Theme& theme) {
    DisplayList list{.size = figure.list.size, .background = theme.background, .items = {}};
    for (const auto& [panel, plot] : figure.panels) {
        const double x = std::round(figure.x(plot, static_cast<double>(step) + 0.5));
        if (x >= plot.x && x < plot.right())
            list.items.emplace_back(FilledRect{{x, plot.y, 1, plot.height}, theme.textMuted});
    }
    return list;
}

Tooltip trainingTooltip(const TrainingCurves& curves, const TrainingHit& hit) {
    Tooltip tooltip;
    if (curves.empty()) return tooltip;
    const std::size_t at = curves.nearest(static_cast<double>(hit.step));
    tooltip.title = "step " + formattedCount(curves.steps[at]);
    if (std::isfinite(curves.length[at]))
        tooltip.title +=
            " · " + formattedCount(static_cast<std::int64_t>(curves.length[at])) + " tokens a prompt";
    if (!hit.warnings.empty()) {
        for (const std::size_t warning : hit.warnings)
            if (tooltip.lines.size() < kMostNamed)
                tooltip.lines.push_back({"warning", printable(curves.warnings[warning].text, 300),
                                         "step " + formattedCount(curves.warnings[warning].step)});
        return tooltip;
    }
    switch (hit.panel) {
        case TrainingPanel::Loss:
            tooltip.lines.push_back({"all", numberText(curves.loss[at]), "nats per token"});
            addTasks(tooltip, curves, at, hit.panel);
            if (curves.ofRouters())
                tooltip.lines.push_back(
                    {"penalty", numberText(curves.penalty[at]), "for missing the targets"});
            break;
        case TrainingPanel::Foretold:
        case TrainingPanel::Sparsity:
        case TrainingPanel::Multipliers: addTasks(tooltip, curves, at, hit.panel); break;
        case TrainingPanel::FullByLayer:
            if (hit.layer && hit.layer->value() < curves.layers)
                tooltip.lines.push_back(
                    {"layer " + std::to_string(hit.layer->value()),
                     numberText(static_cast<double>(curves.fullAt(at, hit.layer->value()))),
                     "mean p(full) of the step's prompts"});
            break;
        case TrainingPanel::Temperature:
            tooltip.lines.push_back({"temperature", numberText(curves.temperature[at]), ""});
            break;
        case TrainingPanel::LearningRate:
            tooltip.lines.push_back({"learning rate", numberText(curves.learningRate[at]), ""});
            break;
        case TrainingPanel::GradientNorm:
            tooltip.lines.push_back(
                {"gradient norm", numberText(curves.gradientNorm[at]), "before clipping"});
            break;
        case TrainingPanel::Speed:
            tooltip.lines.push_back(
                {"tokens per second", numberText(curves.tokensPerSecond[at]), "measured"});
            break;
    }
    return tooltip;
}

}  // namespace fluxscope
