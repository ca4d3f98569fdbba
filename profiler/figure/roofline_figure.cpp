#include "profiler/figure/roofline_figure.h"

#include "profiler/figure/detail/legend.h"
#include "profiler/figure/detail/plot_frame.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

namespace fluxscope {

namespace {

constexpr double kLeft = 82;  // "100 GFLOP/s"
constexpr double kBelow = kPlotTicks + kPlotCaption + 4 + kLineHeight + 4;
constexpr double kMark = 8;
constexpr double kLeastPlot = 160;  // a note of several lines takes nothing from a plot lower than this
constexpr double kMostNoteLines = 4;

struct LogRange {
    double low = 0;  // log10
    double high = 0;
    bool empty = true;

    void add(double value) {
        if (!(value > 0) || !std::isfinite(value)) return;
        const double at = std::log10(value);
        low = empty ? at : std::min(low, at);
        high = empty ? at : std::max(high, at);
        empty = false;
    }
    // Whole decades, two at least.
    void round() {
        low = std::floor(low - 0.05);
        high = std::max(std::ceil(high + 0.05), low + 2);
    }
};

class Drawing {
public:
    Drawing(const Roofline& roofline, const RooflineView& view, Size size, const Theme& theme)
        : roofline_(roofline), view_(view), painter_(size, theme), size_(size), margin_(plotMargin(size)) {}

    RooflineFigure draw() {
        placePoints();
        if (placed_.empty())
            return say("No work of this run has both a measured time and counted bytes and FLOPs.");
        if (size_.width - 2 * margin_ - kLeft - 8 < 80 || size_.height - kPlotTop - kBelow < 60)
            return say("Too small to draw: make this panel larger.");
        const double top = heading();
        plot_ = {margin_ + kLeft, top, size_.width - 2 * margin_ - kLeft - 8, size_.height - top - kBelow};
        axes();
        ceilings();
        points();
        legend();
        figure_.plot = plot_;
        figure_.list = std::move(painter_.list());
        return std::move(figure_);
    }

private:
    RooflineFigure say(std::string_view text) {
        RooflineFigure figure;
        figure.omitted = figure_.omitted;
        figure.list = messageOnly(size_, painter_.theme(), text);
        return figure;
    }

    void placePoints() {
        for (std::size_t i = 0; i < roofline_.points.size(); ++i) {
            const RooflinePoint& p = roofline_.points[i];
            if (!p.intensity || !p.flopsPerSecond || placed_.size() >= kMostRooflinePoints) {
                figure_.omitted += 1;
                continue;
            }
            placed_.push_back(i);
            x_.add(*p.intensity);
            y_.add(*p.flopsPerSecond);
        }
        const Ceilings& c = roofline_.ceilings;
        peakFlops_ = c.flopsPerSecond(roofline_.dtype);
        if (c.bytesPerSecond && *c.bytesPerSecond > 0 && std::isfinite(*c.bytesPerSecond))
            peakBytes_ = c.bytesPerSecond;
        if (peakFlops_) y_.add(*peakFlops_ * 2);  // room for its label above it
        if (const auto ridge = c.ridge(roofline_.dtype)) x_.add(*ridge);
        x_.round();
        y_.round();
    }

    // Where numbers come from is never cut where there is room to say it. Returns where the plot begins.
    double heading() {
        std::vector<std::string> notes{"ceilings " + roofline_.ceilings.origin()};
        std::set<std::string> origins;
        for (const std::size_t i : placed_) {
            origins.insert("times " + roofline_.points[i].work.timeOrigin);
            origins.insert("bytes and FLOPs " + roofline_.points[i].work.bytesOrigin);
        }
        notes.insert(notes.end(), origins.begin(), origins.end());
        if (figure_.omitted > 0) notes.push_back(formattedCount(figure_.omitted) + " without a place");
        const double spare = (size_.height - kPlotTop - kBelow - kLeastPlot) / kLineHeight;
        const auto lines = static_cast<std::size_t>(std::clamp(1 + std::floor(spare), 1.0, kMostNoteLines));
        return paintHeading(painter_, "Roofline, " + (roofline_.dtype.empty() ? "no dtype" : roofline_.dtype),
                            notes, lines);
    }

    void axes() {
        const double right = size_.width - margin_;
        paintHorizontalTicks(
            painter_, plot_,
            decadeTicks(std::pow(10, x_.low), std::pow(10, x_.high),
                        std::max(2, static_cast<int>(plot_.width / 70)), Unit::None),
            [this](double v) { return x(v); }, margin_, right);
        paintHorizontalCaption(painter_, plot_, "intensity, FLOPs a byte", margin_, right);
        paintVerticalTicks(
            painter_, plot_,
            decadeTicks(std::pow(10, y_.low), std::pow(10, y_.high),
                        std::max(2, static_cast<int>(plot_.height / 28)), Unit::FlopsPerSecond),
            [this](double v) { return y(v); }, kLeft - 6);
        painter_.outline(plot_, painter_.theme().border, 1);
    }

