// A device's hardware counters: over time (timeline), and per layer (counters). One of the two at a time, and one user of them per
// GPU; most machines keep them for administrators (docs/collectors.md).
#pragma once

#include "profiler/record/collector.h"
#include "profiler/record/cupti/session.h"
#include "profiler/record/device_sampler.h"

#include <chrono>
#include <memory>
#include <optional>

namespace fluxscope {

struct TimelineOptions {
    std::int32_t device = 0;
    // 50 us is the finest at which nothing is lost (docs/collectors.md); shorter ones are taken as 50 us.
    std::chrono::microseconds interval{100};
    CuptiOptions cupti;
};

struct OpenedTimeline {
    std::unique_ptr<DeviceSampler> sampler;  // null: see the shortfall
    std::optional<Shortfall> shortfall;      // beside a sampler: counters that this GPU does not offer
};

// Reads DRAM, L2, SM, tensor cores, PCIe, NVLink and clocks while runs go on. The device's clocks are locked meanwhile: such a
// run says nothing about latency.
OpenedTimeline openTimeline(const TimelineOptions& options = {});

struct CountersOptions {
    std::int32_t device = 0;
    std::size_t ranges = 256;  // measured before they are read out
    CuptiOptions cupti;
};

struct OpenedCounters {
    std::unique_ptr<Collector> collector;  // null: see the shortfall
    std::optional<Shortfall> shortfall;
    std::vector<EnvironmentFact> environment{};  // as a CuptiSession's
};

// Measures the bytes that each layer moves in each step, exactly. Needs an eager run, makes it slower (1.1 ms a layer and step), and
// goes with nothing else; `device` gets traffic, `records` scopes and analytic costs.
OpenedCounters openCounters(Clock clock, RecordSink& records, DeviceSink& device,
                            const CountersOptions& options = {});

}  // namespace fluxscope
