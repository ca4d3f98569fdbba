#include "views/canvas/detail/raster.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fluxscope {
namespace {

struct Bounds {  // of pixels, right and bottom exclusive
    int left = 0;
    int top = 0;
    int right = 0;
    int bottom = 0;
};

struct Rgba {
    int r = 0;
    int g = 0;
    int b = 0;
    int a = 0;
};

Rgba unpack(ImU32 c) {
    return {
        static_cast<int>((c >> IM_COL32_R_SHIFT) & 0xFF), static_cast<int>((c >> IM_COL32_G_SHIFT) & 0xFF),
        static_cast<int>((c >> IM_COL32_B_SHIFT) & 0xFF), static_cast<int>((c >> IM_COL32_A_SHIFT) & 0xFF)};
}

int scaled(int value, int by) { return (value * by + 127) / 255; }

QRgb over(QRgb below, const Rgba& c) {
    if (c.a == 255) return qRgb(c.r, c.g, c.b);
    const int rest = 255 - c.a;
    return qRgb((c.r * c.a + qRed(below) * rest + 127) / 255, (c.g * c.a + qGreen(below) * rest + 127) / 255,
                (c.b * c.a + qBlue(below) * rest + 127) / 255);
}

// A pixel belongs to a shape when its middle does, as in OpenGL.
int firstPixel(float edge) { return static_cast<int>(std::ceil(edge - 0.5F)); }

class Raster {
public:
    explicit Raster(QImage& target)
        : bits_(reinterpret_cast<QRgb*>(target.bits())),
          stride_(target.bytesPerLine() / static_cast<qsizetype>(sizeof(QRgb))),
          width_(target.width()),
          height_(target.height()) {}

    void clipTo(const ImVec4& clip) {
        clip_ = {std::max(0, static_cast<int>(clip.x)), std::max(0, static_cast<int>(clip.y)),
                 std::min(width_, static_cast<int>(clip.z)), std::min(height_, static_cast<int>(clip.w))};
    }

    void quad(const ImDrawVert& from, const ImDrawVert& to, const RasterTexture* texture) {
        const Bounds at{
            std::max(clip_.left, firstPixel(from.pos.x)), std::max(clip_.top, firstPixel(from.pos.y)),
            std::min(clip_.right, firstPixel(to.pos.x)), std::min(clip_.bottom, firstPixel(to.pos.y))};
        if (at.left >= at.right || at.top >= at.bottom) return;
        const Rgba color = unpack(from.col);
        if (!texture || (from.uv.x == to.uv.x && from.uv.y == to.uv.y)) return flat(at, color);
        textured(at, from, to, color, *texture);
    }

    // Untextured: ImGui makes others only as quads.
    void triangle(const std::array<const ImDrawVert*, 3>& v) {
        const double area = cross(*v[0], *v[1], v[2]->pos.x, v[2]->pos.y);
        if (area == 0) return;
        const std::array<const ImDrawVert*, 3> c = area > 0 ? v : std::array{v[0], v[2], v[1]};
        const auto [x0, x1] = std::minmax({c[0]->pos.x, c[1]->pos.x, c[2]->pos.x});
        const auto [y0, y1] = std::minmax({c[0]->pos.y, c[1]->pos.y, c[2]->pos.y});
        const Bounds at{std::max(clip_.left, firstPixel(x0)), std::max(clip_.top, firstPixel(y0)),
                        std::min(clip_.right, firstPixel(x1) + 1),
                        std::min(clip_.bottom, firstPixel(y1) + 1)};
        const std::array<Rgba, 3> colors{unpack(c[0]->col), unpack(c[1]->col), unpack(c[2]->col)};
        for (int y = at.top; y < at.bottom; ++y) {
            for (int x = at.left; x < at.right; ++x) {
                std::array<double, 3> w{};
                bool inside = true;
                for (std::size_t i = 0; i < 3 && inside; ++i) {
                    const ImDrawVert& a = *c[(i + 1) % 3];
                    const ImDrawVert& b = *c[(i + 2) % 3];
                    w[i] = cross(a, b, x + 0.5, y + 0.5);
                    inside = w[i] > 0 || (w[i] == 0 && ownsEdge(a, b));
                }
                if (!inside) continue;
                const auto mix = [&](int Rgba::* part) {
                    const double sum =
                        w[0] * colors[0].*part + w[1] * colors[1].*part + w[2] * colors[2].*part;
                    return static_cast<int>(std::lround(sum / std::abs(area)));
                };
                QRgb& pixel = bits_[y * stride_ + x];
                pixel = over(pixel, {mix(&Rgba::r), mix(&Rgba::g), mix(&Rgba::b), mix(&Rgba::a)});
            }
        }
    }

private:
    void flat(const Bounds& at, const Rgba& color) {
        for (int y = at.top; y < at.bottom; ++y) {
            QRgb* const row = bits_ + y * stride_;
            if (color.a == 255) {
                std::fill(row + at.left, row + at.right, qRgb(color.r, color.g, color.b));
            } else {
                for (int x = at.left; x < at.right; ++x) row[x] = over(row[x], color);
            }
        }
    }

