#include "profiler/figure/detail/series_color.h"

#include "profiler/figure/detail/oklab.h"

#include <cmath>
#include <numbers>

namespace fluxscope {

Color seriesColor(std::size_t number, const Theme& theme) {
    constexpr std::size_t kHues = 8;
    constexpr std::size_t kStride = 3;  // neighbours lie far apart
    const bool onDark = oklab::fromColor(theme.background).l < 0.5;
    const std::size_t round = number / kHues;
    const double degrees =
        255 + 45 * static_cast<double>(number % kHues * kStride % kHues) + (round % 2 == 1 ? 22.5 : 0);
    const double hue = degrees * std::numbers::pi / 180;
    const double lightness = onDark ? (round % 4 < 2 ? 0.78 : 0.68) : (round % 4 < 2 ? 0.52 : 0.42);
    const double chroma = onDark ? 0.12 : 0.14;
    return oklab::toColor({lightness, chroma * std::cos(hue), chroma * std::sin(hue)});
}

Color faded(Color color, double share, const Theme& theme) {
    return oklab::toColor(oklab::mix(oklab::fromColor(color), oklab::fromColor(theme.background), share));
}

}  // namespace fluxscope
