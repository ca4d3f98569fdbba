#include "views/canvas/detail/gl_surface.h"

#include "views/canvas/detail/gl_format.h"

#include <backends/imgui_impl_opengl3.h>

#include <QOpenGLContext>
#include <QOpenGLFunctions>

namespace fluxscope {

GlSurface::GlSurface(FrameSource& source, QWidget* parent) : QOpenGLWidget(parent), source_(source) {
    setFormat(glFormat());
}

GlSurface::~GlSurface() {
    if (!started_) return;
    makeCurrent();
    releaseGl();
    doneCurrent();
}

// Runs again when a dock floats and contexts are not shared: the old one's objects went with it.
void GlSurface::initializeGL() {
    connect(context(), &QOpenGLContext::aboutToBeDestroyed, this, [this] {
        makeCurrent();
        releaseGl();
        doneCurrent();
    });
    frame_.use();
    started_ = ImGui_ImplOpenGL3_Init("#version 330 core");
    if (!started_) source_.failed("ImGui's OpenGL back-end did not start");
}

void GlSurface::paintGL() {
    if (!started_) return;
    QOpenGLFunctions& gl = *context()->functions();
    const double scale = devicePixelRatioF();
    const QSize pixels = (QSizeF(size()) * scale).toSize();
    const Color background = source_.background();
    gl.glClearColor(background.r / 255.0F, background.g / 255.0F, background.b / 255.0F, 1);
    gl.glClear(GL_COLOR_BUFFER_BIT);

    const std::vector<const DisplayList*> lists = source_.lists();
    const bool rebuilt = frame_.prepare(lists, scale);
    frame_.use();
    if (rebuilt && hasGlyphs_) {
        ImGui_ImplOpenGL3_DestroyFontsTexture();
        ImGui_ImplOpenGL3_CreateFontsTexture();
    }
    ImGui_ImplOpenGL3_NewFrame();  // makes everything it lacks, the font texture too
    hasGlyphs_ = true;

    const TextureOf texture = [this](const Image& image) { return textureOf(image); };
    // The back-end takes a mutable pointer and changes nothing.
    ImGui_ImplOpenGL3_RenderDrawData(
        const_cast<ImDrawData*>(&frame_.draw(lists, {pixels.width(), pixels.height()}, scale, texture)));
    dropUnusedTextures();
    source_.painted();
}

ImTextureID GlSurface::textureOf(const Image& image) {
    Texture& texture = textures_[image.pixels.get()];
    texture.used = true;
    if (texture.name == 0) {
        QOpenGLFunctions& gl = *context()->functions();
        texture.pixels = image.pixels;
        gl.glGenTextures(1, &texture.name);
        gl.glBindTexture(GL_TEXTURE_2D, texture.name);
        gl.glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
        gl.glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
        gl.glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_S, GL_CLAMP_TO_EDGE);
        gl.glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_T, GL_CLAMP_TO_EDGE);
        gl.glPixelStorei(GL_UNPACK_ALIGNMENT, 1);
        gl.glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA, image.columns, image.rows, 0, GL_RGBA, GL_UNSIGNED_BYTE,
                        image.pixels->data());
    }
    // ImGui's opengl3 back-end takes the texture's name for its id.
    const std::uintptr_t id = texture.name;
    return reinterpret_cast<ImTextureID>(id);  // NOLINT(performance-no-int-to-ptr)
}

void GlSurface::dropUnusedTextures() {
    for (auto it = textures_.begin(); it != textures_.end();) {
        if (!it->second.used) {
            context()->functions()->glDeleteTextures(1, &it->second.name);
            it = textures_.erase(it);
        } else {
            it->second.used = false;
            ++it;
        }
    }
}

void GlSurface::releaseGl() {
    if (!started_) return;
    frame_.use();
    for (auto& [key, texture] : textures_) context()->functions()->glDeleteTextures(1, &texture.name);
    textures_.clear();
    ImGui_ImplOpenGL3_Shutdown();
    started_ = false;
    hasGlyphs_ = false;
}

}  // namespace fluxscope
