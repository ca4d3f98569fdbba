#include "app/start/version_text.h"

#include "version/version.h"

#include <string_view>

namespace fluxscope {
namespace {

void append(std::string& text, std::string_view name, std::string_view version) {
    if (!version.empty()) text.append("\n").append(name).append(" ").append(version);
}

}  // namespace

std::string programLine(const std::string& program) {
    const BuildInfo& build = buildInfo();
    return program + ' ' + std::string(build.description) + ' ' + std::string(build.flavour);
}

std::string versionText(const std::string& program) {
    const BuildInfo& build = buildInfo();
    std::string text = programLine(program);
    append(text, "compiler", build.compiler);
    append(text, "LibTorch", build.torch);
    append(text, "CUDA", build.cuda);
    append(text, "Qt", build.qt);
    append(text, "Dear ImGui", build.imgui);
    append(text, "SQLite", build.sqlite);
    return text;
}

}  // namespace fluxscope
