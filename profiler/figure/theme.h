// Colours of figures, light and dark. Widgets take theirs from the same values (views/theme).
//
// Text and what must be told apart keep a contrast of 4.5 or more on background and surface. Sparse is blue and full is
// orange: the pair that all common kinds of colour blindness tell apart; figures mark full by shape as well.
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

// Colour maps are perceptually uniform (OKLab) and readable in both themes; t in [0, 1], anything else is clamped.
Color sequentialColor(double t, const Theme& theme);  // cost: more is stronger
// Diverging: sparse .. undecided .. full, with a step on either side of 0.5, so that a cell never looks undecided unless
// it is. The caller maps its own threshold to 0.5.
Color routingColor(double fullProbability, const Theme& theme);

// WCAG 2: 1 (the same) to 21 (black on white).
double contrast(Color a, Color b);
// Black or white, whichever reads better on it: 4.5 or more on any colour.
Color readableOn(Color background);

}  // namespace fluxscope
