#include "app/serve/detail/device_collectors.h"

#include "engine/contract/error.h"

#include <cstdlib>
#include <string>

namespace fluxscope {
namespace {

bool traces(Collect collect) {
    return collect == Collect::Auto || collect == Collect::Trace || collect == Collect::Timeline;
}

}  // namespace

void DeviceCollectors::attach(Collect collect) {
    if (attachedFor_ == collect) return;
    if (attachedFor_) {
        throw UsageError{"collect", "",
                         "is '" + std::string(nameOf(collect)) +
                             "', and this process was attached to its GPU for '" +
                             std::string(nameOf(*attachedFor_)) + "'",
                         "start another worker for it"};
    }
    attachedFor_ = collect;
    if (!traces(collect) || cupti_.tracer) return;
    CuptiOptions options;
    if (const char* file = std::getenv("FLUXSCOPE_CUPTI_DUMP")) options.dump = file;
    cupti_ = attachCupti(options);
}

void DeviceCollectors::open() {
    if (opened_ || !attachedFor_ || *attachedFor_ == Collect::Off) return;
    opened_ = true;
    nvml_ = openNvml();
    if (attachedFor_ == Collect::Timeline) timeline_ = openTimeline();
}

void DeviceCollectors::lendTo(RecorderOptions& options) const {
    const auto add = [&options](const std::vector<Shortfall>& more) {
        options.shortfalls.insert(options.shortfalls.end(), more.begin(), more.end());
    };
    add(cupti_.shortfalls);
    add(nvml_.shortfalls);
    if (timeline_.shortfall) options.shortfalls.push_back(*timeline_.shortfall);
    options.devices = nvml_.devices;
    for (const auto& facts : {cupti_.environment, nvml_.environment})
        options.environment.insert(options.environment.end(), facts.begin(), facts.end());
    if (nvml_.sampler) options.samplers.push_back(nvml_.sampler.get());
    if (timeline_.sampler) options.samplers.push_back(timeline_.sampler.get());
    if (!cupti_.tracer) return;
    if (const auto why = needsRestart())
        options.shortfalls.push_back({"trace", *why, "load the model in a fresh worker"});
    else
        options.tracer = cupti_.tracer.get();
}

std::optional<std::string> DeviceCollectors::needsRestart() const {
    return cupti_.tracer ? cupti_.tracer->needsRestart() : std::nullopt;
}

}  // namespace fluxscope
