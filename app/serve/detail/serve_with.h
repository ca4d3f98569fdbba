// serve() with a tracer of the caller's instead of CUPTI's: how a worker behaves whose tracer has had enough can be seen without a GPU.
#pragma once

#include "profiler/record/device_tracer.h"

#include <memory>
#include <string>

namespace fluxscope {

int serveWith(std::unique_ptr<DeviceTracer> tracer, int in, int out, const std::string& program);

}  // namespace fluxscope
