// A collector learns something about a run that the engine's events do not say themselves: times, counters, traffic.
// It is called on the engine's thread, from within an Observer, and hands finished records to a sink. What it does there
// is part of what it measures: clock reads and sums, no allocation per scope, no locks.
#pragma once

#include "engine/contract/observer.h"
#include "profiler/store/records.h"

#include <functional>
#include <optional>
#include <span>
#include <string_view>

namespace fluxscope {

using Clock = std::function<Nanoseconds()>;

class RecordSink {
public:
    virtual ~RecordSink() = default;
    virtual void take(const ScopeRecord& scope) = 0;  // may be dropped when the queue is full
    virtual void take(const LayerStepRecord& step) = 0;
};

class Collector {
public:
    Collector() = default;
    Collector(const Collector&) = delete;
    Collector& operator=(const Collector&) = delete;
    virtual ~Collector() = default;

    // As the table collector has it, in a run on this device; a literal.
    virtual std::string_view name(std::string_view device) const = 0;
    virtual ObserverNeeds needs() const = 0;
    // What its times are, for a run on this device; a literal.
    virtual std::string_view timeSource(std::string_view device) const = 0;

    virtual void runBegan(const RunFacts& run) = 0;
    virtual void scopeOpened(const ScopeKey& key) = 0;
    virtual void scopeClosed(const ScopeKey& key, const std::optional<cost::OpShape>& shape) = 0;
    // As an Observer is told of recorded steps (engine/contract/observer.h).
    virtual void recordingBegan(RecordingIndex) {}
    virtual void recordingEnded(RecordingIndex) {}
    virtual void stepReplayed(const ScopeKey& /*step*/, RecordingIndex,
                              std::span<const std::int64_t> /*attended*/) {}
    virtual void runEnded() = 0;
};

}  // namespace fluxscope
