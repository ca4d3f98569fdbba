// What a device did, beside what the host saw: every scope has the interval in which it was enqueued and its analytic bytes from the
// host's timer, and every kernel its own interval from the tracer. The writer makes of both what a layer cost in a step.
//
// On a CPU it is the host's timer and nothing more.
#pragma once

#include "profiler/record/collector.h"
#include "profiler/record/device_tracer.h"
#include "profiler/record/host_timer.h"

namespace fluxscope {

class CuptiTrace final : public Collector {
public:
    // `records` gets what the host knows, on the engine's thread; `device` the rest, on the tracer's.
    CuptiTrace(DeviceTracer& tracer, Clock clock, RecordSink& records, DeviceSink& device);

    std::string_view name(std::string_view device) const override;
    ObserverNeeds needs() const override { return timer_.needs(); }
    std::string_view timeSource(std::string_view device) const override;

    void runBegan(const RunFacts& run) override;
    void scopeOpened(const ScopeKey& key) override;
    void scopeClosed(const ScopeKey& key, const std::optional<cost::OpShape>& shape) override;
    void recordingBegan(RecordingIndex recording) override;
    void recordingEnded(RecordingIndex recording) override;
    void stepReplayed(const ScopeKey& step, RecordingIndex recording,
                      std::span<const std::int64_t> attended) override;
    void runEnded() override;

private:
    DeviceTracer& tracer_;
    DeviceSink& device_;
    HostTimer timer_;
    bool onDevice_ = false;
};

}  // namespace fluxscope
