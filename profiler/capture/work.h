// What goes through whole captures can be watched and stopped.
#pragma once

#include "engine/contract/cancel.h"

#include <functional>
#include <string>

namespace fluxscope {

struct CaptureWork {
    const CancelToken* cancel = nullptr;                      // throws CancelledError
    std::function<void(const std::string& what)> progress{};  // before each part
};

}  // namespace fluxscope
