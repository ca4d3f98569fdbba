// ImGui's draw data on the CPU. On machines whose OpenGL is llvmpipe this takes a quarter of the time, and it works
// where there is no OpenGL at all.
#pragma once

#include "views/canvas/detail/imgui_version.h"

#include <QImage>
#include <cstdint>

namespace fluxscope {

// What an ImTextureID points to here. Sampled without smoothing.
struct RasterTexture {
    const std::uint8_t* texels = nullptr;
    int width = 0;
    int height = 0;
    int channels = 4;  // RGBA, or 1: coverage
};

// `target` is opaque (Format_RGB32), already filled with the background, and as large as the draw data's display.
void rasterise(const ImDrawData& data, QImage& target);

}  // namespace fluxscope
