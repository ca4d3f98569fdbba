#pragma once

#include <QSurfaceFormat>

namespace fluxscope {

// 3.3 core; no depth, stencil or samples: nothing needs them, and four samples cost two and a half times the frame.
inline QSurfaceFormat glFormat() {
    QSurfaceFormat format;
    format.setRenderableType(QSurfaceFormat::OpenGL);
    format.setProfile(QSurfaceFormat::CoreProfile);
    format.setVersion(3, 3);
    format.setDepthBufferSize(0);
    format.setStencilBufferSize(0);
    format.setSamples(0);
    return format;
}

}  // namespace fluxscope
