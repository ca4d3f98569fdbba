// "cpu" or "cuda", as requests name a device.
#pragma once

#include "engine/contract/error.h"
#include "engine/engine.h"

#include <string>

namespace fluxscope {

inline DeviceKind deviceKind(const std::string& name) {
    if (name == "cpu") return DeviceKind::Cpu;
    if (name == "cuda") return DeviceKind::Cuda;
    throw UsageError{"device", "", "is '" + printable(name, 40) + "'", "give cpu or cuda"};
}

}  // namespace fluxscope
