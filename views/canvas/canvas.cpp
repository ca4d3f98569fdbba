#include "views/canvas/canvas.h"

#include "views/canvas/detail/gl_surface.h"
#include "views/canvas/detail/raster_surface.h"
#include "views/canvas/detail/surface.h"
#include "views/canvas/qt_input.h"

#include <spdlog/spdlog.h>

#include <QEvent>
#include <QResizeEvent>

namespace fluxscope {

class Canvas::Source final : public FrameSource {
public:
    explicit Source(Canvas& canvas) : canvas_(canvas) {}

    std::vector<const DisplayList*> lists() const override {
        std::vector<const DisplayList*> lists;
        if (canvas_.figure_) lists.push_back(canvas_.figure_.get());
        if (canvas_.overlay_) lists.push_back(canvas_.overlay_.get());
        return lists;
    }
    Color background() const override {
        return canvas_.figure_ ? canvas_.figure_->background : canvas_.background_;
    }
    void painted() override { ++canvas_.framesPainted_; }

    void failed(const std::string& reason) override {
        spdlog::warn("a canvas lost OpenGL and is drawn on the CPU from now on: {}", reason);
        canvas_.kind_ = CanvasKind::Raster;
        // Not now: the surface is in the middle of its own event.
        QMetaObject::invokeMethod(
            &canvas_, [canvas = &canvas_] { canvas->makeSurface(); }, Qt::QueuedConnection);
    }

private:
    Canvas& canvas_;
};

Canvas::Canvas(CanvasKind kind, QWidget* parent)
    : QWidget(parent), kind_(kind), source_(std::make_unique<Source>(*this)) {
    setMouseTracking(true);
    setFocusPolicy(Qt::StrongFocus);
    setMinimumSize(120, 80);
    makeSurface();
}

Canvas::~Canvas() { delete surface_; }  // while source_, which it paints from, still lives

void Canvas::makeSurface() {
    delete surface_;
    if (kind_ == CanvasKind::OpenGl)
        surface_ = new GlSurface(*source_, this);
    else
        surface_ = new RasterSurface(*source_, this);
    surface_->setAttribute(Qt::WA_TransparentForMouseEvents);  // the canvas itself listens
    surface_->setFocusPolicy(Qt::NoFocus);
    surface_->setGeometry(rect());
    surface_->show();
}

Size Canvas::figureSize() const { return {static_cast<double>(width()), static_cast<double>(height())}; }

void Canvas::setBackground(Color color) {
    if (background_ == color) return;
    background_ = color;
    requestFrame();
}

void Canvas::setFigure(DisplayListPtr figure) {
    figure_ = std::move(figure);
    requestFrame();
}

void Canvas::setOverlay(DisplayListPtr overlay) {
    if (!overlay && !overlay_) return;
    overlay_ = std::move(overlay);
    requestFrame();
}

void Canvas::requestFrame() { surface_->update(); }

bool Canvas::event(QEvent* event) {
    if (event->type() == QEvent::ShortcutOverride && isCanvasKey(*event)) {
        event->accept();  // else a shortcut of the window would take the W from someone who is zooming
        return true;
    }
    if (const auto input = toCanvasInput(*event)) {
        emit received(*input);
        switch (event->type()) {
            case QEvent::FocusOut:
            case QEvent::Enter:
            case QEvent::Leave: return QWidget::event(event);
            default: break;
        }
        event->accept();
        if (event->type() == QEvent::MouseButtonPress) setFocus(Qt::MouseFocusReason);
        return true;
    }
    return QWidget::event(event);
}

void Canvas::resizeEvent(QResizeEvent* event) {
    surface_->setGeometry(rect());
    emit resized({static_cast<double>(event->size().width()), static_cast<double>(event->size().height())});
}

}  // namespace fluxscope
