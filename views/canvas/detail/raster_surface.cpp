#include "views/canvas/detail/raster_surface.h"

#include <QPainter>

namespace fluxscope {

void RasterPainter::paint(const std::vector<const DisplayList*>& lists, Color background, double scale,
                          QImage& target) {
    if (frame_.prepare(lists, scale)) {
        unsigned char* coverage = nullptr;
        ImFontAtlas& atlas = frame_.atlas();
        atlas.GetTexDataAsAlpha8(&coverage, &glyphs_.width, &glyphs_.height);
        glyphs_.texels = coverage;
        glyphs_.channels = 1;
        atlas.SetTexID(&glyphs_);
    }
    images_.clear();
    const TextureOf textureOf = [this](const Image& image) -> ImTextureID {
        return &images_.emplace_back(RasterTexture{image.pixels->data(), image.columns, image.rows, 4});
    };
    target.fill(qRgb(background.r, background.g, background.b));
    rasterise(frame_.draw(lists, {target.width(), target.height()}, scale, textureOf), target);
}

RasterSurface::RasterSurface(FrameSource& source, QWidget* parent) : QWidget(parent), source_(source) {
    setAttribute(Qt::WA_OpaquePaintEvent);
}

void RasterSurface::paintEvent(QPaintEvent*) {
    // The scale may change between two frames when a window moves to another screen; Qt tells only from 6.6 on.
    const double scale = devicePixelRatioF();
    const QSize pixels = (QSizeF(size()) * scale).toSize();
    if (pixels.isEmpty()) return;
    if (image_.size() != pixels) image_ = QImage(pixels, QImage::Format_RGB32);
    painter_.paint(source_.lists(), source_.background(), scale, image_);

    QPainter painter(this);
    painter.scale(1 / scale, 1 / scale);  // pixel for pixel, also at 1.5
    painter.drawImage(0, 0, image_);
    source_.painted();
}

}  // namespace fluxscope
