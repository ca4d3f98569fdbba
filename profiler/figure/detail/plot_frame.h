// What the figures with numbers on their axes have in common: title and note on top, ticks with grid lines, a caption with unit.
#pragma once

#include "profiler/figure/axis.h"
#include "profiler/figure/detail/painter.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxscope {

inline constexpr double kPlotTop = 6 + 18 + 16 + 8;  // title, note, a gap
inline constexpr double kPlotTicks = 4 + 13;         // below a plot: tick and label
inline constexpr double kPlotCaption = 15;           // and the axis' name

double plotMargin(const Size& size);

// Title and the line below it that says where the numbers come from.
void paintHeading(Painter& painter, std::string_view title, std::string_view note);

// The same with a note of several parts, on as many lines as they need, up to `lines`; what comes then is elided on the last one. Returns
// where the plot may begin.
double paintHeading(Painter& painter, std::string_view title, const std::vector<std::string>& notes,
                    std::size_t lines);

// A picture that only says why there is none.
DisplayList messageOnly(const Size& size, const Theme& theme, std::string_view text);

// Maps a value to a pixel.
using Position = std::function<double(double)>;

// Labels below the plot, grid lines through it. Labels stay within [left, right] and never touch.
void paintHorizontalTicks(Painter& painter, const Rect& plot, const std::vector<Tick>& ticks,
                          const Position& at, double left, double right);
// The axis' name below its ticks, in the middle of the plot; cut when it is longer than [left, right].
void paintHorizontalCaption(Painter& painter, const Rect& plot, std::string_view caption, double left,
                            double right);

// Labels left of the plot, right-aligned in `width`.
void paintVerticalTicks(Painter& painter, const Rect& plot, const std::vector<Tick>& ticks,
                        const Position& at, double width);

}  // namespace fluxscope
