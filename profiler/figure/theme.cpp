#include "profiler/figure/theme.h"

#include "profiler/figure/detail/oklab.h"

#include <algorithm>
#include <cmath>

namespace fluxscope {

namespace {

constexpr Color rgb(std::uint32_t hex) {
    return {static_cast<std::uint8_t>(hex >> 16), static_cast<std::uint8_t>(hex >> 8 & 0xFF),
            static_cast<std::uint8_t>(hex & 0xFF), 255};
}

constexpr Theme kLight{
    .name = "light",
    .background = rgb(0xFFFFFF),
    .surface = rgb(0xF6F7F9),
    .text = rgb(0x1B2027),
    .textMuted = rgb(0x59636E),
    .grid = rgb(0xE6E9ED),
    .border = rgb(0xC6CCD3),
    .accent = rgb(0x5B3FD6),
    .full = rgb(0xB84F00),
    .sparse = rgb(0x2468B0),
    .missing = rgb(0xE3E6EA),
    .warning = rgb(0xB3261E),
};

constexpr Theme kDark{
    .name = "dark",
    .background = rgb(0x15181D),
    .surface = rgb(0x1D2128),
    .text = rgb(0xE8EBF0),
    .textMuted = rgb(0x9CA6B4),
    .grid = rgb(0x272C34),
    .border = rgb(0x3D4550),
    .accent = rgb(0xB3A6FF),
    .full = rgb(0xF59A4C),
    .sparse = rgb(0x63ABF0),
    .missing = rgb(0x2B3038),
    .warning = rgb(0xFF8F85),
};

double clamped(double t) { return std::isnan(t) ? 0 : std::clamp(t, 0.0, 1.0); }

oklab::Lab polar(double lightness, double chroma, double hueDegrees) {
    const double hue = hueDegrees * 3.14159265358979323846 / 180;
    return {lightness, chroma * std::cos(hue), chroma * std::sin(hue)};
}

bool isDark(const Theme& theme) { return oklab::fromColor(theme.background).l < 0.5; }

double luminance(Color c) {
    return 0.2126 * oklab::linear(c.r) + 0.7152 * oklab::linear(c.g) + 0.0722 * oklab::linear(c.b);
}

}  // namespace

const Theme& lightTheme() { return kLight; }
const Theme& darkTheme() { return kDark; }

// Green, so that cost is never mistaken for a routing decision; lightness carries the value, away from the background.
Color sequentialColor(double t, const Theme& theme) {
    const oklab::Lab low = isDark(theme) ? polar(0.27, 0.025, 185) : polar(0.965, 0.015, 165);
    const oklab::Lab high = isDark(theme) ? polar(0.90, 0.12, 165) : polar(0.36, 0.075, 175);
    return oklab::toColor(oklab::mix(low, high, clamped(t)));
}

Color routingColor(double fullProbability, const Theme& theme) {
    // Of the way to the theme's colour: just beside the middle, and at most. Areas want less of it than text and bars.
    constexpr double kLeast = 0.26;
    constexpr double kMost = 0.86;
    const oklab::Lab middle = isDark(theme) ? polar(0.34, 0.005, 260) : polar(0.94, 0.004, 260);
    const double p = clamped(fullProbability);
    const double distance = std::abs(p - 0.5) * 2;
    if (distance == 0) return oklab::toColor(middle);
    const oklab::Lab end = oklab::fromColor(p > 0.5 ? theme.full : theme.sparse);
    return oklab::toColor(oklab::mix(middle, end, kLeast + (kMost - kLeast) * distance));
}

double contrast(Color a, Color b) {
    const double first = luminance(a) + 0.05;
    const double second = luminance(b) + 0.05;
    return std::max(first, second) / std::min(first, second);
}

Color readableOn(Color background) {
    constexpr Color kBlack =
        rgb(0x000000);  // nothing softer: against the worst grey, black and white just reach 4.58
    constexpr Color kWhite = rgb(0xFFFFFF);
    return contrast(background, kBlack) >= contrast(background, kWhite) ? kBlack : kWhite;
}

}  // namespace fluxscope
