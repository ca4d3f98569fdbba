#include "profiler/record/cupti/trace.h"

#include <utility>

namespace fluxscope {

CuptiTrace::CuptiTrace(DeviceTracer& tracer, Clock clock, RecordSink& records, DeviceSink& device)
    : tracer_(tracer), device_(device), timer_(std::move(clock), records) {}

std::string_view CuptiTrace::name(std::string_view device) const {
    return device == "cpu" ? timer_.name(device) : "trace";
}

std::string_view CuptiTrace::timeSource(std::string_view device) const {
    return device == "cpu" ? timer_.timeSource(device) : "cupti";
}

void CuptiTrace::runBegan(const RunFacts& run) {
    onDevice_ = run.device != "cpu";
    if (onDevice_) tracer_.beginRun(device_);
    timer_.runBegan(run);
}

// The id is pushed last and popped first, so that the cost of both is the enclosing scope's.
void CuptiTrace::scopeOpened(const ScopeKey& key) {
    timer_.scopeOpened(key);
    if (onDevice_) tracer_.opened(key);
}

void CuptiTrace::scopeClosed(const ScopeKey& key, const std::optional<cost::OpShape>& shape) {
    if (onDevice_) tracer_.closed();
    timer_.scopeClosed(key, shape);
}

void CuptiTrace::recordingBegan(RecordingIndex recording) {
    timer_.recordingBegan(recording);
    if (onDevice_) tracer_.recordingBegan();
}

void CuptiTrace::recordingEnded(RecordingIndex recording) {
    if (onDevice_) tracer_.recordingEnded();
    timer_.recordingEnded(recording);
}

void CuptiTrace::stepReplayed(const ScopeKey& step, RecordingIndex recording,
                              std::span<const std::int64_t> attended) {
    timer_.stepReplayed(step, recording, attended);
}

void CuptiTrace::runEnded() {
    timer_.runEnded();
    if (onDevice_) tracer_.endRun();
    onDevice_ = false;
}

}  // namespace fluxscope
