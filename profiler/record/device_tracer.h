// Traces what a device does for the scopes of one host thread. One for a process, which lives as long as it: CUPTI can be
// attached once, before the device is used, and not again (docs/collectors.md). Runs borrow it, one after the other.
#pragma once

#include "profiler/record/device_sink.h"

#include <optional>
#include <string>

namespace fluxscope {

class DeviceTracer {
public:
    DeviceTracer() = default;
    DeviceTracer(const DeviceTracer&) = delete;
    DeviceTracer& operator=(const DeviceTracer&) = delete;
    virtual ~DeviceTracer() = default;

    // On the thread that launches. Batches go to `sink`, from another thread, until endRun has returned.
    virtual void beginRun(DeviceSink& sink) = 0;
    // The device is idle. Returns when everything that it did has been handed on.
    virtual void endRun() = 0;

    // Within a run and between runs; a scope that is closed is the one opened last.
    virtual void opened(const ScopeKey& key) = 0;
    virtual void closed() = 0;
    virtual void recordingBegan() = 0;
    virtual void recordingEnded() = 0;

    // One sentence when this process should be replaced by a fresh one before the next run.
    virtual std::optional<std::string> needsRestart() const = 0;
};

}  // namespace fluxscope
