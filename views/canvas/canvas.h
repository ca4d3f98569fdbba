// A figure on the screen, plus input. The figure is made elsewhere, in a job; what must follow the pointer at once, such
// as the frame around the hovered cell, is a second list painted over it.
//
// Two back-ends, chosen by a probe (gl_probe.h): OpenGL for hardware, our own rasteriser for everything else. Both paint
// the same ImGui draw list, so a canvas looks the same with either. A frame is painted when somebody asked for it or
// the window must be, never otherwise: an idle window paints nothing.
#pragma once

#include "profiler/figure/display_list.h"
#include "views/canvas/canvas_input.h"
#include "views/canvas/gl_probe.h"

#include <QWidget>
#include <cstdint>
#include <memory>

namespace fluxscope {

using DisplayListPtr = std::shared_ptr<const DisplayList>;

class Canvas : public QWidget {
    Q_OBJECT

public:
    explicit Canvas(QWidget* parent = nullptr) : Canvas(preferredCanvasKind(), parent) {}
    Canvas(CanvasKind kind, QWidget* parent);
    ~Canvas() override;

    CanvasKind kind() const { return kind_; }
    Size figureSize() const;

    // Until the first figure arrives the canvas shows its background colour, and nothing else.
    void setBackground(Color color);
    void setFigure(DisplayListPtr figure);
    void setOverlay(DisplayListPtr overlay);
    const DisplayListPtr& figure() const { return figure_; }

    void requestFrame();
    std::int64_t framesPainted() const { return framesPainted_; }

signals:
    void received(const fluxscope::CanvasInput& input);
    void resized(fluxscope::Size size);

protected:
    bool event(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    QSize sizeHint() const override { return {640, 400}; }

private:
    class Source;  // what a back-end sees of its canvas
    void makeSurface();

    CanvasKind kind_;
    Color background_;
    DisplayListPtr figure_;
    DisplayListPtr overlay_;
    std::unique_ptr<Source> source_;
    QWidget* surface_ = nullptr;
    std::int64_t framesPainted_ = 0;
};

}  // namespace fluxscope
