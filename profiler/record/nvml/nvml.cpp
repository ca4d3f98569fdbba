#include "profiler/record/nvml/nvml.h"

#include "profiler/record/nvml/detail/monitor.h"

#include <utility>

namespace fluxscope {

NvmlSession openNvml(std::int32_t device) {
    NvmlSession session;
    auto cuda = cudaDevice(device);
    if (auto* missing = std::get_if<Shortfall>(&cuda)) {
        session.shortfalls.push_back(std::move(*missing));
        return session;
    }
    auto loaded = loadNvml();
    if (auto* missing = std::get_if<Shortfall>(&loaded)) {
        session.shortfalls.push_back(std::move(*missing));
        return session;
    }
    const auto& api = std::get<NvmlApi>(loaded);
    const auto& found = std::get<CudaDevice>(cuda);
    WatchedDevice watched{.number = device};
    nvmlReturn_t error = api.init();
    if (error == NVML_SUCCESS) error = api.handleByBus(found.bus.c_str(), &watched.handle);
    if (error != NVML_SUCCESS) {
        const char* const text = api.errorString != nullptr ? api.errorString(error) : "error";
        session.shortfalls.push_back({"nvml",
                                      std::string("NVML refuses to watch the GPU (") + text + ", " +
                                          std::to_string(static_cast<int>(error)) + ")",
                                      "see whether nvidia-smi works for this user on this machine"});
        return session;
    }
    session.devices.push_back(describe(api, watched, found));
    session.environment = environmentOf(api, watched);
    session.sampler = std::make_unique<NvmlMonitor>(api, watched);
    return session;
}

}  // namespace fluxscope
