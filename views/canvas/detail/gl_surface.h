// The OpenGL back-end: ImGui's draw data by its opengl3 back-end. Make one only where probeOpenGl() says so.
#pragma once

#include "views/canvas/detail/imgui_frame.h"
#include "views/canvas/detail/surface.h"

#include <QOpenGLWidget>
#include <map>
#include <memory>

namespace fluxscope {

class GlSurface final : public QOpenGLWidget {
public:
    GlSurface(FrameSource& source, QWidget* parent);
    ~GlSurface() override;

protected:
    void initializeGL() override;
    void paintGL() override;

private:
    struct Texture {
        std::shared_ptr<const std::vector<std::uint8_t>> pixels;  // kept, so that the key is nobody else's
        unsigned name = 0;
        bool used = false;
    };

    ImTextureID textureOf(const Image& image);
    void dropUnusedTextures();
    void releaseGl();

    FrameSource& source_;
    ImGuiFrame frame_;
    std::map<const void*, Texture> textures_;
    bool started_ = false;    // ImGui's back-end holds objects of the current context
    bool hasGlyphs_ = false;  // its font texture exists
};

}  // namespace fluxscope
