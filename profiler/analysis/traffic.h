// Bytes a second over time, a series for each source; and beside them whatever else was sampled (clock, power).
//
// The analytic series comes from the layer table: what a layer had to move, over the time it took. Measured series are samples
// as the collector wrote them. A sample's rate holds over its interval; where there is none, nothing is drawn.
#pragma once

#include "profiler/capture/samples.h"
#include "profiler/capture/snapshot.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fluxscope {

// Samples of one metric as columns of equal length, by time.
struct SampleColumns {
    std::string metric;                   // "dram_read_bytes", "power_w", "sm_clock_hz"
    std::string source;                   // "hw_pm", "nvml"
    std::span<const std::int64_t> begin;  // ns
    std::span<const std::int64_t> end;
    std::span<const double> value;
};

// Of what was read from a capture; valid as long as that lives. Metrics without a sample are left out.
std::vector<SampleColumns> sampleColumns(const RunSamples& samples);

struct TrafficSeries {
    std::string name;                 // "DRAM read", "analytic"
    std::string origin;               // "sampled, PM counters joined by time"
    std::vector<std::int64_t> begin;  // ns since the traffic's origin; rises
    std::vector<std::int64_t> end;
    std::vector<double> rate;  // in the series' unit
    std::string unit;          // "B/s", "W", "Hz", ""
};

struct Traffic {
    Nanoseconds origin{};
    std::int64_t length = 0;            // ns
    std::vector<TrafficSeries> series;  // bytes a second
    std::vector<TrafficSeries> others;  // one panel each
    std::string policy;

    bool empty() const { return series.empty() && others.empty(); }
};

Traffic trafficOver(const Snapshot& snapshot, RunIndex run, std::span<const SampleColumns> samples);

// "dram_read_bytes" -> "DRAM read"; what is not known stays as it is.
std::string metricName(std::string_view metric);

}  // namespace fluxscope
