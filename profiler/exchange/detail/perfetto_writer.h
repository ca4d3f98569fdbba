// Packets of a Perfetto trace. Field numbers are those of protos/perfetto/trace in Perfetto's own repository; tests/exchange reads
// what we write with its published classes.
//
// Names are interned: a packet brings a name once, under a number, and later ones refer to that. All packets are one sequence and need not
// come by time, for a reader sorts them; of packets of the same time the order in the file holds, which is why a slice's end is written
// right after its beginning.
#pragma once

#include "engine/contract/index.h"
#include "profiler/exchange/detail/output_file.h"
#include "profiler/exchange/detail/protobuf.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace fluxscope {

using TrackId = std::uint64_t;

class PerfettoWriter;

// Keys and values of a slice, as a reader sees them beside it.
class Annotations {
public:
    explicit Annotations(PerfettoWriter& writer) : writer_(writer) {}

    void add(std::string_view name, std::int64_t value);
    void add(std::string_view name, double value);
    void add(std::string_view name, std::string_view value);
    void clear() { list_.clear(); }

private:
    friend class PerfettoWriter;
    proto::Message& next(std::string_view name);
    void keep();

    PerfettoWriter& writer_;
    proto::Message list_;  // TrackEvent.debug_annotations, again and again
    proto::Message one_;
};

// The two ends of an arrow have the same number.
enum class Flow : std::uint8_t { None, Begins, Ends };
struct FlowEnd {
    Flow flow = Flow::None;
    std::uint64_t id = 0;
};

class PerfettoWriter {
public:
    explicit PerfettoWriter(OutputFile& out);

    void clock(Nanoseconds monotonic, Nanoseconds utc);
    TrackId group(std::string_view name, std::int32_t number);  // shown as a process
    TrackId track(TrackId parent, std::string_view name, std::int32_t rank);
    TrackId counter(TrackId parent, std::string_view name, std::string_view unit, std::int32_t rank);

    void slice(TrackId track, Nanoseconds begin, Nanoseconds end, std::string_view name,
               const Annotations& annotations, FlowEnd flow = {});
    void instant(TrackId track, Nanoseconds at, std::string_view name, const Annotations& annotations);
    void value(TrackId track, Nanoseconds at, double value);

private:
    friend class Annotations;
    // A name's number. New ones travel in the packet in progress; 0 when there are too many to remember.
    class Interned {
    public:
        explicit Interned(std::uint32_t field) : field_(field) {}
        std::uint64_t numberOf(std::string_view name, proto::Message& newNames);

    private:
        std::uint32_t field_;  // of InternedData
        std::unordered_map<std::string, std::uint64_t> numbers_;
    };
    static constexpr std::size_t kMostInterned = 1 << 16;  // after that names are written out each time

    TrackId describe(TrackId parent, std::string_view name, std::int32_t rank, const proto::Message* more,
                     std::uint32_t field);
    void nameInto(proto::Message& event, std::string_view name);
    void packet(Nanoseconds at, const proto::Message& event);
    void write(const proto::Message& packet);

    OutputFile& out_;
    TrackId last_ = 0;
    Interned names_;
    Interned keys_;
    proto::Message newNames_;  // of the packet in progress: its InternedData
    proto::Message event_;
    proto::Message packet_;
    proto::Message framed_;
};

}  // namespace fluxscope
