#include "profiler/figure/detail/legend.h"

#include <algorithm>
#include <cmath>

namespace fluxscope {

void ColorScale::paint(Painter& painter, const Rect& box) const {
    const Theme& theme = painter.theme();
    painter.label({box.x, box.y, box.width, 14}, title, theme.textMuted);

    constexpr std::int32_t kColors = 96;
    Image bar;
    bar.rect = {box.x, box.y + 16, box.width, 8};
    bar.columns = kColors;
    bar.rows = 1;
    auto pixels = std::make_shared<std::vector<std::uint8_t>>();
    for (std::int32_t i = 0; i < kColors; ++i) {
        const Color c = color(low + (high - low) * (i + 0.5) / kColors);
        pixels->insert(pixels->end(), {c.r, c.g, c.b, c.a});
    }
    bar.pixels = std::move(pixels);
    painter.image(std::move(bar));
    painter.outline({box.x, box.y + 16, box.width, 8}, theme.border, 1);

    // The ends keep inside the box; a label that would touch the one before it is left out.
    double free = box.x - 1;
    for (const Tick& tick : axis.ticks) {
        const double at = box.x + (high > low ? (tick.value - low) / (high - low) : 0) * box.width;
        const double width = textWidth(tick.label, kSmallText);
        const double left = std::clamp(at - width / 2, box.x, std::max(box.x, box.right() - width));
        if (left < free || left + width > box.right() + 0.5) continue;
        painter.fill({std::clamp(std::round(at), box.x, box.right() - 1), box.y + 23, 1, 4}, theme.textMuted);
        painter.label({left, box.y + 27, width, 13}, tick.label, theme.textMuted);
        free = left + width + 6;
    }
}

double flowSwatches(Painter& painter, const Rect& box, const std::vector<Swatch>& swatches, bool paint) {
    if (swatches.empty()) return 0;
    constexpr double kSquare = 11;
    constexpr double kGap = 16;
    double x = box.x;
    double y = box.y;
    for (const Swatch& swatch : swatches) {
        const double width = kSquare + 6 + textWidth(swatch.text, kSmallText);
        if (x > box.x && x + width > box.right()) {
            x = box.x;
            y += kLineHeight;
        }
        if (paint) {
            swatch.paint(painter, {x, y + (kLineHeight - kSquare) / 2, kSquare, kSquare});
            painter.label({x + kSquare + 6, y, std::min(width, box.right() - x) - kSquare - 6, kLineHeight},
                          swatch.text, painter.theme().textMuted);
        }
        x += width + kGap;
    }
    return y + kLineHeight - box.y;
}

}  // namespace fluxscope
