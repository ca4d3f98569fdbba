// The smallest PNG that browsers and PDF writers read: RGBA8, no filter, one IDAT by zlib.
#pragma once

#include "profiler/figure/display_list.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fluxscope {

// Empty when the image has no pixels, or fewer than columns x rows say.
std::string pngOf(const Image& image);

std::string base64(const std::string& bytes);

}  // namespace fluxscope
