// Joins what a device did to the scopes that it was done for, by id.
//
// A record's API call tells which scope was open (two passes: the telling may come after the record). A record whose scope is
// not known waits 500 ms and is then handed on without a place; should its scope become known after all, the record is kept
// and handed on once more when the run ends. A kernel of a CUDA graph has its step from the launch and layer and op from its
// node: all kernels of a launch share one correlation id.
#pragma once

#include "profiler/record/cupti/detail/decode.h"
#include "profiler/record/cupti/detail/graph_nodes.h"
#include "profiler/record/device_sink.h"

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace fluxscope {

// CUPTI counts API calls in 32 bits; a long process goes round.
class CorrelationCount {
public:
    std::int64_t widen(std::uint32_t id);

private:
    std::int64_t newest_ = -1;
};

class Joiner {
public:
    Joiner(ScopeIds& scopes, const GraphNodes& nodes);

    // From now on: what belongs to this run, and what no scope claims and has begun since.
    void beginRun(std::uint32_t run, Nanoseconds begin);
    void endRun() { run_ = 0; }

    void take(DecodedRecords records, Nanoseconds now);

    // What can be handed on at `now`.
    DeviceBatch ready(Nanoseconds now);
    // The rest: nobody waits any longer.
    DeviceBatch finish();

    void dropped(std::int64_t records) { quality_.dropped += records; }
    const TraceQuality& quality() const { return quality_; }

private:
    template <class Record>
    struct Waiting {
        Nanoseconds since;
        Record record;
    };
    template <class Record>
    using Queue = std::deque<Waiting<Record>>;

    struct External {
        std::int64_t correlation = -1;
        ScopeTicket ticket = kNoTicket;
    };
    enum class Found { Ours, Foreign, Unknown };

    Found place(std::int64_t correlation, std::uint64_t graphNode, Attributed& scope, DeviceBatch& out);
    template <class Record>
    void sort(Queue<Record>& waiting, std::vector<Record>& out, Nanoseconds latest, DeviceBatch& batch);
    bool startedIn(Nanoseconds begin) const { return run_ != 0 && begin >= runBegin_; }
    DeviceBatch join(Nanoseconds latest);

    ScopeIds& scopes_;
    const GraphNodes& nodes_;
    std::uint32_t run_ = 0;
    Nanoseconds runBegin_{};

    CorrelationCount correlations_;
    std::vector<External> externals_;  // a ring by correlation
    Queue<KernelRecord> kernels_;
    Queue<CopyRecord> copies_;
    Queue<FillRecord> fills_;
    Queue<ApiRecord> calls_;
    DeviceBatch passing_;                                     // what needs no place
    std::unordered_map<std::int64_t, std::int64_t> orphans_;  // kernels handed on without a place, by launch
    std::unordered_set<std::uint64_t> nodesTold_;
    TraceQuality quality_;
};

}  // namespace fluxscope
