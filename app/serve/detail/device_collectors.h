// What this process has opened to see what its device does. CUPTI is attached once, before the device is used, and a process keeps
// what it has begun with; counters and sensors are opened when the device has a context.
#pragma once

#include "profiler/record/cupti/counters.h"
#include "profiler/record/cupti/session.h"
#include "profiler/record/nvml/nvml.h"
#include "profiler/record/recorder.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fluxscope {

class DeviceCollectors {
public:
    // A tracer that is given is lent instead of CUPTI's.
    explicit DeviceCollectors(std::unique_ptr<DeviceTracer> tracer) { cupti_.tracer = std::move(tracer); }

    // Throws UsageError when this process has been attached for something else.
    void attach(Collect collect);
    void open();

    void lendTo(RecorderOptions& options) const;
    // One sentence when this process should be replaced by a fresh one before the next run.
    std::optional<std::string> needsRestart() const;

private:
    std::optional<Collect> attachedFor_;
    bool opened_ = false;
    CuptiSession cupti_;
    NvmlSession nvml_;
    OpenedTimeline timeline_;
};

}  // namespace fluxscope
