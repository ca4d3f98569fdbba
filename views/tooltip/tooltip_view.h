// A figure's tool tip by Qt's own, which knows about screen edges and screen readers.
#pragma once

#include "profiler/figure/display_list.h"
#include "profiler/figure/theme.h"
#include "profiler/figure/tooltip.h"

#include <QString>

class QWidget;

namespace fluxscope {

// Everything in a tool tip may come from a file: it is escaped here.
QString toHtml(const Tooltip& tooltip, const Theme& theme);

void showTooltip(QWidget& over, Point at, const Tooltip& tooltip, const Theme& theme);
void hideTooltip();

}  // namespace fluxscope
