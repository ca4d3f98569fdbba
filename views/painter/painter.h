// A display list by QPainter: PNG, print and PDF of the same picture that canvases and SVG show.
#pragma once

#include "profiler/figure/display_list.h"

#include <QImage>

class QPainter;

namespace fluxscope {

enum class PixelGrid : std::uint8_t {
    Snap,  // rectangles and straight lines on device pixels: for images and screens
    Free,  // where they are: for PDF and print
};

// At the painter's origin, in its units. Leaves the painter as it was.
void paint(const DisplayList& list, QPainter& painter, PixelGrid grid);

// The figure as an image of `scale` pixels per logical pixel.
QImage toImage(const DisplayList& list, double scale = 1);

}  // namespace fluxscope
