// How a sample's metric is shown on a counter track: bytes of an interval become a rate.
#pragma once

#include "profiler/store/device_records.h"

#include <string>
#include <string_view>

namespace fluxscope {

struct ShownMetric {
    std::string name;       // "dram_read (hw_pm, device 0)"
    std::string_view unit;  // "B/s", "%", "W"
    double value = 0;
};

inline ShownMetric shownMetric(const SampleRecord& sample) {
    std::string_view name = sample.metric;
    ShownMetric shown{.name = {}, .unit = "", .value = sample.value};
    constexpr double kNanosecondsPerSecond = 1e9;
    const auto ends = [&name](std::string_view ending) {
        if (!name.ends_with(ending)) return false;
        name.remove_suffix(ending.size());
        return true;
    };
    if (ends("_bytes")) {
        const auto lasting = static_cast<double>((sample.end - sample.begin).count());
        shown.unit = "B/s";
        shown.value = lasting > 0 ? sample.value / lasting * kNanosecondsPerSecond : 0;
    } else if (ends("_pct")) {
        shown.unit = "%";
    } else if (ends("_w")) {
        shown.unit = "W";
    } else if (ends("_hz")) {
        shown.unit = "Hz";
    } else if (ends("_mhz")) {
        shown.unit = "MHz";
    } else if (ends("_c")) {
        shown.unit = "°C";
    }
    shown.name = std::string(name) + " (" + std::string(sample.source) + ", device " +
                 std::to_string(sample.device) + ")";
    return shown;
}

}  // namespace fluxscope
