// Where the glyphs of a figure's text stand. Every emitter that rasterises uses this, so that ImGui and QPainter put the
// same letter at the same place; there is no shaping and no kerning: a figure measured its text as characters * advance.
#pragma once

#include "profiler/figure/display_list.h"
#include "profiler/figure/utf8.h"

#include <string_view>
#include <vector>

namespace fluxscope {

// From the middle of a line down to its baseline, in ems: half of what a capital rises, as SVG's dy=".35em".
inline constexpr double kBaselineDrop = 0.35;

// Broken UTF-8 yields U+FFFD per byte; a prompt's id may hold anything.
inline std::vector<char32_t> codePointsOf(std::string_view utf8) {
    constexpr char32_t kReplacement = 0xFFFD;
    std::vector<char32_t> points;
    points.reserve(utf8.size());
    while (!utf8.empty()) {
        const CodePoint point = firstCodePoint(utf8);
        points.push_back(point.valid ? point.value : kReplacement);
        utf8.remove_prefix(point.bytes);
    }
    return points;
}

// The left edge of the first character.
inline double leftOf(const Text& text, std::size_t characters) {
    const double width = static_cast<double>(characters) * Text::kAdvance * text.size;
    switch (text.align) {
        case Align::Left: break;
        case Align::Center: return text.anchor.x - width / 2;
        case Align::Right: return text.anchor.x - width;
    }
    return text.anchor.x;
}

inline double baselineOf(const Text& text) { return text.anchor.y + kBaselineDrop * text.size; }

}  // namespace fluxscope
