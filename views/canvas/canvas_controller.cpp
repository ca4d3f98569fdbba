#include "views/canvas/canvas_controller.h"

#include <algorithm>
#include <cmath>

namespace fluxscope {
namespace {

Rect between(Point a, Point b) {
    return {std::min(a.x, b.x), std::min(a.y, b.y), std::abs(a.x - b.x), std::abs(a.y - b.y)};
}

}  // namespace

std::vector<CanvasIntent> CanvasController::handle(const CanvasInput& input) {
    if (const auto* move = std::get_if<PointerMoved>(&input)) return moved(*move);
    if (const auto* release = std::get_if<PointerReleased>(&input)) return released(*release);
    if (const auto* wheel = std::get_if<WheelTurned>(&input)) return turned(*wheel);
    if (const auto* key = std::get_if<KeyPressed>(&input)) return pressed(*key);
    if (const auto* press = std::get_if<PointerPressed>(&input)) {
        if (!gesture_)
            gesture_ =
                Gesture{Gesture::Kind::Undecided, press->button, press->modifiers, press->at, press->at};
        return {};
    }
    if (const auto* twice = std::get_if<PointerDoubleClicked>(&input)) {
        gesture_.reset();
        if (twice->button == PointerButton::Left) return {ResetIntent{}};
        return {};
    }
    if (std::holds_alternative<PointerLeft>(input)) {
        pointer_.reset();
        return {HoverIntent{}};
    }
    return abandoned();  // FocusLost
}

std::vector<CanvasIntent> CanvasController::moved(const PointerMoved& input) {
    pointer_ = input.at;
    if (!gesture_) return {HoverIntent{input.at}};

    Gesture& gesture = *gesture_;
    if (gesture.kind == Gesture::Kind::Undecided) {
        if (std::hypot(input.at.x - gesture.from.x, input.at.y - gesture.from.y) < kDragSlop) return {};
        if (gesture.button == PointerButton::Right) return {};  // the right button opens menus
        gesture.kind = kindOf(gesture);
    }
    const Point before = gesture.last;
    gesture.last = input.at;
    if (gesture.kind == Gesture::Kind::Pan) return {PanIntent{input.at.x - before.x, input.at.y - before.y}};
    return {BrushIntent{between(gesture.from, input.at), false}};
}

std::vector<CanvasIntent> CanvasController::released(const PointerReleased& input) {
    if (!gesture_ || gesture_->button != input.button) return {};
    const Gesture gesture = *gesture_;
    gesture_.reset();
    switch (gesture.kind) {
        case Gesture::Kind::Pan: return {HoverIntent{input.at}};
        case Gesture::Kind::Brush: return {BrushIntent{between(gesture.from, input.at), true}};
        case Gesture::Kind::Undecided: break;
    }
    if (gesture.button == PointerButton::Left) return {PickIntent{input.at, gesture.modifiers}};
    return {};
}

std::vector<CanvasIntent> CanvasController::turned(const WheelTurned& input) const {
    if (input.modifiers.control) return {ZoomIntent{input.at, std::pow(kZoomPerNotch, input.notchesY)}};
    if (input.modifiers.shift) return {PanIntent{(input.notchesX + input.notchesY) * kPixelsPerNotch, 0}};
    return {PanIntent{input.notchesX * kPixelsPerNotch, input.notchesY * kPixelsPerNotch}};
}

std::vector<CanvasIntent> CanvasController::pressed(const KeyPressed& input) {
    switch (input.key) {
        case CanvasKey::Left: return {StepIntent{-1, 0}};
        case CanvasKey::Right: return {StepIntent{1, 0}};
        case CanvasKey::Up: return {StepIntent{0, -1}};
        case CanvasKey::Down: return {StepIntent{0, 1}};
        case CanvasKey::Home: return {StepToEndIntent{false}};
        case CanvasKey::End: return {StepToEndIntent{true}};
        case CanvasKey::W: return {ZoomIntent{focus(), kZoomPerNotch}};
        case CanvasKey::S: return {ZoomIntent{focus(), 1 / kZoomPerNotch}};
        case CanvasKey::A: return {PanIntent{size_.width * kPanShare, 0}};
        case CanvasKey::D: return {PanIntent{-size_.width * kPanShare, 0}};
        case CanvasKey::Escape: break;
    }
    if (gesture_) return abandoned();
    return {ClearIntent{}};
}

std::vector<CanvasIntent> CanvasController::abandoned() {
    const bool brushing = gesture_ && gesture_->kind == Gesture::Kind::Brush;
    gesture_.reset();
    if (brushing) return {BrushCancelledIntent{}};
    return {};
}

CanvasController::Gesture::Kind CanvasController::kindOf(const Gesture& gesture) const {
    if (gesture.button == PointerButton::Middle) return Gesture::Kind::Pan;
    const bool brush = (leftDrag_ == LeftDrag::Brush) != gesture.modifiers.shift;
    return brush ? Gesture::Kind::Brush : Gesture::Kind::Pan;
}

Point CanvasController::focus() const { return pointer_.value_or(Point{size_.width / 2, size_.height / 2}); }

}  // namespace fluxscope
