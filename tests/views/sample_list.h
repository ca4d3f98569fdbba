// A display list with every kind of item, none of them at a comfortable place.
#pragma once

#include "profiler/figure/display_list.h"
#include "profiler/figure/theme.h"

namespace fluxscope {

inline DisplayList sampleList(const Theme& theme) {
    DisplayList list;
    list.size = {420, 260};
    list.background = theme.background;
    auto& items = list.items;
    for (int row = 0; row < 12; ++row)
        for (int column = 0; column < 9; ++column)
            items.emplace_back(FilledRect{{60 + column * 13.3, 30 + row * 14.7, 13.3, 14.7},
                                          routingColor((row * 9 + column) / 107.0, theme)});
    items.emplace_back(Outline{{60 + 13.3 * 3, 30 + 14.7 * 4, 13.3, 14.7}, theme.accent, 2});
    items.emplace_back(Polyline{{{60, 30.5}, {400, 30.5}}, theme.grid, 1});
    items.emplace_back(
        Polyline{{{200.25, 210}, {230, 120.5}, {262, 190}, {300, 60}, {390, 202.75}}, theme.full, 1.5});
    auto pixels = std::make_shared<std::vector<std::uint8_t>>();
    for (int row = 0; row < 8; ++row) {
        for (int column = 0; column < 16; ++column) {
            const Color c = sequentialColor((row * 16 + column) / 127.0, theme);
            pixels->insert(pixels->end(),
                           {c.r, c.g, c.b, static_cast<std::uint8_t>(column % 5 == 0 ? 128 : 255)});
        }
    }
    items.emplace_back(Image{{210.5, 34, 170.2, 60}, 16, 8, pixels});
    items.emplace_back(Text{{12, 16}, "Qwen3-tiny, routed:0.5 -> 73.1 % full, 12.5 µs", theme.text, 12});
    items.emplace_back(Text{{54, 37.35}, "layer 0", theme.textMuted, 10, Align::Right});
    items.emplace_back(Text{{295, 110}, "p ≤ 0.35 · Δ 1.2 ms", theme.textMuted, 11, Align::Center});
    items.emplace_back(Text{{295, 130}, "\xC3(broken) 日本", theme.warning, 13, Align::Center});
    items.emplace_back(Clip{Rect{220, 222.5, 90, 20}});
    items.emplace_back(FilledRect{{200, 210, 200, 60}, theme.missing});
    items.emplace_back(Text{{215, 232}, "cut off at both of its ends", theme.text, 12});
    items.emplace_back(Clip{});
    items.emplace_back(FilledRect{{20, 230, 120, 12}, {theme.accent.r, theme.accent.g, theme.accent.b, 90}});
    return list;
}

}  // namespace fluxscope