    // In logarithms throughout: the product of two extreme values would be 0 or infinite.
    double atX(double log) const { return plot_.x + (log - x_.low) / (x_.high - x_.low) * plot_.width; }
    double atY(double log) const {
        return plot_.bottom() - (log - y_.low) / (y_.high - y_.low) * plot_.height;
    }
    double x(double intensity) const { return atX(std::log10(intensity)); }
    double y(double flops) const { return atY(std::log10(flops)); }

    void ceilings() {
        const Theme& theme = painter_.theme();
        const double bytes = peakBytes_ ? std::log10(*peakBytes_) : 0;
        const double flops = peakFlops_ ? std::log10(*peakFlops_) : 0;
        const double meet = peakBytes_ && peakFlops_ ? std::clamp(flops - bytes, x_.low, x_.high) : x_.high;
        if (peakBytes_) roof_.push_back({{plot_.x, atY(x_.low + bytes)}, {atX(meet), atY(meet + bytes)}});
        if (peakFlops_)
            roof_.push_back({{atX(peakBytes_ ? meet : x_.low), atY(flops)}, {plot_.right(), atY(flops)}});
        painter_.clip(plot_);
        for (const auto& [from, to] : roof_) painter_.line(from, to, theme.text, 1.5);
        painter_.unclip();
        if (peakFlops_) {
            const double above = atY(flops) - 16;
            note({plot_.x + 6, above >= plot_.y ? above : atY(flops) + 3, plot_.width - 12, 14},
                 formatted(*peakFlops_, Unit::FlopsPerSecond) + " " + roofline_.dtype, Align::Right);
        }
        if (peakBytes_) {
            // Right of the slope, a little above where it enters the plot: at the left edge or at the bottom.
            const double along = std::max(x_.low, y_.low - bytes) + 40 / plot_.width * (x_.high - x_.low);
            note({atX(along) + 6, atY(along + bytes) + 1, plot_.right() - atX(along) - 12, 14},
                 formatted(*peakBytes_, Unit::BytesPerSecond), Align::Left);
        }
    }

    // Does a ceiling go through this box? A line from left to right that only rises or only falls: it does where it enters the box's
    // columns above its bottom and leaves them below its top, or the other way round.
    bool underRoof(const Rect& box) const {
        return std::any_of(roof_.begin(), roof_.end(), [&](const auto& line) {
            const auto& from =
                line.first;  // by name, for clang 14 cannot capture what a structured binding names
            const auto& to = line.second;
            const double left = std::max(box.x, from.x);
            const double right = std::min(box.right(), to.x);
            if (!(left <= right) || !(to.x > from.x)) return false;
            const auto at = [&](double px) {
                return from.y + (to.y - from.y) * (px - from.x) / (to.x - from.x);
            };
            return std::max(at(left), at(right)) >= box.y - 1 &&
                   std::min(at(left), at(right)) <= box.bottom() + 1;
        });
    }

    // A label inside the plot that points may not be labelled on.
    void note(const Rect& box, const std::string& text, Align align) {
        const double width = textWidth(text, kSmallText);
        if (width > box.width || box.y < plot_.y || box.bottom() > plot_.bottom()) return;
        const Rect taken{align == Align::Right ? box.right() - width : box.x, box.y, width, box.height};
        painter_.label(taken, text, painter_.theme().text);
        taken_.push_back(taken);
    }

    Color colorOf(const RooflinePoint& p) const {
        const Theme& theme = painter_.theme();
        return p.work.op == Op::Attention ? theme.accent : theme.textMuted;
    }

    void points() {
        const Theme& theme = painter_.theme();
        for (const std::size_t i : placed_) {
            const RooflinePoint& p = roofline_.points[i];
            const Rect mark{std::round(x(*p.intensity) - kMark / 2),
                            std::round(y(*p.flopsPerSecond) - kMark / 2), kMark, kMark};
            paintMark(p, mark);
            painter_.list().hitAreas.push_back(
                {{mark.x - 2, mark.y - 2, kMark + 4, kMark + 4}, 1 + static_cast<HitId>(i)});
            taken_.push_back(mark);
        }
        for (const std::size_t i : placed_) labelPoint(i);
        const auto ring = [&](const std::optional<std::size_t>& index, Color color, double width) {
            if (!index || *index >= roofline_.points.size()) return;
            const RooflinePoint& p = roofline_.points[*index];
            if (!p.intensity || !p.flopsPerSecond) return;
            paintRing(painter_,
                      {std::round(x(*p.intensity) - kMark / 2), std::round(y(*p.flopsPerSecond) - kMark / 2),
                       kMark, kMark},
                      color, width);
        };
        ring(view_.hovered, theme.text, 1);
        ring(view_.selected, theme.accent, 2);
    }

    void paintMark(const RooflinePoint& p, const Rect& mark) {
        if (p.work.phase == Phase::Decode) {
            painter_.fill(mark, painter_.theme().background);
            painter_.outline(mark, colorOf(p), 2);
        } else {
            painter_.fill(mark, colorOf(p));
        }
    }

