// The way of a device's records from its collector's thread to the writer's: batches, as many as fit.
//
// What does not fit is dropped, whole kinds at a time, those that matter least first, and counted. A collector never waits longer than
// it takes to move a few pointers; the engine's thread has nothing to do with it.
#pragma once

#include "profiler/store/device_records.h"
#include "profiler/store/records.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string_view>
#include <vector>

namespace fluxscope {

struct DeviceBatch {
    std::vector<DeviceRecord> devices;
    std::vector<CollectorRecord> collectors;
    std::vector<GraphNodeRecord> nodes;
    std::vector<KernelRecord> kernels;
    std::vector<TrafficRecord> traffic;
    std::vector<CopyRecord> copies;
    std::vector<FillRecord> fills;
    std::vector<SyncRecord> syncs;
    std::vector<ApiRecord> calls;
    std::vector<OverheadRecord> overheads;
    std::vector<SampleRecord> samples;
    std::vector<LateAttribution> late;
    std::vector<QualityRecord> figures;
};

// The kinds that may be dropped, the one that matters most first. Devices, collectors, nodes, figures and what is late are few.
inline constexpr std::array<std::string_view, 8> kDroppable{"kernel", "traffic", "memcpy", "memset",
                                                             "sync",   "api",     "overhead", "sample"};
using DroppedByKind = std::array<std::int64_t, kDroppable.size()>;

class DeviceBatches {
public:
    explicit DeviceBatches(std::size_t records) : room_(records) {}

    // From collectors' threads. `epoch`: which run it belongs to, counted by the caller. Returns how many records were dropped.
    std::int64_t push(DeviceBatch batch, std::int64_t epoch);

    // The oldest batch up to that epoch, by the writer's thread. False: there is none.
    bool pop(DeviceBatch& batch, std::int64_t upTo);

    DroppedByKind dropped() const;

private:
    struct Queued {
        DeviceBatch batch;
        std::int64_t epoch = 0;
        std::size_t records = 0;
    };

    mutable std::mutex mutex_;
    std::deque<Queued> batches_;
    std::size_t room_;
    DroppedByKind dropped_{};
};

}  // namespace fluxscope
