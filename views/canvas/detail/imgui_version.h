// The one place that knows which Dear ImGui this is: the distribution's, 1.86 on Debian 12 and 1.90 on Debian 13.
// Its layout macros (ImDrawIdx, IMGUI_*) belong to the prebuilt library and are never redefined.
#pragma once

#include <imgui.h>

// What we use, draw lists, draw data and the static font atlas, is the same from 1.86 on. 1.92 replaced the atlas.
#if IMGUI_VERSION_NUM < 18600 || IMGUI_VERSION_NUM >= 19200
#error \
    "FluxScope draws with Dear ImGui 1.86 to 1.91; views/canvas/detail/glyph_atlas.cpp is what a newer one changes"
#endif
