// What the driver's management library tells of a device: power, energy, clocks, memory, temperature, why it is slowed down and who
// else computes on it, ten times a second; and what the device is. Needs no privilege and disturbs nothing (docs/collectors.md).
#pragma once

#include "profiler/record/device_sampler.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace fluxscope {

struct NvmlSession {
    std::unique_ptr<DeviceSampler> sampler;    // null: see the shortfalls
    std::vector<DeviceRecord> devices;         // the one that is watched
    std::vector<EnvironmentFact> environment;  // driver, power limit, ...
    std::vector<Shortfall> shortfalls;
};

// `device` is CUDA's number, which CUDA_VISIBLE_DEVICES may have turned around; it is found by its place on the bus.
NvmlSession openNvml(std::int32_t device = 0);

}  // namespace fluxscope
