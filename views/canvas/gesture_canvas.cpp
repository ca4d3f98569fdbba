#include "views/canvas/gesture_canvas.h"

namespace fluxscope {

GestureCanvas::GestureCanvas(LeftDrag leftDrag, QWidget* parent)
    : Canvas(preferredCanvasKind(), parent), controller_(leftDrag) {
    connect(this, &Canvas::resized, this, [this](Size size) { controller_.setSize(size); });
    connect(this, &Canvas::received, this, [this](const CanvasInput& input) {
        for (const CanvasIntent& intent : controller_.handle(input)) emit intended(intent);
    });
}

}  // namespace fluxscope
