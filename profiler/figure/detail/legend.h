// What the colours and marks of a figure mean, with unit. Legends are laid out in rows and tell how high they are.
#pragma once

#include "profiler/figure/axis.h"
#include "profiler/figure/detail/painter.h"

#include <functional>
#include <string>
#include <vector>

namespace fluxscope {

// A bar of colours with ticks below: title line, bar, labels.
struct ColorScale {
    std::string title;
    double low = 0;
    double high = 1;
    Axis axis;
    std::function<Color(double)> color;  // of a value between low and high

    static constexpr double kHeight = 40;
    void paint(Painter& painter, const Rect& box) const;
};

// A swatch is painted by the figure into the square it is given.
struct Swatch {
    std::string text;
    std::function<void(Painter&, const Rect&)> paint;
};

// Swatches side by side, on as many rows as the width needs. Returns the height used; with `paint` false only measures.
double flowSwatches(Painter& painter, const Rect& box, const std::vector<Swatch>& swatches, bool paint);

}  // namespace fluxscope
