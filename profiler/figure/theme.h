// Colours of figures, light and dark. Widgets take theirs from the same values (views/theme).
#pragma once

#include "profiler/figure/display_list.h"

#include <array>
#include <span>
#include <string_view>

namespace fluxscope {

struct Theme {
    std::string_view name;
    Color background;  // of a figure
    Color surface;     // of panels and tool tips
    Color text;
    Color textMuted;
    Color grid;
    Color border;
    Color accent;   // selection, focus
    Color full;     // a layer that attends fully
    Color sparse;   // a layer that attends sparsely
    Color missing;  // no value here
    Color warning;
};

const Theme& lightTheme();
const Theme& darkTheme();

// Colour maps are perceptually uniform and readable in both themes; t in [0, 1].
Color sequentialColor(double t, const Theme& theme);             // cost: more is stronger
Color routingColor(double fullProbability, const Theme& theme);  // diverging: sparse .. undecided .. full

}  // namespace fluxscope
