#include "views/painter/painter.h"

#include "views/detail/figure_text.h"
#include "views/detail/pixel_grid.h"
#include "views/fonts.h"

#include <QGlyphRun>
#include <QPainter>
#include <QPainterPath>
#include <QRawFont>
#include <cmath>

namespace fluxscope {
namespace {

QColor toQt(Color c) { return {c.r, c.g, c.b, c.a}; }
QRectF toQt(const Rect& r) { return {r.x, r.y, r.width, r.height}; }

class ListPainter {
public:
    ListPainter(QPainter& to, PixelGrid grid)
        : to_(to), grid_(grid), scale_(to.device()->devicePixelRatioF()) {}

    void operator()(const FilledRect& filled) {
        if (grid_ == PixelGrid::Snap)
            fill(onPixels(filled.rect, scale_), filled.color);
        else
            to_.fillRect(toQt(filled.rect), toQt(filled.color));
    }

    void operator()(const Outline& outline) {
        if (grid_ == PixelGrid::Snap) {
            for (const PixelRect& side : outlineSides(outline, scale_)) fill(side, outline.color);
            return;
        }
        const double half = outline.width / 2;
        to_.setPen(penOf(outline.color, outline.width));
        to_.setBrush(Qt::NoBrush);
        to_.drawRect(toQt(outline.rect).adjusted(half, half, -half, -half));
    }

    void operator()(const Polyline& line) {
        if (line.points.size() < 2) return;
        if (grid_ == PixelGrid::Snap && isStraight(line))
            return fill(straightPixels(line, scale_), line.color);
        QPolygonF points;
        for (const Point& p : line.points) points << QPointF(p.x, p.y);
        to_.setRenderHint(QPainter::Antialiasing, true);
        to_.setPen(penOf(line.color, line.width));
        to_.setBrush(Qt::NoBrush);
        to_.drawPolyline(points);
        to_.setRenderHint(QPainter::Antialiasing, false);
    }

    void operator()(const Image& image) {
        if (!image.pixels || image.columns <= 0 || image.rows <= 0) return;
        const QImage texels(image.pixels->data(), image.columns, image.rows, image.columns * 4,
                            QImage::Format_RGBA8888);
        if (grid_ == PixelGrid::Free) {
            to_.setRenderHint(QPainter::SmoothPixmapTransform, false);
            to_.drawImage(toQt(image.rect), texels);
            return;
        }
        const PixelRect at = onPixels(image.rect, scale_);
        if (!at.empty()) to_.drawImage(logical(at), sampled(texels, at.right - at.left, at.bottom - at.top));
    }

    // Glyph by glyph: a shaper would join "->" to an arrow, which PDF readers then cannot search or copy.
    void operator()(const Text& text) {
        const QRawFont& font = fontOf(text.size);
        const std::vector<char32_t> characters = codePointsOf(text.utf8);
        const double left = leftOf(text, characters.size());
        double baseline = baselineOf(text);
        if (grid_ == PixelGrid::Snap) baseline = std::floor(baseline * scale_ + 0.5) / scale_;
        QList<quint32> glyphs;
        QList<QPointF> positions;
        for (std::size_t i = 0; i < characters.size(); ++i) {
            if (characters[i] == U' ') continue;
            glyphs << glyphOf(font, characters[i]);
            positions << QPointF(left + static_cast<double>(i) * Text::kAdvance * text.size, baseline);
        }
        if (glyphs.isEmpty()) return;
        QGlyphRun run;
        run.setRawFont(font);
        run.setGlyphIndexes(glyphs);
        run.setPositions(positions);
        to_.setPen(toQt(text.color));
        to_.drawGlyphRun({}, run);
    }

    void operator()(const Clip& clip) {
        if (!clip.rect)
            to_.setClipping(false);
        else
            to_.setClipRect(grid_ == PixelGrid::Snap ? logical(onPixels(*clip.rect, scale_))
                                                     : toQt(*clip.rect));
    }

private:
    // The texel under the middle of each pixel, as the canvases do it; QPainter's own scaling is off by one here and there.
    static QImage sampled(const QImage& texels, int width, int height) {
        QImage pixels(width, height, QImage::Format_RGBA8888);
        for (int y = 0; y < height; ++y) {
            const auto* from = reinterpret_cast<const QRgb*>(
                texels.constScanLine((2 * y + 1) * texels.height() / (2 * height)));
            auto* to = reinterpret_cast<QRgb*>(pixels.scanLine(y));
            for (int x = 0; x < width; ++x) to[x] = from[(2 * x + 1) * texels.width() / (2 * width)];
        }
        return pixels;
    }

    static QPen penOf(Color color, double width) {
        return {toQt(color), width, Qt::SolidLine, Qt::FlatCap, Qt::MiterJoin};
    }

    static quint32 glyphOf(const QRawFont& font, char32_t c) {
        const QList<quint32> found = font.glyphIndexesForString(QString::fromUcs4(&c, 1));
        if (!found.isEmpty() && found.front() != 0) return found.front();
        const QList<quint32> replacement =
            font.glyphIndexesForString(QString(QChar(QChar::ReplacementCharacter)));
        return replacement.isEmpty() ? 0 : replacement.front();
    }

    const QRawFont& fontOf(double size) {
        if (font_.isValid() && font_.pixelSize() == size) return font_;
        font_ = QRawFont(figureFont(), size, QFont::PreferNoHinting);
        return font_;
    }

    QRectF logical(const PixelRect& at) const {
        return {at.left / scale_, at.top / scale_, (at.right - at.left) / scale_,
                (at.bottom - at.top) / scale_};
    }

    void fill(const PixelRect& at, Color color) {
        if (!at.empty()) to_.fillRect(logical(at), toQt(color));
    }

    QPainter& to_;
    PixelGrid grid_;
    double scale_;
    QRawFont font_;
};

}  // namespace

void paint(const DisplayList& list, QPainter& painter, PixelGrid grid) {
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing, false);
    painter.fillRect(QRectF(0, 0, list.size.width, list.size.height), toQt(list.background));
    ListPainter each(painter, grid);
    for (const DisplayItem& item : list.items) std::visit(each, item);
    painter.restore();
}

QImage toImage(const DisplayList& list, double scale) {
    QImage image((QSizeF(list.size.width, list.size.height) * scale).toSize(), QImage::Format_RGB32);
    image.setDevicePixelRatio(scale);
    image.fill(toQt(list.background));
    QPainter painter(&image);
    paint(list, painter, PixelGrid::Snap);
    return image;
}

}  // namespace fluxscope
