// Logical to device pixels, one rule for all emitters.
#pragma once

#include "profiler/figure/display_list.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fluxscope {

struct PixelRect {
    int left = 0;
    int top = 0;
    int right = 0;  // exclusive
    int bottom = 0;

    bool empty() const { return right <= left || bottom <= top; }
};

// Neighbours that touch in the figure touch on the screen. What has an extent never vanishes.
inline PixelRect onPixels(const Rect& rect, double scale) {
    const auto at = [scale](double logical) { return static_cast<int>(std::floor(logical * scale + 0.5)); };
    PixelRect pixels{at(rect.x), at(rect.y), at(rect.right()), at(rect.bottom())};
    if (rect.width > 0) pixels.right = std::max(pixels.right, pixels.left + 1);
    if (rect.height > 0) pixels.bottom = std::max(pixels.bottom, pixels.top + 1);
    return pixels;
}

inline int strokePixels(double width, double scale) {
    return std::max(1, static_cast<int>(std::lround(width * scale)));
}

// The four sides of an outline, inside its rect.
inline std::array<PixelRect, 4> outlineSides(const Outline& outline, double scale) {
    const PixelRect all = onPixels(outline.rect, scale);
    const int t = std::min(
        {strokePixels(outline.width, scale), (all.right - all.left + 1) / 2, (all.bottom - all.top + 1) / 2});
    return {PixelRect{all.left, all.top, all.right, all.top + t},
            PixelRect{all.left, all.bottom - t, all.right, all.bottom},
            PixelRect{all.left, all.top + t, all.left + t, all.bottom - t},
            PixelRect{all.right - t, all.top + t, all.right, all.bottom - t}};
}

// A grid line: two points, exactly horizontal or vertical. Drawn as pixels, never smoothed.
inline bool isStraight(const Polyline& line) {
    return line.points.size() == 2 &&
           (line.points[0].x == line.points[1].x || line.points[0].y == line.points[1].y);
}

inline PixelRect straightPixels(const Polyline& line, double scale) {
    const auto [x0, x1] = std::minmax(line.points[0].x, line.points[1].x);
    const auto [y0, y1] = std::minmax(line.points[0].y, line.points[1].y);
    const int t = strokePixels(line.width, scale);
    const auto start = [&](double middle) {
        return static_cast<int>(std::floor(middle * scale - t / 2.0 + 0.5));
    };
    const auto at = [&](double logical) { return static_cast<int>(std::floor(logical * scale + 0.5)); };
    if (y0 == y1) return {at(x0), start(y0), at(x1), start(y0) + t};
    return {start(x0), at(y0), start(x0) + t, at(y1)};
}

}  // namespace fluxscope
