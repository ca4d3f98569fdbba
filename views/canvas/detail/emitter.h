// A display list as an ImGui draw list. Everything is in device pixels: rectangles and straight lines sit on the pixel
// grid at any scale, text on whole baselines.
#pragma once

#include "profiler/figure/display_list.h"
#include "views/canvas/detail/glyph_atlas.h"
#include "views/canvas/detail/imgui_version.h"

#include <functional>

namespace fluxscope {

// Back-ends keep textures their own way; an image is asked for each time it is drawn.
using TextureOf = std::function<ImTextureID(const Image&)>;

void emitList(const DisplayList& list, ImDrawList& to, const GlyphAtlas& glyphs, double scale,
              const TextureOf& textureOf);

}  // namespace fluxscope
