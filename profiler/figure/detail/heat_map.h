// A grid of coloured cells at any size. Cells of six pixels and more are rectangles with a gap; smaller ones become one
// image, and cells below a pixel are pooled by their maximum, in blocks aligned to the grid and not to the view, so that
// nothing strong disappears when zoomed out and nothing shimmers when panned.
#pragma once

#include "profiler/figure/axis.h"
#include "profiler/figure/detail/painter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace fluxscope {

// Equally wide cells along one axis: cell i begins at pixel at(i); begin..end are the visible ones.
struct Band {
    double origin = 0;
    double size = 0;
    std::int32_t begin = 0;
    std::int32_t end = 0;

    double at(double cell) const { return origin + cell * size; }
    std::int32_t cells() const { return end - begin; }
    std::int32_t pooled() const {  // cells in a block that is a pixel wide, or 1
        return size > 0 && size < 1 ? static_cast<std::int32_t>(std::min(std::ceil(1 / size), 1e9)) : 1;
    }
};

inline Rect cellRect(const Band& columns, const Band& rows, std::int32_t column, std::int32_t row) {
    const double left = std::round(columns.at(column));
    const double top = std::round(rows.at(row));
    return {left, top, std::round(columns.at(column + 1)) - left, std::round(rows.at(row + 1)) - top};
}

inline bool drawsCells(const Band& columns, const Band& rows) {
    constexpr double kSmallest = 6;
    constexpr std::int64_t kMost = 4096;  // beyond, an image is cheaper than rectangles
    return columns.size >= kSmallest && rows.size >= kSmallest &&
           std::int64_t{columns.cells()} * rows.cells() <= kMost;
}

inline Rect withoutGap(Rect cell) {
    cell.width -= 1;
    cell.height -= 1;
    return cell;
}

// A colour map as a table: a map costs six powers a colour, a picture has a hundred thousand of them. An odd number of entries
// keeps the middle for the middle alone, so that a map's step on either side of it stays where it is.
class ColorTable {
public:
    template <class Map>
    explicit ColorTable(const Map& map) {
        for (int i = 0; i <= kLast; ++i)
            colors_[static_cast<std::size_t>(i)] = map(static_cast<double>(i) / kLast);
    }
    // t is in [0, 1].
    Color operator()(double t) const {
        const double at = t * kLast;
        const int i = t < 0.5   ? std::clamp(static_cast<int>(at), 0, kLast / 2 - 1)
                      : t > 0.5 ? std::clamp(static_cast<int>(std::ceil(at)), kLast / 2 + 1, kLast)
                                : kLast / 2;
        return colors_[static_cast<std::size_t>(i)];
    }

private:
    static constexpr int kLast = 510;
    std::array<Color, kLast + 1> colors_;
};

// Marks and numbers are set on whole cells only: a cell that is half panned out of sight would cut them.
inline bool lies(const Rect& cell, const Rect& within) {
    return cell.x >= within.x - 1 && cell.right() <= within.right() + 1 && cell.y >= within.y - 1 &&
           cell.bottom() <= within.bottom() + 1;
}

// value(row, column) is in [0, 1], or NaN where there is none; color(value) paints it.
template <class Value, class Paint>
void paintHeat(Painter& painter, const Band& columns, const Band& rows, const Value& value,
               const Paint& color) {
    if (columns.cells() <= 0 || rows.cells() <= 0) return;
    if (drawsCells(columns, rows)) {
        for (std::int32_t r = rows.begin; r < rows.end; ++r)
            for (std::int32_t c = columns.begin; c < columns.end; ++c) {
                const Rect cell = withoutGap(cellRect(columns, rows, c, r));
                const double v = value(r, c);
                if (std::isnan(v))
                    painter.hatch(cell);
                else
                    painter.fill(cell, color(v));
            }
        return;
    }

    const std::int32_t wide = columns.pooled();
    const std::int32_t tall = rows.pooled();
    const std::int32_t left = columns.begin / wide;
    const std::int32_t top = rows.begin / tall;
    Image image;
    image.columns = (columns.end + wide - 1) / wide - left;
    image.rows = (rows.end + tall - 1) / tall - top;
    image.rect = {columns.at(static_cast<double>(left) * wide), rows.at(static_cast<double>(top) * tall),
                  image.columns * wide * columns.size, image.rows * tall * rows.size};

    const Color missing = painter.theme().missing;
    auto pixels = std::make_shared<std::vector<std::uint8_t>>();
    pixels->reserve(static_cast<std::size_t>(image.columns) * static_cast<std::size_t>(image.rows) * 4);
    for (std::int32_t y = 0; y < image.rows; ++y)
        for (std::int32_t x = 0; x < image.columns; ++x) {
            double most = -1;
            for (std::int32_t r = std::max((top + y) * tall, rows.begin);
                 r < std::min((top + y + 1) * tall, rows.end); ++r)
                for (std::int32_t c = std::max((left + x) * wide, columns.begin);
                     c < std::min((left + x + 1) * wide, columns.end); ++c)
                    if (const double v = value(r, c); v > most) most = v;  // never true of NaN
            const Color pixel = most < 0 ? missing : color(most);
            pixels->insert(pixels->end(), {pixel.r, pixel.g, pixel.b, pixel.a});
        }
    image.pixels = std::move(pixels);
    painter.image(std::move(image));
}

// Every how many cells a label of `width` pixels fits: 1, 2, 5, 10, ...
inline std::int32_t labelStride(double cellSize, double width) {
    if (!(cellSize > 0)) return 1 << 30;
    std::int64_t stride = 1;
    for (std::int32_t i = 0; static_cast<double>(stride) * cellSize < width && stride < (1 << 28); ++i)
        stride = i % 3 == 1 ? stride / 2 * 5 : stride * 2;
    return static_cast<std::int32_t>(stride);
}

// The visible part of `count` cells: what was asked for, inside the table and never empty.
inline AxisRange visibleRange(const std::optional<AxisRange>& wanted, std::int32_t count) {
    const double all = count;
    if (!wanted || !(wanted->last > wanted->first) || !std::isfinite(wanted->first) ||
        !std::isfinite(wanted->last))
        return {0, all};
    const double first = std::clamp(wanted->first, 0.0, all);
    const double last = std::clamp(wanted->last, 0.0, all);
    return last - first < 0.5 ? AxisRange{0, all} : AxisRange{first, last};
}

}  // namespace fluxscope
