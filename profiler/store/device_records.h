// What a device did, one record an event, as CUPTI tells it. Times are on the recording process's monotonic clock.
//
// A record knows its place: the scope whose work it is, found by id. Names are those of the collector and live as long as the
// process; the writer keeps each of them once.
#pragma once

#include "engine/contract/observer.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fluxscope {

enum class Attribution : std::uint8_t {
    External,   // the id that was pushed around its launch
    GraphNode,  // its node in a recorded step, and the step that the recording was launched in
    Time,       // only imports: inside an interval of the host's
    None        // nobody's: allocator, libraries' set-up
};

std::string_view nameOf(Attribution attribution);

struct Attributed {
    std::optional<ScopeKey> place;  // absent: unattributed
    Attribution by = Attribution::None;
};

struct DeviceQueue {
    std::int32_t device = 0;
    std::int32_t context = 0;
    std::int32_t stream = 0;
};

struct LaunchShape {
    std::array<std::int32_t, 3> grid{};
    std::array<std::int32_t, 3> block{};
    std::array<std::int32_t, 3> cluster{};  // zeros: none
    std::int32_t registersPerThread = 0;
    std::int32_t staticSharedBytes = 0;
    std::int32_t dynamicSharedBytes = 0;

    friend bool operator==(const LaunchShape&, const LaunchShape&) = default;
};

struct KernelRecord {
    Attributed scope;
    Nanoseconds begin{};
    Nanoseconds end{};
    DeviceQueue queue;
    std::int64_t correlation = 0;  // widened: unique within its process
    std::uint64_t graph = 0;       // 0: launched by itself
    std::uint64_t graphNode = 0;
    std::string_view name;  // as linked (mangled)
    LaunchShape launch;
};

enum class CopyKind : std::uint8_t {
    HostToDevice,
    DeviceToHost,
    DeviceToDevice,
    HostToHost,
    PeerToPeer,
    Other
};

std::string_view nameOf(CopyKind kind);

struct CopyRecord {
    Attributed scope;
    Nanoseconds begin{};
    Nanoseconds end{};
    DeviceQueue queue;
    std::int64_t correlation = 0;
    std::uint64_t graphNode = 0;
    CopyKind kind = CopyKind::Other;
    bool pinned = false;  // the host's side, where there is one
    std::int64_t bytes = 0;
};

struct FillRecord {  // a memset
    Attributed scope;
    Nanoseconds begin{};
    Nanoseconds end{};
    DeviceQueue queue;
    std::int64_t correlation = 0;
    std::uint64_t graphNode = 0;
    std::int64_t bytes = 0;
};

// A call of the CUDA API on the host: the other end of a launch.
struct ApiRecord {
    Attributed scope;
    Nanoseconds begin{};
    Nanoseconds end{};
    std::int32_t thread = 0;
    std::int64_t correlation = 0;
    std::string_view name;
};

struct SyncRecord {
    Nanoseconds begin{};
    Nanoseconds end{};
    DeviceQueue queue;
    std::int64_t correlation = 0;
    std::string_view kind;  // "stream", "event", "context", "stream-wait-event"
};

// The tracer's own work, as it says itself.
struct OverheadRecord {
    Nanoseconds begin{};
    Nanoseconds end{};
    std::int32_t thread = 0;
    std::string_view kind;  // "instrumentation", "buffer-flush", "lazy-loading", ...
};

// What a node of a recorded step is for. Its place has no step: that is the launch's.
struct GraphNodeRecord {
    std::uint64_t node = 0;
    std::uint64_t original = 0;  // the node it was cloned from when the graph was instantiated; 0: itself
    std::optional<ScopeKey> place;
};

// A metric over an interval of the device's time, read from its counters while it ran.
struct SampleRecord {
    std::int32_t device = 0;
    Nanoseconds begin{};
    Nanoseconds end{};
    std::string_view metric;  // "dram_read_bytes", "sm_active_pct", "power_w", ...
    double value = 0;
    std::string_view source;  // "hw_pm", "nvml"
};

enum class Confidence : std::uint8_t { Low, Medium, High };

std::string_view nameOf(Confidence confidence);

// Bytes that moved while a scope's work ran: measured, per scope.
struct TrafficRecord {
    ScopeKey scope;
    std::string_view metric;  // "dram_read_bytes", "dram_write_bytes", "l2_bytes", ...
    double value = 0;
    std::string_view source;  // "hw_range", "hw_pm"
    std::int32_t pass = 0;
    Confidence confidence = Confidence::High;
    std::int64_t samples = 0;  // of hw_pm: how many intervals lay inside
};

// Whose work the launch was, learnt after its kernels had been written.
struct LateAttribution {
    std::int64_t correlation = 0;
    ScopeKey place;
    Attribution by = Attribution::External;
};

// A device as its driver describes it.
struct DeviceRecord {
    std::int32_t device = 0;
    std::string name;
    std::string uuid;
    std::string bus;  // PCI: "0000:18:00.0"
    std::int32_t computeMajor = 0;
    std::int32_t computeMinor = 0;
    std::int32_t multiprocessors = 0;
    std::int64_t memoryBytes = 0;
    std::int64_t l2Bytes = 0;
    std::int64_t bytesPerSecond = 0;  // of its memory; 0: not known
    std::int64_t clockHz = 0;
};

}  // namespace fluxscope
