// What a figure draws, independent of who draws it. Pure functions turn analysis results into display lists; emitters
// turn these into an ImGui draw list, SVG or QPainter calls, so that every picture exists once.
//
// Units are logical pixels, y grows downwards; items are painted in order. Text is set in a monospaced face whose advance
// is kAdvance of its size (JetBrains Mono), so that a figure can measure text without a font.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fluxscope {

struct Point {
    double x = 0;
    double y = 0;
    friend bool operator==(const Point&, const Point&) = default;
};

struct Size {
    double width = 0;
    double height = 0;
    friend bool operator==(const Size&, const Size&) = default;
};

struct Rect {
    double x = 0;
    double y = 0;
    double width = 0;
    double height = 0;

    constexpr double right() const { return x + width; }
    constexpr double bottom() const { return y + height; }
    constexpr bool contains(Point p) const { return p.x >= x && p.x < right() && p.y >= y && p.y < bottom(); }
    friend bool operator==(const Rect&, const Rect&) = default;
};

struct Color {
    std::uint8_t r = 0;
    std::uint8_t g = 0;
    std::uint8_t b = 0;
    std::uint8_t a = 255;
    friend bool operator==(const Color&, const Color&) = default;
};

struct FilledRect {
    Rect rect;
    Color color;
};

struct Outline {  // drawn inside its rect
    Rect rect;
    Color color;
    double width = 1;
};

struct Polyline {
    std::vector<Point> points;
    Color color;
    double width = 1;
};

// Pixels are RGBA8, row major, drawn without smoothing.
struct Image {
    Rect rect;
    std::int32_t columns = 0;
    std::int32_t rows = 0;
    std::shared_ptr<const std::vector<std::uint8_t>> pixels;
};

enum class Align : std::uint8_t { Left, Center, Right };

struct Text {
    static constexpr double kAdvance = 0.6;

    Point anchor;  // x by align, y at the vertical middle of the line
    std::string utf8;
    Color color;
    double size = 12;
    Align align = Align::Left;
};

// From here on only what lies in `rect` is painted; an empty optional ends it. Clips do not nest.
struct Clip {
    std::optional<Rect> rect;
};

using DisplayItem = std::variant<FilledRect, Outline, Polyline, Image, Text, Clip>;

// What lies under a point. The figure that made the list knows what an id means.
using HitId = std::uint64_t;

struct HitArea {
    Rect rect;
    HitId id = 0;
};

// A regular grid of hits: column c of row r has id first + r * columns + c.
struct HitGrid {
    Rect rect;
    std::int32_t columns = 0;
    std::int32_t rows = 0;
    HitId first = 0;
};

struct DisplayList {
    Size size;
    Color background;
    std::vector<DisplayItem> items;
    std::vector<HitArea> hitAreas;  // the last one that contains the point wins
    std::vector<HitGrid> hitGrids;  // looked at after the areas

    std::optional<HitId> hitAt(Point p) const;
};

double textWidth(std::string_view utf8, double size);
// Cut to fit with a trailing ellipsis; never inside a UTF-8 character.
std::string elided(std::string_view utf8, double size, double width);
// One item a line, rounded to 0.01: for golden tests.
std::string toGoldenText(const DisplayList& list);

}  // namespace fluxscope
