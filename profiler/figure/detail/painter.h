// Puts items into a display list the way all figures do: text is fitted to its box, never cut and never on top of another.
#pragma once

#include "profiler/figure/display_list.h"
#include "profiler/figure/theme.h"

#include <string>
#include <string_view>

namespace fluxscope {

inline constexpr double kTextSize = 12;
inline constexpr double kSmallText = 11;  // nothing is set smaller
inline constexpr double kTitleSize = 13;
inline constexpr double kLineHeight = 16;

class Painter {
public:
    Painter(Size size, const Theme& theme) : theme_(theme) {
        list_.size = size;
        list_.background = theme.background;
    }

    const Theme& theme() const { return theme_; }
    DisplayList& list() { return list_; }

    void fill(const Rect& rect, Color color);
    void outline(const Rect& rect, Color color, double width);
    void line(Point from, Point to, Color color, double width);
    void image(Image image) { list_.items.emplace_back(std::move(image)); }
    void clip(const Rect& rect) { list_.items.emplace_back(Clip{rect}); }
    void unclip() { list_.items.emplace_back(Clip{}); }

    // One line in the vertical middle of a box, elided to its width; left out when fewer than two characters would fit
    // of a longer text.
    void label(const Rect& box, std::string_view text, Color color, double size = kSmallText,
               Align align = Align::Left);
    // Words on as many lines as they need, in the middle of a box.
    void message(const Rect& box, std::string_view text, Color color);

    void hatch(const Rect& rect);  // no value here

private:
    const Theme& theme_;
    DisplayList list_;
};

// Around a cell that is selected or hovered; edges of background on both sides keep it visible on every colour.
void paintRing(Painter& painter, const Rect& cell, Color color, double width);

}  // namespace fluxscope
