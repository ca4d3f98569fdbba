// A canvas whose inputs have become intents.
#pragma once

#include "views/canvas/canvas.h"
#include "views/canvas/canvas_controller.h"

namespace fluxscope {

class GestureCanvas : public Canvas {
    Q_OBJECT

public:
    GestureCanvas(LeftDrag leftDrag, QWidget* parent);

signals:
    void intended(const fluxscope::CanvasIntent& intent);

private:
    CanvasController controller_;
};

}  // namespace fluxscope
