#include "views/canvas/detail/emitter.h"

#include "views/detail/figure_text.h"
#include "views/detail/pixel_grid.h"

#include <cmath>

namespace fluxscope {
namespace {

ImU32 toImGui(Color c) { return IM_COL32(c.r, c.g, c.b, c.a); }
ImVec2 vec(double x, double y) { return {static_cast<float>(x), static_cast<float>(y)}; }

class Emitter {
public:
    Emitter(ImDrawList& to, const GlyphAtlas& glyphs, double scale, const TextureOf& textureOf)
        : to_(to), glyphs_(glyphs), scale_(scale), textureOf_(textureOf) {}

    ~Emitter() { endClip(); }
    Emitter(const Emitter&) = delete;
    Emitter& operator=(const Emitter&) = delete;

    void operator()(const FilledRect& filled) { fill(onPixels(filled.rect, scale_), filled.color); }

    void operator()(const Outline& outline) {
        for (const PixelRect& side : outlineSides(outline, scale_)) fill(side, outline.color);
    }

    void operator()(const Polyline& line) {
        if (line.points.size() < 2) return;
        if (isStraight(line)) return fill(straightPixels(line, scale_), line.color);
        points_.clear();
        for (const Point& p : line.points) points_.push_back(vec(p.x * scale_, p.y * scale_));
        to_.AddPolyline(points_.data(), static_cast<int>(points_.size()), toImGui(line.color),
                        ImDrawFlags_None, static_cast<float>(std::max(1.0, line.width * scale_)));
    }

    void operator()(const Image& image) {
        const PixelRect at = onPixels(image.rect, scale_);
        if (at.empty() || !image.pixels || image.columns <= 0 || image.rows <= 0) return;
        to_.AddImage(textureOf_(image), vec(at.left, at.top), vec(at.right, at.bottom));
    }

    void operator()(const Text& text) {
        const std::vector<char32_t> characters = codePointsOf(text.utf8);
        const ImFont& font = glyphs_.font(text.size * scale_);
        const double step = Text::kAdvance * text.size * scale_;
        const double left = leftOf(text, characters.size()) * scale_;
        // ImGui's glyphs hang from the top of their line, whose baseline is at the rounded ascent.
        const double top = std::floor(baselineOf(text) * scale_ + 0.5) - std::round(font.Ascent);
        const ImU32 color = toImGui(text.color);
        for (std::size_t i = 0; i < characters.size(); ++i) {
            const char32_t c = characters[i] <= 0xFFFD ? characters[i] : 0xFFFD;
            const ImFontGlyph* glyph = font.FindGlyph(static_cast<ImWchar>(c));
            if (!glyph || !glyph->Visible) continue;
            constexpr double kGrid = GlyphAtlas::kPositionsPerPixel;
            const double x = std::floor((left + static_cast<double>(i) * step) * kGrid + 0.5) / kGrid;
            to_.PrimReserve(6, 4);
            to_.PrimRectUV(vec(x + glyph->X0, top + glyph->Y0), vec(x + glyph->X1, top + glyph->Y1),
                           {glyph->U0, glyph->V0}, {glyph->U1, glyph->V1}, color);
        }
    }

    void operator()(const Clip& clip) {
        endClip();
        if (!clip.rect) return;
        const PixelRect at = onPixels(*clip.rect, scale_);
        to_.PushClipRect(vec(at.left, at.top), vec(at.right, at.bottom), true);
        clipped_ = true;
    }

private:
    void fill(const PixelRect& at, Color color) {
        if (at.empty()) return;
        to_.PrimReserve(6, 4);
        to_.PrimRect(vec(at.left, at.top), vec(at.right, at.bottom), toImGui(color));
    }

    void endClip() {
        if (clipped_) to_.PopClipRect();
        clipped_ = false;
    }

    ImDrawList& to_;
    const GlyphAtlas& glyphs_;
    double scale_;
    const TextureOf& textureOf_;
    std::vector<ImVec2> points_;
    bool clipped_ = false;
};

}  // namespace

void emitList(const DisplayList& list, ImDrawList& to, const GlyphAtlas& glyphs, double scale,
              const TextureOf& textureOf) {
    Emitter emitter(to, glyphs, scale, textureOf);
    for (const DisplayItem& item : list.items) std::visit(emitter, item);
}

}  // namespace fluxscope
