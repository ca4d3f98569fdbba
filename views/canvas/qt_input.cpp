#include "views/canvas/qt_input.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <QWheelEvent>

namespace fluxscope {
namespace {

constexpr double kUnitsPerNotch = 120;  // QWheelEvent::angleDelta: eighths of a degree, 15 degrees a notch

Point toPoint(QPointF p) { return {p.x(), p.y()}; }

Modifiers toModifiers(Qt::KeyboardModifiers held) {
    return {held.testFlag(Qt::ShiftModifier), held.testFlag(Qt::ControlModifier),
            held.testFlag(Qt::AltModifier)};
}

std::optional<PointerButton> toButton(Qt::MouseButton button) {
    switch (button) {
        case Qt::LeftButton: return PointerButton::Left;
        case Qt::MiddleButton: return PointerButton::Middle;
        case Qt::RightButton: return PointerButton::Right;
        default: return std::nullopt;
    }
}

std::optional<CanvasKey> toKey(const QKeyEvent& event) {
    // Ctrl, Alt and Meta make a shortcut of it, which belongs to the window.
    if (event.modifiers() & (Qt::ControlModifier | Qt::AltModifier | Qt::MetaModifier)) return std::nullopt;
    switch (event.key()) {
        case Qt::Key_Left: return CanvasKey::Left;
        case Qt::Key_Right: return CanvasKey::Right;
        case Qt::Key_Up: return CanvasKey::Up;
        case Qt::Key_Down: return CanvasKey::Down;
        case Qt::Key_Home: return CanvasKey::Home;
        case Qt::Key_End: return CanvasKey::End;
        case Qt::Key_Escape: return CanvasKey::Escape;
        case Qt::Key_W: return CanvasKey::W;
        case Qt::Key_A: return CanvasKey::A;
        case Qt::Key_S: return CanvasKey::S;
        case Qt::Key_D: return CanvasKey::D;
        default: return std::nullopt;
    }
}

}  // namespace

std::optional<CanvasInput> toCanvasInput(const QEvent& event) {
    switch (event.type()) {
        case QEvent::MouseMove: {
            const auto& mouse = static_cast<const QMouseEvent&>(event);
            return PointerMoved{toPoint(mouse.position()), toModifiers(mouse.modifiers())};
        }
        case QEvent::Enter: {  // a window may open under a pointer that does not move
            const auto& enter = static_cast<const QEnterEvent&>(event);
            return PointerMoved{toPoint(enter.position()), toModifiers(enter.modifiers())};
        }
        case QEvent::MouseButtonPress: {
            const auto& mouse = static_cast<const QMouseEvent&>(event);
            if (const auto button = toButton(mouse.button()))
                return PointerPressed{toPoint(mouse.position()), *button, toModifiers(mouse.modifiers())};
            return std::nullopt;
        }
        case QEvent::MouseButtonRelease: {
            const auto& mouse = static_cast<const QMouseEvent&>(event);
            if (const auto button = toButton(mouse.button()))
                return PointerReleased{toPoint(mouse.position()), *button, toModifiers(mouse.modifiers())};
            return std::nullopt;
        }
        case QEvent::MouseButtonDblClick: {
            const auto& mouse = static_cast<const QMouseEvent&>(event);
            if (const auto button = toButton(mouse.button()))
                return PointerDoubleClicked{toPoint(mouse.position()), *button};
            return std::nullopt;
        }
        case QEvent::Wheel: {
            const auto& wheel = static_cast<const QWheelEvent&>(event);
            const QPoint turned = wheel.angleDelta();
            if (turned.isNull()) return std::nullopt;
            return WheelTurned{toPoint(wheel.position()), turned.x() / kUnitsPerNotch,
                               turned.y() / kUnitsPerNotch, toModifiers(wheel.modifiers())};
        }
        case QEvent::KeyPress: {
            const auto& pressed = static_cast<const QKeyEvent&>(event);
            if (const auto key = toKey(pressed)) return KeyPressed{*key, toModifiers(pressed.modifiers())};
            return std::nullopt;
        }
        case QEvent::Leave: return PointerLeft{};
        case QEvent::FocusOut: return FocusLost{};
        default: return std::nullopt;
    }
}

bool isCanvasKey(const QEvent& event) {
    return (event.type() == QEvent::ShortcutOverride || event.type() == QEvent::KeyPress) &&
           toKey(static_cast<const QKeyEvent&>(event)).has_value();
}

}  // namespace fluxscope
