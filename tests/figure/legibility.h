// What every figure owes its reader, checked on the display list: text no smaller than 11, inside the figure, and no two
// texts on top of each other.
#pragma once

#include "profiler/figure/display_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace fluxscope::testing {

inline Rect boxOf(const Text& text) {
    const double width = textWidth(text.utf8, text.size);
    const double left = text.align == Align::Left     ? text.anchor.x
                        : text.align == Align::Center ? text.anchor.x - width / 2
                                                      : text.anchor.x - width;
    // A line's ink is lower than its size: ascenders and descenders reach 0.45 of it from the middle.
    return {left, text.anchor.y - 0.45 * text.size, width, 0.9 * text.size};
}

inline bool overlap(const Rect& a, const Rect& b) {
    constexpr double kTouch = 0.5;
    return a.x + kTouch < b.right() && b.x + kTouch < a.right() && a.y + kTouch < b.bottom() &&
           b.y + kTouch < a.bottom();
}

inline void expectLegible(const DisplayList& list, const std::string& what) {
    std::vector<std::pair<Rect, const Text*>> texts;
    for (const DisplayItem& item : list.items)
        if (const Text* text = std::get_if<Text>(&item)) texts.emplace_back(boxOf(*text), text);
    std::sort(texts.begin(), texts.end(), [](const auto& a, const auto& b) { return a.first.y < b.first.y; });
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const auto& [box, text] = texts[i];
        EXPECT_GE(text->size, 11) << what << ": " << text->utf8;
        EXPECT_GE(box.x, -0.5) << what << ": " << text->utf8;
        EXPECT_GE(box.y, -0.5) << what << ": " << text->utf8;
        EXPECT_LE(box.right(), list.size.width + 0.5) << what << ": " << text->utf8;
        EXPECT_LE(box.bottom(), list.size.height + 0.5) << what << ": " << text->utf8;
        for (std::size_t k = i + 1; k < texts.size() && texts[k].first.y < box.bottom(); ++k)
            EXPECT_FALSE(overlap(box, texts[k].first))
                << what << ": '" << text->utf8 << "' lies on '" << texts[k].second->utf8 << "'";
    }
}

}  // namespace fluxscope::testing
