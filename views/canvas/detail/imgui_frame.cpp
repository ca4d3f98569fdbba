#include "views/canvas/detail/imgui_frame.h"

namespace fluxscope {

void ImGuiFrame::Destroy::operator()(ImGuiContext* context) const {
    ImGuiContext* const other = ImGui::GetCurrentContext();
    ImGui::SetCurrentContext(context);
    ImGui::DestroyContext(context);
    if (other != context) ImGui::SetCurrentContext(other);
}

ImGuiFrame::ImGuiFrame() {
    IMGUI_CHECKVERSION();
    context_.reset(ImGui::CreateContext());
    use();
    ImGuiIO& io = ImGui::GetIO();
    io.IniFilename = nullptr;  // writes no files
    io.LogFilename = nullptr;
    // A frame has more vertices than 16-bit indices reach; both back-ends take the offset.
    io.BackendFlags |= ImGuiBackendFlags_RendererHasVtxOffset;
    // Lines as plain triangles with a fading edge, so that the CPU rasteriser sees no special texture.
    ImGui::GetStyle().AntiAliasedLinesUseTex = false;
}

ImGuiFrame::~ImGuiFrame() = default;

void ImGuiFrame::use() { ImGui::SetCurrentContext(context_.get()); }

ImFontAtlas& ImGuiFrame::atlas() {
    use();
    return *ImGui::GetIO().Fonts;
}

bool ImGuiFrame::prepare(const std::vector<const DisplayList*>& lists, double scale) {
    return glyphs_.prepare(atlas(), lists, scale);
}

const ImDrawData& ImGuiFrame::draw(const std::vector<const DisplayList*>& lists, PixelSize size, double scale,
                                   const TextureOf& textureOf) {
    use();
    ImGuiIO& io = ImGui::GetIO();
    io.DisplaySize = {static_cast<float>(size.width), static_cast<float>(size.height)};
    io.DeltaTime = 1.0F / 60;  // nothing moves by itself, but ImGui wants it positive
    ImGui::NewFrame();
    ImDrawList& to = *ImGui::GetBackgroundDrawList();
    for (const DisplayList* list : lists) emitList(*list, to, glyphs_, scale, textureOf);
    ImGui::Render();
    return *ImGui::GetDrawData();
}

}  // namespace fluxscope
