#include "app/desktop/serve_mode.h"

#include "app/start/sample.h"
#include "app/start/version_text.h"
#include "engine/contract/error.h"

#include <dlfcn.h>
#include <spdlog/spdlog.h>

namespace fluxscope {

int beTheWorker() {
    const auto library = programFolder().parent_path() / "lib" / "libfluxscope_serve.so";
    void* host = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    const auto serve =
        host == nullptr ? nullptr : reinterpret_cast<int (*)(const char*)>(::dlsym(host, "fluxscopeServe"));
    if (serve == nullptr) {
        spdlog::critical("the engine cannot be loaded: {}", ::dlerror());
        return static_cast<int>(ErrorFamily::Machine);
    }
    return serve(programLine("fluxscope").c_str());
}

}  // namespace fluxscope