    // Right of its mark, left of it, below or above, or askew, or not at all: no two labels touch, and none lies on a ceiling or on
    // another's mark.
    void labelPoint(std::size_t i) {
        const RooflinePoint& p = roofline_.points[i];
        std::string text = p.work.label;
        if (p.roofShare) text += " " + formatted(*p.roofShare, Unit::Share);
        const double width = textWidth(text, kSmallText);
        const double px = x(*p.intensity);
        const double py = y(*p.flopsPerSecond);
        for (const Point at :
             {Point{px + kMark / 2 + 4, py - 7}, Point{px - kMark / 2 - 4 - width, py - 7},
              Point{px - width / 2, py + kMark / 2 + 2}, Point{px - width / 2, py - kMark / 2 - 16},
              Point{px + kMark / 2 + 4, py + kMark / 2}, Point{px + kMark / 2 + 4, py - kMark / 2 - 14},
              Point{px - kMark / 2 - 4 - width, py + kMark / 2},
              Point{px - kMark / 2 - 4 - width, py - kMark / 2 - 14}}) {
            const Rect box{at.x, at.y, width, 14};
            if (box.x < plot_.x + 1 || box.right() > plot_.right() - 1 || box.y < plot_.y ||
                box.bottom() > plot_.bottom())
                continue;
            if (underRoof(box)) continue;
            const bool free = std::none_of(taken_.begin(), taken_.end(), [&](const Rect& other) {
                return box.x < other.right() + 2 && other.x < box.right() + 2 && box.y < other.bottom() &&
                       other.y < box.bottom();
            });
            if (!free) continue;
            painter_.label(box, text, painter_.theme().text);
            taken_.push_back(box);
            return;
        }
    }

    void legend() {
        std::vector<Swatch> swatches;
        bool prefill = false;
        bool decode = false;
        bool attention = false;
        for (const std::size_t i : placed_) {
            const Work& work = roofline_.points[i].work;
            prefill = prefill || work.phase == Phase::Prefill;
            decode = decode || work.phase == Phase::Decode;
            attention = attention || work.op == Op::Attention;
        }
        if (prefill)
            swatches.push_back(
                {"prefill", [](Painter& p, const Rect& r) { p.fill(r, p.theme().textMuted); }});
        if (decode)
            swatches.push_back(
                {"decode", [](Painter& p, const Rect& r) { p.outline(r, p.theme().textMuted, 2); }});
        if (attention)
            swatches.push_back({"attention", [](Painter& p, const Rect& r) { p.fill(r, p.theme().accent); }});
        flowSwatches(painter_,
                     {margin_, plot_.bottom() + kPlotTicks + kPlotCaption + 4, size_.width - 2 * margin_, 0},
                     swatches, true);
    }

    const Roofline& roofline_;
    const RooflineView& view_;
    Painter painter_;
    Size size_;
    double margin_;
    RooflineFigure figure_;
    Rect plot_;
    std::vector<std::size_t> placed_;
    std::vector<Rect> taken_;
    std::vector<std::pair<Point, Point>> roof_;  // ceilings as drawn
    LogRange x_;
    LogRange y_;
    std::optional<double> peakBytes_;
    std::optional<double> peakFlops_;
};

}  // namespace

std::optional<std::size_t> RooflineFigure::hit(HitId id) const {
    if (id == 0) return std::nullopt;
    return static_cast<std::size_t>(id - 1);
}

std::optional<std::size_t> RooflineFigure::hitAt(Point p) const {
    const auto id = list.hitAt(p);
    return id ? hit(*id) : std::nullopt;
}

RooflineFigure rooflineFigure(const Roofline& roofline, const RooflineView& view, Size size,
                              const Theme& theme) {
    return Drawing(roofline, view, size, theme).draw();
}

Tooltip rooflineTooltip(const RooflinePoint& point, const Ceilings& ceilings) {
    Tooltip tooltip;
    tooltip.title = point.work.label;
    const auto add = [&](const char* label, const std::optional<double>& value, Unit unit,
                         const std::string& origin) {
        if (value) tooltip.lines.push_back({label, formatted(*value, unit), origin});
    };
    tooltip.lines.push_back({"time", formatted(point.work.seconds * 1e9, Unit::Time), point.work.timeOrigin});
    tooltip.lines.push_back({"bytes", formatted(point.work.bytes, Unit::Bytes), point.work.bytesOrigin});
    tooltip.lines.push_back({"FLOPs", formatted(point.work.flops, Unit::Flops), "modelled, kernels/cost"});
    add("intensity, FLOPs a byte", point.intensity, Unit::None, "");
    add("bandwidth", point.bytesPerSecond, Unit::BytesPerSecond, "");
    add("of peak bandwidth", point.bandwidthShare, Unit::Share, ceilings.origin());
    add("rate", point.flopsPerSecond, Unit::FlopsPerSecond, "");
    add("of peak rate", point.flopsShare, Unit::Share, ceilings.origin());
    add("of the roof", point.roofShare, Unit::Share, "bound by " + std::string(nameOf(point.bound)));
    return tooltip;
}

}  // namespace fluxscope
