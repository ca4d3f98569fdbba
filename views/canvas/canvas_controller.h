// Gestures: inputs in, intents out. Knows neither a toolkit nor what the canvas shows; the view that owns it turns
// pixels into layers, prompts or time.
//
//   move                  hover
//   click                 pick
//   drag, left            what the view chose: pan, or brush an area; shift takes the other one
//   drag, middle          pan
//   wheel                 pan vertically, with shift horizontally, with control zoom around the pointer
//   W S A D               zoom in and out around the pointer, pan left and right
//   arrows, Home, End     step the selection
//   double click          reset the view
//   Esc                   end the gesture, or else clear the selection
#pragma once

#include "views/canvas/canvas_input.h"

#include <optional>
#include <variant>
#include <vector>

namespace fluxscope {

struct HoverIntent {
    std::optional<Point> at;  // absent: the pointer is elsewhere
};
struct PickIntent {
    Point at;
    Modifiers modifiers;
};
struct PanIntent {  // what is shown moves by so many pixels
    double dx = 0;
    double dy = 0;
};
struct ZoomIntent {
    Point around;
    double factor = 1;  // > 1: closer
};
struct BrushIntent {
    Rect area;
    bool finished = false;
};
struct BrushCancelledIntent {};
struct StepIntent {
    int dx = 0;
    int dy = 0;
};
struct StepToEndIntent {  // along the horizontal axis
    bool last = false;
};
struct ResetIntent {};
struct ClearIntent {};

using CanvasIntent =
    std::variant<HoverIntent, PickIntent, PanIntent, ZoomIntent, BrushIntent, BrushCancelledIntent,
                 StepIntent, StepToEndIntent, ResetIntent, ClearIntent>;

enum class LeftDrag : std::uint8_t { Pan, Brush };

class CanvasController {
public:
    static constexpr double kDragSlop = 4;         // pixels a click may shake
    static constexpr double kZoomPerNotch = 1.2;   // and per W or S
    static constexpr double kPixelsPerNotch = 48;  // of panning
    static constexpr double kPanShare = 0.1;       // of the canvas per A or D

    explicit CanvasController(LeftDrag leftDrag) : leftDrag_(leftDrag) {}

    void setSize(Size size) { size_ = size; }
    std::vector<CanvasIntent> handle(const CanvasInput& input);

private:
    struct Gesture {
        enum class Kind : std::uint8_t { Undecided, Pan, Brush };
        Kind kind = Kind::Undecided;
        PointerButton button = PointerButton::Left;
        Modifiers modifiers;
        Point from;
        Point last;
    };

    std::vector<CanvasIntent> moved(const PointerMoved& input);
    std::vector<CanvasIntent> released(const PointerReleased& input);
    std::vector<CanvasIntent> turned(const WheelTurned& input) const;
    std::vector<CanvasIntent> pressed(const KeyPressed& input);
    std::vector<CanvasIntent> abandoned();
    Gesture::Kind kindOf(const Gesture& gesture) const;
    Point focus() const;  // what keys zoom around

    LeftDrag leftDrag_;
    Size size_;
    std::optional<Point> pointer_;
    std::optional<Gesture> gesture_;
};

}  // namespace fluxscope
