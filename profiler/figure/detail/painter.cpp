#include "profiler/figure/detail/painter.h"

#include <algorithm>
#include <cmath>

namespace fluxscope {

void Painter::fill(const Rect& rect, Color color) {
    if (rect.width > 0 && rect.height > 0) list_.items.emplace_back(FilledRect{rect, color});
}

void Painter::outline(const Rect& rect, Color color, double width) {
    if (rect.width > 0 && rect.height > 0) list_.items.emplace_back(Outline{rect, color, width});
}

void Painter::line(Point from, Point to, Color color, double width) {
    list_.items.emplace_back(Polyline{{from, to}, color, width});
}

void Painter::label(const Rect& box, std::string_view text, Color color, double size, Align align) {
    std::string shown = elided(text, size, box.width);
    if (shown.empty() || (shown == "…" && text != "…")) return;
    const double x = align == Align::Left    ? box.x
                     : align == Align::Right ? box.right()
                                             : box.x + box.width / 2;
    list_.items.emplace_back(Text{{x, box.y + box.height / 2}, std::move(shown), color, size, align});
}

void Painter::message(const Rect& box, std::string_view text, Color color) {
    std::vector<std::string> lines(1);
    while (!text.empty()) {
        const std::size_t space = text.find(' ');
        const std::string word(text.substr(0, space));
        text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
        const std::string longer = lines.back().empty() ? word : lines.back() + " " + word;
        if (lines.back().empty() || textWidth(longer, kTextSize) <= box.width)
            lines.back() = longer;
        else
            lines.push_back(word);
    }
    double y = box.y + (box.height - kLineHeight * static_cast<double>(lines.size())) / 2;
    for (const std::string& line : lines) {
        if (y >= box.y - 0.5 && y + kLineHeight <= box.bottom() + 0.5)
            label({box.x, y, box.width, kLineHeight}, line, color, kTextSize, Align::Center);
        y += kLineHeight;
    }
}

void Painter::hatch(const Rect& rect) {
    fill(rect, theme_.missing);
    if (rect.width < 8 || rect.height < 8) return;
    line({rect.x + 2, rect.bottom() - 2}, {rect.right() - 2, rect.y + 2}, theme_.border, 1);
}

void paintRing(Painter& painter, const Rect& cell, Color color, double width) {
    const auto grown = [&](double by) {
        return Rect{cell.x - by, cell.y - by, std::max(cell.width, 2.0) + 2 * by,
                    std::max(cell.height, 2.0) + 2 * by};
    };
    painter.outline(grown(width + 1), painter.theme().background, 1);
    painter.outline(grown(width), color, width);
    if (cell.width >= 9 && cell.height >= 9) painter.outline(grown(0), painter.theme().background, 1);
}

}  // namespace fluxscope
