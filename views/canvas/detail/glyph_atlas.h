// JetBrains Mono in ImGui's font atlas: just the sizes and characters that the figures on a canvas use. A figure that
// needs another one has the atlas built again, which happens a few times in a canvas's life.
//
// Glyphs are baked at four horizontal positions per pixel and set on quarters of a pixel, at whole baselines: a sampled
// texel is then one texel exactly, so text is as sharp as it gets without hinting and both back-ends agree on it.
#pragma once

#include "profiler/figure/display_list.h"
#include "views/canvas/detail/imgui_version.h"

#include <map>
#include <set>
#include <vector>

namespace fluxscope {

class GlyphAtlas {
public:
    static constexpr int kPositionsPerPixel = 4;

    // True when the atlas was built anew: its texture must be made again before anything is drawn with it.
    // Call outside ImGui::NewFrame .. Render only.
    bool prepare(ImFontAtlas& atlas, const std::vector<const DisplayList*>& lists, double scale);

    // `deviceSize` in device pixels to the em; it was in a list given to prepare().
    const ImFont& font(double deviceSize) const;

private:
    void build(ImFontAtlas& atlas);

    std::set<ImWchar> characters_;
    std::map<int, ImFont*> fonts_;  // by quarter pixels to the em
    std::vector<ImWchar> ranges_;   // ImGui reads these until the atlas is built
};

}  // namespace fluxscope
