// Goes once through a capture and tells a visitor everything that has a time, table by table. Within a table the rows come by run
// and time of beginning, of equal ones the longer first, so that slices nest; SQLite sorts, on the disk where it must.
//
// Times are those of the first process's clock: those of others are moved by the difference of the two in UTC.
#pragma once

#include "profiler/exchange/exchange.h"
#include "profiler/store/device_records.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxscope {

struct WalkedRun {
    RunIndex run;
    std::int32_t process = 0;
    std::string title;  // "run 2: routed:0.5, Qwen3-8B, timed"
    std::string device;
    Nanoseconds begin{};
    std::int32_t hostThread = 0;  // that calls the device's API: the engine's; 0 where there are no calls
    std::map<std::int32_t, std::string> promptIds;  // by sequence
    std::map<std::int32_t, std::vector<std::int32_t>> sequencesOfBatch;

    std::string promptsOf(BatchIndex batch) const;  // "a, b and 6 more"
};

struct WalkedScope {
    ScopeKey key;
    Nanoseconds begin{};
    Nanoseconds end{};
    std::optional<std::int64_t> bytesRead;
    std::optional<std::int64_t> bytesWritten;
    std::optional<std::int64_t> flops;
};

struct WalkedDecision {
    std::string_view promptId;
    std::int32_t turn = 0;
    std::int32_t step = 0;
    std::int32_t layer = 0;
    std::int32_t kvHead = -1;
    Nanoseconds at{};  // the beginning of its layer; of the run where that is not known
    std::string_view attention;
    std::string_view decidedBy;
    std::optional<double> fullProbability;
    std::optional<double> threshold;
    std::optional<double> margin;
    std::optional<std::int64_t> kvBytesKept;
    std::optional<std::int64_t> kvBytesFreed;
};

class CaptureVisitor {
public:
    CaptureVisitor() = default;
    CaptureVisitor(const CaptureVisitor&) = delete;
    CaptureVisitor& operator=(const CaptureVisitor&) = delete;
    virtual ~CaptureVisitor() = default;

    // The same moment on the clock of what follows and in UTC; first of all.
    virtual void clock(Nanoseconds monotonic, Nanoseconds utc) = 0;
    virtual void run(const WalkedRun& run) = 0;  // all runs, before anything in them
    virtual void scope(const WalkedRun& run, const WalkedScope& scope) = 0;
    virtual void decision(const WalkedRun& run, const WalkedDecision& decision) = 0;
    virtual void call(const WalkedRun& run, const ApiRecord& call) = 0;
    virtual void kernel(const WalkedRun& run, const KernelRecord& kernel) = 0;
    virtual void copy(const WalkedRun& run, const CopyRecord& copy) = 0;
    virtual void fill(const WalkedRun& run, const FillRecord& fill) = 0;
    virtual void sync(const WalkedRun& run, const SyncRecord& sync) = 0;
    virtual void overhead(const WalkedRun& run, const OverheadRecord& overhead) = 0;
    virtual void sample(const WalkedRun& run, const SampleRecord& sample) = 0;
};

ExchangeSummary walkCapture(const std::filesystem::path& capture, CaptureVisitor& visitor,
                            const ExchangeOptions& options);

// "decode/step 3/layer 7/attention": the name of a scope, as it is also read back (place_name.h).
std::string placeName(const ScopeKey& key);

}  // namespace fluxscope
