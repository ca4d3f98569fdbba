// Which back-end a canvas gets. A QOpenGLWidget must never be shown where GL does not work: Qt 6.4 then ends the
// program with a segmentation fault (facts: offscreen, vnc, xcb without GL), so this asks before one is made.
#pragma once

#include <cstdint>
#include <string>

namespace fluxscope {

enum class CanvasKind : std::uint8_t { OpenGl, Raster };

struct GlProbe {
    bool usable = false;  // a QOpenGLWidget can be shown
    bool software =
        false;  // it would be slower than our own rasteriser, by 4 to 5 times where it was measured
    std::string renderer;  // GL_RENDERER, empty if there was no context
    std::string version;
    std::string reason;  // why not, one sentence; empty when usable
};

// Needs a QGuiApplication; costs about 50 ms on a software renderer, so the answer is kept.
const GlProbe& probeOpenGl();

// FLUXSCOPE_CANVAS=gl|raster decides; else OpenGL on hardware that passed the probe. `gl` without working GL is raster.
CanvasKind preferredCanvasKind();
// The rule itself; `wish` is the value of the variable.
CanvasKind chooseCanvasKind(const GlProbe& probe, const std::string& wish);

}  // namespace fluxscope
