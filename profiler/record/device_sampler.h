// Something that reads a device's counters or sensors on a timer of its own while a run goes on, whatever the scopes are.
#pragma once

#include "profiler/record/device_sink.h"

#include <string_view>

namespace fluxscope {

class DeviceSampler {
public:
    DeviceSampler() = default;
    DeviceSampler(const DeviceSampler&) = delete;
    DeviceSampler& operator=(const DeviceSampler&) = delete;
    virtual ~DeviceSampler() = default;

    virtual std::string_view name() const = 0;  // as the table collector has it; a literal

    virtual void beginRun(
        DeviceSink& sink) = 0;  // samples go there from another thread until endRun has returned
    virtual void endRun() = 0;
};

}  // namespace fluxscope
