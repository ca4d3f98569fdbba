#include "profiler/analysis/origin.h"

#include "engine/contract/error.h"

#include <cmath>

namespace fluxscope {

std::string timeOrigin(std::string_view timeSource) {
    if (timeSource == "host-timer") return "measured, host timer";
    if (isEnqueueTime(timeSource)) return "host timer: time to enqueue, what the GPU took is not measured";
    if (timeSource == "cupti") return "measured, CUPTI: union of kernel intervals";
    if (!isTimed(timeSource)) return "replayed steps: the GPU was not timed layer by layer";
    if (timeSource.empty()) return "source not recorded";
    return "source '" + printable(timeSource, 40) + "'";
}

bool isTimed(std::string_view timeSource) { return timeSource != "none"; }

bool isEnqueueTime(std::string_view timeSource) { return timeSource == "host-enqueue"; }

std::string bytesOrigin(std::string_view bytesSource, std::int32_t costVersion) {
    if (bytesSource == "analytic")
        return costVersion > 0 ? "modelled, kernels/cost v" + std::to_string(costVersion)
                               : "modelled, kernels/cost";
    if (bytesSource == "hw_range") return "measured, range counters";
    if (bytesSource == "hw_pm") return "sampled, PM counters joined by time";
    if (bytesSource.empty()) return "source not recorded";
    return "source '" + printable(bytesSource, 40) + "'";
}

Quantity Quantity::of(double value, std::string origin) {
    if (!std::isfinite(value)) return missing("not a finite number");
    return {value, std::move(origin)};
}

Quantity Quantity::missing(std::string why) { return {std::nullopt, std::move(why)}; }

std::string Origins::text() const {
    std::string all;
    for (const std::string& name : names_) all += (all.empty() ? "" : "; ") + name;
    return all;
}

}  // namespace fluxscope
