#include "views/canvas/gl_probe.h"

#include "views/canvas/detail/gl_format.h"

#include <spdlog/spdlog.h>

#include <QGuiApplication>
#include <QLibrary>
#include <QOffscreenSurface>
#include <QOpenGLContext>
#include <QOpenGLFunctions>
#include <QString>
#include <algorithm>
#include <array>

namespace fluxscope {
namespace {

constexpr int kLeastVersion = 33;

std::string textOf(QOpenGLContext& context, GLenum name) {
    const GLubyte* text = context.functions()->glGetString(name);
    return text ? reinterpret_cast<const char*>(text) : "";
}

GlProbe unusable(std::string reason) {
    GlProbe probe;
    probe.reason = std::move(reason);
    return probe;
}

bool isSoftware(const std::string& renderer) {
    const QString name = QString::fromStdString(renderer);
    constexpr std::array kRasterisers{"llvmpipe", "softpipe", "swrast", "software rasterizer"};
    return std::any_of(kRasterisers.begin(), kRasterisers.end(), [&](const char* rasteriser) {
        return name.contains(QLatin1String(rasteriser), Qt::CaseInsensitive);
    });
}

GlProbe probe() {
    // On "offscreen" with a DISPLAY a context is created all the same, and showing a widget with it still crashes.
    const QString platform = QGuiApplication::platformName();
    if (platform != QLatin1String("xcb") && !platform.startsWith(QLatin1String("wayland")))
        return unusable("Qt's platform '" + platform.toStdString() + "' has no OpenGL windows");

    // ImGui's loader opens this library itself and aborts drawing when it is missing.
    QLibrary library(QStringLiteral("GL"), 1);
    if (!library.load()) return unusable("libGL.so.1 cannot be loaded");

    QOpenGLContext context;
    context.setFormat(glFormat());
    if (!context.create()) return unusable("no OpenGL context could be created");
    QOffscreenSurface surface;
    surface.setFormat(context.format());
    surface.create();
    if (!context.makeCurrent(&surface)) return unusable("the OpenGL context could not be made current");

    GlProbe found;
    found.renderer = textOf(context, GL_RENDERER);
    found.version = textOf(context, GL_VERSION);
    found.software = isSoftware(found.renderer);
    const auto [major, minor] = context.format().version();
    context.doneCurrent();
    if (major * 10 + minor < kLeastVersion) {
        found.reason = "OpenGL " + std::to_string(major) + "." + std::to_string(minor) + " is older than 3.3";
        return found;
    }
    found.usable = true;
    return found;
}

}  // namespace

const GlProbe& probeOpenGl() {
    static const GlProbe found = probe();
    return found;
}

CanvasKind chooseCanvasKind(const GlProbe& probe, const std::string& wish) {
    if (wish == "raster" || !probe.usable) return CanvasKind::Raster;
    if (wish == "gl") return CanvasKind::OpenGl;
    return probe.software ? CanvasKind::Raster : CanvasKind::OpenGl;
}

CanvasKind preferredCanvasKind() {
    const std::string wish = qEnvironmentVariable("FLUXSCOPE_CANVAS").toStdString();
    if (wish == "raster") return CanvasKind::Raster;  // no need to touch GL at all
    const GlProbe& found = probeOpenGl();
    if (wish == "gl" && !found.usable)
        spdlog::warn("FLUXSCOPE_CANVAS=gl, but {}: canvases are drawn on the CPU", found.reason);
    else if (!wish.empty() && wish != "gl")
        spdlog::warn("FLUXSCOPE_CANVAS is gl or raster, not '{}'", wish);
    return chooseCanvasKind(found, wish);
}

}  // namespace fluxscope
