#pragma once

#include <string_view>

namespace fluxscope {

// What this build is, for --version, captures and bug reports.
struct BuildInfo {
    std::string_view description;  // git describe --always --dirty, or "unknown" outside a clone
    std::string_view flavour;      // "cpu", "cuda" or "viewer" (built without the engine)
    std::string_view compiler;
    std::string_view torch;  // versions built against; empty where not built in
    std::string_view cuda;
    std::string_view qt;
    std::string_view imgui;
    std::string_view sqlite;
};

const BuildInfo& buildInfo();

}  // namespace fluxscope
