#include "app/cli/doctor/finding.h"
#include "engine/contract/error.h"

#include <dlfcn.h>

#include <cstdlib>

namespace fluxscope::cli {
namespace {

Finding gl() {
    std::string found;
    for (const char* library : {"libGL.so.1", "libEGL.so.1"})
        if (::dlopen(library, RTLD_LAZY | RTLD_LOCAL) != nullptr)
            found += (found.empty() ? "" : ", ") + std::string(library);
    const bool there = !found.empty();
    return {"gl", there ? found : "no OpenGL library", there,
            there ? "" : "install libgl1 and libgl1-mesa-dri; the desktop draws on the CPU without"};
}

Finding display() {
    for (const char* variable : {"WAYLAND_DISPLAY", "DISPLAY"})
        if (const char* value = std::getenv(variable); value != nullptr && *value != '\0')
            return {"display", std::string(variable) + '=' + printable(value), true, ""};
    return {"display", "neither DISPLAY nor WAYLAND_DISPLAY is set", false,
            "the desktop program needs a display (ssh -X, or xvfb-run for tests); this program does not"};
}

}  // namespace

std::vector<Finding> displayFindings() { return {gl(), display()}; }

}  // namespace fluxscope::cli
