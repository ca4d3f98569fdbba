// Qt's events as CanvasInput: the one place that knows both.
#pragma once

#include "views/canvas/canvas_input.h"

#include <optional>

class QEvent;

namespace fluxscope {

// Nothing for events that a canvas does not answer to.
std::optional<CanvasInput> toCanvasInput(const QEvent& event);

// Keys that a canvas with the focus wants for itself even when the window has a shortcut on them.
bool isCanvasKey(const QEvent& event);

}  // namespace fluxscope
