#include "profiler/figure/detail/plot_frame.h"

#include <algorithm>
#include <cmath>

namespace fluxscope {

double plotMargin(const Size& size) { return size.width < 480 ? 8 : 12; }

void paintHeading(Painter& painter, std::string_view title, std::string_view note) {
    const double margin = plotMargin(painter.list().size);
    const double width = painter.list().size.width - 2 * margin;
    painter.label({margin, 6, width, 18}, title, painter.theme().text, kTitleSize);
    painter.label({margin, 24, width, 16}, note, painter.theme().textMuted);
}

double paintHeading(Painter& painter, std::string_view title, const std::vector<std::string>& notes,
                    std::size_t lines) {
    const double margin = plotMargin(painter.list().size);
    const double width = painter.list().size.width - 2 * margin;
    std::vector<std::string> wrapped(1);
    for (const std::string& note : notes) {
        const std::string longer = wrapped.back().empty() ? note : wrapped.back() + " · " + note;
        if (wrapped.back().empty() || wrapped.size() >= lines || textWidth(longer, kSmallText) <= width)
            wrapped.back() = longer;
        else
            wrapped.push_back(note);
    }
    paintHeading(painter, title, wrapped.front());
    for (std::size_t i = 1; i < wrapped.size(); ++i)
        painter.label({margin, 24 + kLineHeight * static_cast<double>(i), width, kLineHeight}, wrapped[i],
                      painter.theme().textMuted);
    return kPlotTop + kLineHeight * static_cast<double>(wrapped.size() - 1);
}

DisplayList messageOnly(const Size& size, const Theme& theme, std::string_view text) {
    Painter painter(size, theme);
    const double margin = plotMargin(size);
    painter.message({margin, 0, size.width - 2 * margin, size.height}, text, theme.textMuted);
    return std::move(painter.list());
}

void paintHorizontalTicks(Painter& painter, const Rect& plot, const std::vector<Tick>& ticks,
                          const Position& at, double left, double right) {
    const Theme& theme = painter.theme();
    double free = left - 1;
    for (const Tick& tick : ticks) {
        const double x = at(tick.value);
        if (!(x >= plot.x - 0.5 && x <= plot.right() + 0.5)) continue;
        painter.fill({std::clamp(std::round(x), plot.x, plot.right() - 1), plot.y, 1, plot.height},
                     theme.grid);
        const double width = textWidth(tick.label, kSmallText);
        const double from = std::clamp(x - width / 2, left, std::max(left, right - width));
        if (from < free || from + width > right + 0.5) continue;
        painter.fill({std::clamp(std::round(x), plot.x, plot.right() - 1), plot.bottom(), 1, 3},
                     theme.textMuted);
        painter.label({from, plot.bottom() + 4, width, 13}, tick.label, theme.textMuted);
        free = from + width + 8;
    }
}

void paintHorizontalCaption(Painter& painter, const Rect& plot, std::string_view caption, double left,
                            double right) {
    const double width = std::min(textWidth(caption, kSmallText), right - left);
    const double from = std::clamp(plot.x + plot.width / 2 - width / 2, left, std::max(left, right - width));
    painter.label({from, plot.bottom() + kPlotTicks + 1, width, 13}, caption, painter.theme().textMuted);
}

void paintVerticalTicks(Painter& painter, const Rect& plot, const std::vector<Tick>& ticks,
                        const Position& at, double width) {
    const Theme& theme = painter.theme();
    double free = plot.bottom() + 8;  // ticks rise, pixels fall
    for (const Tick& tick : ticks) {
        const double y = at(tick.value);
        if (!(y >= plot.y - 0.5 && y <= plot.bottom() + 0.5)) continue;
        painter.fill({plot.x, std::clamp(std::round(y), plot.y, plot.bottom() - 1), plot.width, 1},
                     theme.grid);
        const double top = y - 7;
        if (top + 14 > free) continue;
        painter.label({plot.x - 6 - width, top, width, 14}, tick.label, theme.textMuted, kSmallText,
                      Align::Right);
        free = top;
    }
}

}  // namespace fluxscope
