#include "profiler/figure/display_list.h"

#include "profiler/figure/utf8.h"

#include <gtest/gtest.h>

#include <random>

namespace fluxscope {
namespace {

bool allValid(std::string_view text) {
    while (!text.empty()) {
        if (!firstCodePoint(text).valid) return false;
        text.remove_prefix(firstCodePoint(text).bytes);
    }
    return true;
}

TEST(Utf8, countsABrokenByteAsOneCharacter) {
    const struct {
        std::string_view bytes;
        std::size_t count;
    } rows[] = {
        {"", 0},
        {"abc", 3},
        {"µs", 2},
        {"日本", 2},
        {"\xF0\x9F\x98\x80", 1},
        {"\xE6\x97", 2},          // half a character
        {"\xC0\xAF", 2},          // overlong
        {"\xED\xA0\x80", 3},      // a surrogate
        {"\xF4\x90\x80\x80", 4},  // past U+10FFFF
        {"a\x80z", 3},
    };
    for (const auto& row : rows) EXPECT_EQ(countCodePoints(row.bytes), row.count) << row.bytes;
}

TEST(Elided, cutsBetweenCharactersAndFits) {
    EXPECT_EQ(elided("needle-1", 10, 48), "needle-1");
    EXPECT_EQ(elided("needle-1", 10, 47), "needle…");
    EXPECT_EQ(elided("µµµµ", 10, 18), "µµ…");
    EXPECT_EQ(elided("日本語です", 10, 12), "日…");
    EXPECT_EQ(elided("abc", 10, 6), "…");
    EXPECT_EQ(elided("abc", 10, 5), "");
    EXPECT_EQ(elided("abc", 10, -1), "");
    EXPECT_EQ(elided("abc", 10, std::nan("")), "");
    EXPECT_EQ(elided("a", 10, textWidth("a", 10)), "a");
}

TEST(Elided, neverBreaksACharacterOfAnyText) {
    std::mt19937 random(3);  // NOLINT(bugprone-random-generator-seed): the same texts each time
    const std::string_view pieces[] = {"a", "µ", "→", "日", "\xF0\x9F\x98\x80", " "};
    for (int i = 0; i < 2000; ++i) {
        std::string text;
        for (unsigned k = random() % 12; k > 0; --k) text += pieces[random() % std::size(pieces)];
        const double width = static_cast<double>(random() % 90);
        const std::string cut = elided(text, 11, width);
        EXPECT_TRUE(allValid(cut)) << text;
        EXPECT_LE(textWidth(cut, 11), width + 1e-6) << text;
    }
}

TEST(DisplayList, hitsTheLastAreaThenTheGrids) {
    DisplayList list;
    list.hitAreas = {{{0, 0, 10, 10}, 1}, {{5, 5, 10, 10}, 2}};
    list.hitGrids = {{{0, 0, 30, 20}, 3, 2, 100}};
    EXPECT_EQ(list.hitAt({6, 6}), 2u);
    EXPECT_EQ(list.hitAt({1, 1}), 1u);
    EXPECT_EQ(list.hitAt({16, 1}), 101u);
    EXPECT_EQ(list.hitAt({29.9, 19.9}), 105u);
    EXPECT_EQ(list.hitAt({30, 10}), std::nullopt);
    EXPECT_EQ(list.hitAt({-1, 10}), std::nullopt);
}

TEST(GoldenText, hasALineForEachItem) {
    DisplayList list;
    list.size = {100, 50};
    list.background = {255, 255, 255, 255};
    list.items = {
        FilledRect{{0, 0, 1.005, -0.001}, {1, 2, 3, 255}},
        Outline{{1, 2, 3, 4}, {1, 2, 3, 128}, 2},
        Polyline{{{0, 0}, {1.5, 2}}, {0, 0, 0, 255}, 1},
        Image{{0, 0, 8, 8}, 1, 1, std::make_shared<const std::vector<std::uint8_t>>(4, std::uint8_t{7})},
        Text{{1, 2}, "a\"b\n", {9, 9, 9, 255}, 12, Align::Right},
        Clip{Rect{0, 0, 5, 5}},
        Clip{}};
    list.hitAreas = {{{0, 0, 1, 1}, 3}};
    list.hitGrids = {{{0, 0, 4, 4}, 2, 2, 10}};
    EXPECT_EQ(toGoldenText(list), R"(size 100x50 background #ffffff
rect 0,0 1x0 #010203
outline 1,2 3x4 #01020380 width 2
polyline #000000 width 1 0,0 1.5,2
image 0,0 8x8 pixels 1x1 41e9706682a7c661
text right 1,2 size 12 #090909 "a\"b\x0a"
clip 0,0 5x5
clip none
hit 0,0 1x1 id 3
hits 0,0 4x4 cells 2x2 first 10
)");
}

}  // namespace
}  // namespace fluxscope
