// What a user did to a canvas, free of any toolkit, so that gestures are tested without a window.
// Positions are logical pixels from the canvas's upper left corner.
#pragma once

#include "profiler/figure/display_list.h"

#include <cstdint>
#include <variant>

namespace fluxscope {

enum class PointerButton : std::uint8_t { Left, Middle, Right };

struct Modifiers {
    bool shift = false;
    bool control = false;
    bool alt = false;
    friend bool operator==(const Modifiers&, const Modifiers&) = default;
};

// Only the keys a canvas answers to; all others stay with the window and its shortcuts.
enum class CanvasKey : std::uint8_t { Left, Right, Up, Down, Home, End, Escape, W, A, S, D };

struct PointerMoved {
    Point at;
    Modifiers modifiers;
};
struct PointerPressed {
    Point at;
    PointerButton button = PointerButton::Left;
    Modifiers modifiers;
};
struct PointerReleased {
    Point at;
    PointerButton button = PointerButton::Left;
    Modifiers modifiers;
};
struct PointerDoubleClicked {
    Point at;
    PointerButton button = PointerButton::Left;
};
struct PointerLeft {};
struct WheelTurned {
    Point at;
    double notchesX = 0;  // one notch of a mouse wheel is 1; a touchpad sends fractions
    double notchesY = 0;  // > 0: away from the user
    Modifiers modifiers;
};
struct KeyPressed {
    CanvasKey key = CanvasKey::Escape;
    Modifiers modifiers;
};
// The window took the focus away: whatever gesture was going on ends without an effect.
struct FocusLost {};

using CanvasInput = std::variant<PointerMoved, PointerPressed, PointerReleased, PointerDoubleClicked,
                                 PointerLeft, WheelTurned, KeyPressed, FocusLost>;

}  // namespace fluxscope
