// One look at a device's sensors, and a thread that looks ten times a second.
#pragma once

#include "profiler/record/device_sampler.h"
#include "profiler/record/nvml/detail/api.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace fluxscope {

struct WatchedDevice {
    nvmlDevice_t handle{};
    std::int32_t number = 0;  // CUDA's
};

// Every sensor that answers, over [begin, end]. What a device does not have is left out.
std::vector<SampleRecord> look(const NvmlApi& api, const WatchedDevice& device, std::int64_t ownPid,
                               Nanoseconds begin, Nanoseconds end);

DeviceRecord describe(const NvmlApi& api, const WatchedDevice& device, const CudaDevice& cuda);
std::vector<EnvironmentFact> environmentOf(const NvmlApi& api, const WatchedDevice& device);

class NvmlMonitor final : public DeviceSampler {
public:
    NvmlMonitor(const NvmlApi& api, const WatchedDevice& device,
                std::chrono::milliseconds period = std::chrono::milliseconds(100));
    ~NvmlMonitor() override;

    std::string_view name() const override { return "nvml"; }
    void beginRun(DeviceSink& sink) override;
    void endRun() override;

private:
    void watch(DeviceSink& sink);

    const NvmlApi api_;
    const WatchedDevice device_;
    const std::chrono::milliseconds period_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace fluxscope
