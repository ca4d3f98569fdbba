// Every function of NVML that is called, as a table: from the driver's library, or from a test.
#pragma once

#include "profiler/record/device_sink.h"

#include <nvml.h>

#include <cstdint>
#include <string>
#include <variant>

namespace fluxscope {

struct NvmlApi {
    decltype(&nvmlInit_v2) init = nullptr;
    decltype(&nvmlErrorString) errorString = nullptr;
    decltype(&nvmlSystemGetDriverVersion) driverVersion = nullptr;
    decltype(&nvmlDeviceGetHandleByPciBusId_v2) handleByBus = nullptr;
    decltype(&nvmlDeviceGetName) name = nullptr;
    decltype(&nvmlDeviceGetUUID) uuid = nullptr;
    decltype(&nvmlDeviceGetCudaComputeCapability) computeCapability = nullptr;
    decltype(&nvmlDeviceGetMemoryBusWidth) memoryBusWidth = nullptr;
    decltype(&nvmlDeviceGetMaxClockInfo) maxClock = nullptr;
    decltype(&nvmlDeviceGetEnforcedPowerLimit) powerLimit = nullptr;
    decltype(&nvmlDeviceGetPowerUsage) power = nullptr;
    decltype(&nvmlDeviceGetTotalEnergyConsumption) energy = nullptr;
    decltype(&nvmlDeviceGetClockInfo) clock = nullptr;
    decltype(&nvmlDeviceGetMemoryInfo) memory = nullptr;
    decltype(&nvmlDeviceGetTemperature) temperature = nullptr;
    decltype(&nvmlDeviceGetCurrentClocksEventReasons) slowedBy = nullptr;
    decltype(&nvmlDeviceGetUtilizationRates) utilization = nullptr;
    decltype(&nvmlDeviceGetComputeRunningProcesses_v3) processes = nullptr;
};

// What CUDA says of the device that a process computes on.
struct CudaDevice {
    std::string bus;  // "0000:18:00.0"
    std::int32_t multiprocessors = 0;
    std::int64_t l2Bytes = 0;
};

std::variant<NvmlApi, Shortfall> loadNvml();
std::variant<CudaDevice, Shortfall> cudaDevice(std::int32_t device);

}  // namespace fluxscope
