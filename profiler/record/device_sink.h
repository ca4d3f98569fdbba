// What a device did, as it becomes known: batches on the threads of the collectors, not on the engine's.
#pragma once

#include "profiler/record/detail/device_batches.h"
#include "profiler/store/device_records.h"
#include "profiler/store/records.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace fluxscope {

// A collector that cannot do its work here, or not all of it: one sentence each.
struct Shortfall {
    std::string collector;  // "trace", "timeline", "counters", "nvml"
    std::string why;
    std::string remedy;
    bool isPartial = false;  // it runs all the same, and `why` begins with what it does without

    friend bool operator==(const Shortfall&, const Shortfall&) = default;
};

// "trace is missing: ...; remedy" or "timeline runs without ..."
std::string sentenceOf(const Shortfall& shortfall);
// What was refused is only a part: "without PART: why it was refused".
Shortfall without(std::string_view part, Shortfall refused);

// How far the trace of a run is to be believed.
struct TraceQuality {
    std::int64_t kernels = 0;
    std::int64_t unattributed = 0;      // of the kernels
    std::int64_t badTimes = 0;          // records without a beginning, or that end before it
    std::int64_t dropped = 0;           // by the tracer, which had no buffer
    std::int64_t truncatedBuffers = 0;  // their rest could not be read
    std::int64_t unknownRecords = 0;    // of kinds that were not asked for
    std::int64_t late = 0;              // kernels whose scope became known only after they had been handed on

    double unattributedShare() const {
        return kernels == 0 ? 0 : static_cast<double>(unattributed) / static_cast<double>(kernels);
    }
    friend bool operator==(const TraceQuality&, const TraceQuality&) = default;
};

bool isEmpty(const DeviceBatch& batch);

class DeviceSink {
public:
    DeviceSink() = default;
    DeviceSink(const DeviceSink&) = delete;
    DeviceSink& operator=(const DeviceSink&) = delete;
    virtual ~DeviceSink() = default;

    virtual void take(DeviceBatch batch) = 0;
    virtual void take(const TraceQuality& quality) = 0;  // once a run, after its last batch
    virtual void take(const Shortfall& shortfall) = 0;   // what stopped working while the run went on
};

}  // namespace fluxscope
