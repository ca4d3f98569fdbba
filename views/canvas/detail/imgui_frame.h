// One canvas's ImGui: a context with an atlas of its own, because a back-end writes its texture id into the atlas.
// ImGui only draws here; it never hears of mouse or keyboard. Its current context is one plain global, so everything
// that touches it goes through use() and stays on the GUI thread.
#pragma once

#include "profiler/figure/display_list.h"
#include "views/canvas/detail/emitter.h"
#include "views/canvas/detail/glyph_atlas.h"
#include "views/canvas/detail/imgui_version.h"

#include <memory>
#include <vector>

namespace fluxscope {

struct PixelSize {
    int width = 0;
    int height = 0;
    friend bool operator==(const PixelSize&, const PixelSize&) = default;
};

class ImGuiFrame {
public:
    ImGuiFrame();
    ~ImGuiFrame();
    ImGuiFrame(const ImGuiFrame&) = delete;
    ImGuiFrame& operator=(const ImGuiFrame&) = delete;

    // Makes this context the current one.
    void use();
    ImFontAtlas& atlas();

    // True: the atlas's texture must be made again before draw().
    bool prepare(const std::vector<const DisplayList*>& lists, double scale);

    // The lists over each other, the first at the bottom. Valid until the next call.
    const ImDrawData& draw(const std::vector<const DisplayList*>& lists, PixelSize size, double scale,
                           const TextureOf& textureOf);

private:
    struct Destroy {
        void operator()(ImGuiContext* context) const;
    };
    std::unique_ptr<ImGuiContext, Destroy> context_;
    GlyphAtlas glyphs_;
};

}  // namespace fluxscope