    void textured(const Bounds& at, const ImDrawVert& from, const ImDrawVert& to, const Rgba& color,
                  const RasterTexture& texture) {
        const auto texel = [](int pixel, float p0, float p1, float t0, float t1, int size) {
            const double share = (pixel + 0.5 - p0) / (p1 - p0);
            return std::clamp(static_cast<int>(std::floor((t0 + share * (t1 - t0)) * size)), 0, size - 1);
        };
        for (int y = at.top; y < at.bottom; ++y) {
            QRgb* const row = bits_ + y * stride_;
            const int ty = texel(y, from.pos.y, to.pos.y, from.uv.y, to.uv.y, texture.height);
            for (int x = at.left; x < at.right; ++x) {
                const int tx = texel(x, from.pos.x, to.pos.x, from.uv.x, to.uv.x, texture.width);
                const std::uint8_t* t =
                    texture.texels + (static_cast<std::size_t>(ty) * texture.width + tx) * texture.channels;
                if (texture.channels == 1) {
                    if (*t != 0) row[x] = over(row[x], {color.r, color.g, color.b, scaled(color.a, *t)});
                } else {
                    row[x] = over(row[x], {scaled(color.r, t[0]), scaled(color.g, t[1]),
                                           scaled(color.b, t[2]), scaled(color.a, t[3])});
                }
            }
        }
    }

    static double cross(const ImDrawVert& a, const ImDrawVert& b, double x, double y) {
        return (static_cast<double>(b.pos.x) - a.pos.x) * (y - a.pos.y) -
               (static_cast<double>(b.pos.y) - a.pos.y) * (x - a.pos.x);
    }

    // A pixel on the edge between two triangles is painted once: the one whose top or left edge it is has it.
    static bool ownsEdge(const ImDrawVert& a, const ImDrawVert& b) {
        return (a.pos.y == b.pos.y && b.pos.x > a.pos.x) || b.pos.y < a.pos.y;
    }

    QRgb* bits_;
    qsizetype stride_;
    int width_;
    int height_;
    Bounds clip_;
};

// PrimRect and PrimRectUV: corners a, b, c, d clockwise from the upper left, as a b c, a c d.
bool isQuad(const ImDrawIdx* index, const ImDrawVert* vertex, unsigned left) {
    if (left < 6 || index[3] != index[0] || index[4] != index[2]) return false;
    const ImDrawVert& a = vertex[index[0]];
    const ImDrawVert& b = vertex[index[1]];
    const ImDrawVert& c = vertex[index[2]];
    const ImDrawVert& d = vertex[index[5]];
    return a.pos.y == b.pos.y && b.pos.x == c.pos.x && c.pos.y == d.pos.y && d.pos.x == a.pos.x &&
           a.pos.x <= b.pos.x && a.pos.y <= d.pos.y && a.col == b.col && b.col == c.col && c.col == d.col;
}

}  // namespace

void rasterise(const ImDrawData& data, QImage& target) {
    Raster raster(target);
    for (int n = 0; n < data.CmdListsCount; ++n) {
        const ImDrawList& list = *data.CmdLists[n];
        for (const ImDrawCmd& command : list.CmdBuffer) {
            raster.clipTo(command.ClipRect);
            const auto* texture = static_cast<const RasterTexture*>(command.GetTexID());
            const ImDrawIdx* index = list.IdxBuffer.Data + command.IdxOffset;
            const ImDrawVert* vertex = list.VtxBuffer.Data + command.VtxOffset;
            for (unsigned i = 0; i + 2 < command.ElemCount;) {
                if (isQuad(index + i, vertex, command.ElemCount - i)) {
                    raster.quad(vertex[index[i]], vertex[index[i + 2]], texture);
                    i += 6;
                } else {
                    raster.triangle({&vertex[index[i]], &vertex[index[i + 1]], &vertex[index[i + 2]]});
                    i += 3;
                }
            }
        }
    }
}

}  // namespace fluxscope
