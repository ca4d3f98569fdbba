// Moves the pointer of the X server over a widget, for tests.
#pragma once

#include <QEvent>
#include <QTest>
#include <QWidget>

namespace fluxscope {

// By way of a corner, and only on from there when the widget has heard of it: on a busy machine the server merges two moves
// into one, and Qt drops a move that ends where the pointer already was, from an earlier test.
inline void hoverOver(QWidget& widget, QPoint at) {
    struct MoveSeen : QObject {
        bool eventFilter(QObject*, QEvent* event) override {
            seen = seen || event->type() == QEvent::MouseMove;
            return false;
        }
        bool seen = false;
    };
    for (const QPoint corner : {QPoint(1, 1), QPoint(3, 3)}) {  // one of them is where the pointer was not
        MoveSeen filter;
        widget.installEventFilter(&filter);
        QTest::mouseMove(&widget, corner);
        static_cast<void>(QTest::qWaitFor([&] { return filter.seen; }, 1000));
        widget.removeEventFilter(&filter);
        if (filter.seen) break;
    }
    QTest::mouseMove(&widget, at);
}

}  // namespace fluxscope
