#include "profiler/figure/display_list.h"

#include "profiler/figure/utf8.h"

#include <algorithm>
#include <cmath>

namespace fluxscope {

std::optional<HitId> DisplayList::hitAt(Point p) const {
    for (auto area = hitAreas.rbegin(); area != hitAreas.rend(); ++area)
        if (area->rect.contains(p)) return area->id;
    for (auto grid = hitGrids.rbegin(); grid != hitGrids.rend(); ++grid) {
        if (!grid->rect.contains(p) || grid->columns <= 0 || grid->rows <= 0) continue;
        const auto cell = [](double at, double length, std::int32_t count) {
            return std::clamp(static_cast<std::int32_t>(std::floor(at / length * count)), 0, count - 1);
        };
        const std::int32_t column = cell(p.x - grid->rect.x, grid->rect.width, grid->columns);
        const std::int32_t row = cell(p.y - grid->rect.y, grid->rect.height, grid->rows);
        return grid->first + static_cast<HitId>(row) * static_cast<HitId>(grid->columns) +
               static_cast<HitId>(column);
    }
    return std::nullopt;
}

double textWidth(std::string_view utf8, double size) {
    return static_cast<double>(countCodePoints(utf8)) * size * Text::kAdvance;
}

std::string elided(std::string_view utf8, double size, double width) {
    constexpr double kSlack = 1e-6;  // a width computed from a text's own must hold that text
    const double advance = size * Text::kAdvance;
    if (!(width > 0) || !(advance > 0)) return {};
    const auto fits = static_cast<std::size_t>(std::min(width / advance + kSlack, 1e9));
    if (countCodePoints(utf8) <= fits) return std::string(utf8);
    if (fits == 0) return {};

    std::size_t bytes = 0;
    for (std::size_t i = 0; i + 1 < fits; ++i) bytes += firstCodePoint(utf8.substr(bytes)).bytes;
    return std::string(utf8.substr(0, bytes)) + "…";
}

}  // namespace fluxscope
