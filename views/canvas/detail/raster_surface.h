// The CPU back-end: ImGui's draw data into an image, the image into the window.
#pragma once

#include "views/canvas/detail/imgui_frame.h"
#include "views/canvas/detail/raster.h"
#include "views/canvas/detail/surface.h"

#include <QImage>
#include <QWidget>
#include <deque>

namespace fluxscope {

// One frame, without a window.
class RasterPainter {
public:
    void paint(const std::vector<const DisplayList*>& lists, Color background, double scale, QImage& target);

private:
    ImGuiFrame frame_;
    RasterTexture glyphs_;
    std::deque<RasterTexture> images_;  // of the frame being painted; draw data points into it
};

class RasterSurface final : public QWidget {
public:
    RasterSurface(FrameSource& source, QWidget* parent);

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    FrameSource& source_;
    RasterPainter painter_;
    QImage image_;
};

}  // namespace fluxscope
