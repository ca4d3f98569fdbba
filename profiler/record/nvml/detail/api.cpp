#include "profiler/record/nvml/detail/api.h"

#include <dlfcn.h>

#include <array>

namespace fluxscope {
namespace {

// Of libcuda, whose header this room does not know.
constexpr int kSuccess = 0;
constexpr int kMultiprocessors = 16;
constexpr int kL2Bytes = 38;

template <class Function>
void find(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(::dlsym(library, name));
}

}  // namespace

std::variant<NvmlApi, Shortfall> loadNvml() {
    void* library = ::dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        return Shortfall{"nvml", "libnvidia-ml.so.1 cannot be loaded",
                         "install NVIDIA's driver with its management library (nvidia-smi comes with it)"};
    }
    NvmlApi api;
    find(library, "nvmlInit_v2", api.init);
    find(library, "nvmlErrorString", api.errorString);
    find(library, "nvmlSystemGetDriverVersion", api.driverVersion);
    find(library, "nvmlDeviceGetHandleByPciBusId_v2", api.handleByBus);
    find(library, "nvmlDeviceGetName", api.name);
    find(library, "nvmlDeviceGetUUID", api.uuid);
    find(library, "nvmlDeviceGetCudaComputeCapability", api.computeCapability);
    find(library, "nvmlDeviceGetMemoryBusWidth", api.memoryBusWidth);
    find(library, "nvmlDeviceGetMaxClockInfo", api.maxClock);
    find(library, "nvmlDeviceGetEnforcedPowerLimit", api.powerLimit);
    find(library, "nvmlDeviceGetPowerUsage", api.power);
    find(library, "nvmlDeviceGetTotalEnergyConsumption", api.energy);
    find(library, "nvmlDeviceGetClockInfo", api.clock);
    find(library, "nvmlDeviceGetMemoryInfo", api.memory);
    find(library, "nvmlDeviceGetTemperature", api.temperature);
    find(library, "nvmlDeviceGetCurrentClocksEventReasons", api.slowedBy);
    find(library, "nvmlDeviceGetUtilizationRates", api.utilization);
    find(library, "nvmlDeviceGetComputeRunningProcesses_v3", api.processes);
    if (api.init == nullptr || api.handleByBus == nullptr) {
        return Shortfall{"nvml", "libnvidia-ml.so.1 has no nvmlDeviceGetHandleByPciBusId_v2",
                         "install NVIDIA's driver 580 or newer"};
    }
    return api;
}

std::variant<CudaDevice, Shortfall> cudaDevice(std::int32_t device) {
    Shortfall missing{"nvml", "the NVIDIA driver finds no GPU",
                      "attach one, or look into CUDA_VISIBLE_DEVICES and the container's settings"};
    void* library = ::dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return missing;
    int (*init)(unsigned) = nullptr;
    int (*get)(int*, int) = nullptr;
    int (*bus)(char*, int, int) = nullptr;
    int (*attribute)(int*, int, int) = nullptr;
    find(library, "cuInit", init);
    find(library, "cuDeviceGet", get);
    find(library, "cuDeviceGetPCIBusId", bus);
    find(library, "cuDeviceGetAttribute", attribute);
    int handle = 0;
    std::array<char, 32> text{};
    if (init == nullptr || get == nullptr || bus == nullptr || attribute == nullptr || init(0) != kSuccess ||
        get(&handle, device) != kSuccess ||
        bus(text.data(), static_cast<int>(text.size()), handle) != kSuccess)
        return missing;
    CudaDevice found{.bus = text.data()};
    int value = 0;
    if (attribute(&value, kMultiprocessors, handle) == kSuccess) found.multiprocessors = value;
    if (attribute(&value, kL2Bytes, handle) == kSuccess) found.l2Bytes = value;
    return found;
}

}  // namespace fluxscope
