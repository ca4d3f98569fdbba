#include "profiler/exchange/detail/perfetto_writer.h"

#include <utility>

namespace fluxscope {
namespace {

constexpr std::uint32_t kTracePacket = 1;

namespace packet_field {
constexpr std::uint32_t kClockSnapshot = 6, kTimestamp = 8, kSequence = 10, kTrackEvent = 11, kInterned = 12,
                        kSequenceFlags = 13, kTrackDescriptor = 60;
}
namespace event_field {
constexpr std::uint32_t kAnnotation = 4, kType = 9, kNameId = 10, kTrack = 11, kName = 23, kRealValue = 44,
                        kFlow = 47, kFlowEnd = 48;
}
namespace track_field {
constexpr std::uint32_t kId = 1, kName = 2, kProcess = 3, kParent = 5, kCounter = 8, kOrdering = 11,
                        kRank = 12;
}
namespace annotation_field {
constexpr std::uint32_t kNameId = 1, kInteger = 4, kReal = 5, kText = 6, kName = 10;
}
namespace interned_field {
constexpr std::uint32_t kNames = 2, kAnnotationNames = 3;
}

enum EventType : std::uint8_t { kBegin = 1, kEnd = 2, kInstant = 3, kCounter = 4 };

constexpr std::uint64_t kSequence = 1;
constexpr std::uint64_t kStateCleared = 1, kNeedsState = 2;  // SequenceFlags
constexpr std::uint64_t kByRank = 3;                         // ChildTracksOrdering.EXPLICIT
constexpr std::uint64_t kRealtime = 1, kMonotonic = 3,
                        kBoottime = 6;  // BuiltinClock; a trace's own is the last

}  // namespace

std::uint64_t PerfettoWriter::Interned::numberOf(std::string_view name, proto::Message& newNames) {
    std::string key(name);
    if (const auto known = numbers_.find(key); known != numbers_.end()) return known->second;
    if (numbers_.size() >= kMostInterned) return 0;
    const std::uint64_t number = numbers_.size() + 1;
    numbers_.emplace(std::move(key), number);
    proto::Message entry;
    entry.varint(1, number);
    entry.text(2, name);
    newNames.message(field_, entry);
    return number;
}

proto::Message& Annotations::next(std::string_view name) {
    one_.clear();
    if (const std::uint64_t number = writer_.keys_.numberOf(name, writer_.newNames_); number != 0) {
        one_.varint(annotation_field::kNameId, number);
    } else {
        one_.text(annotation_field::kName, name);
    }
    return one_;
}

void Annotations::keep() { list_.message(event_field::kAnnotation, one_); }

void Annotations::add(std::string_view name, std::int64_t value) {
    next(name).integer(annotation_field::kInteger, value);
    keep();
}

void Annotations::add(std::string_view name, double value) {
    next(name).real(annotation_field::kReal, value);
    keep();
}

void Annotations::add(std::string_view name, std::string_view value) {
    next(name).text(annotation_field::kText, value);
    keep();
}

PerfettoWriter::PerfettoWriter(OutputFile& out)
    : out_(out), names_(interned_field::kNames), keys_(interned_field::kAnnotationNames) {
    proto::Message first;
    first.varint(packet_field::kSequence, kSequence);
    first.varint(packet_field::kSequenceFlags, kStateCleared);
    write(first);
}

void PerfettoWriter::clock(Nanoseconds monotonic, Nanoseconds utc) {
    proto::Message snapshot;
    const auto add = [&snapshot](std::uint64_t clock, Nanoseconds time) {
        proto::Message one;
        one.varint(1, clock);
        one.integer(2, time.count());
        snapshot.message(1, one);
    };
    add(kBoottime, monotonic);
    add(kMonotonic, monotonic);
    add(kRealtime, utc);
    proto::Message packet;
    packet.integer(packet_field::kTimestamp, monotonic.count());
    packet.message(packet_field::kClockSnapshot, snapshot);
    packet.varint(packet_field::kSequence, kSequence);
    write(packet);
}

TrackId PerfettoWriter::describe(TrackId parent, std::string_view name, std::int32_t rank,
                                 const proto::Message* more, std::uint32_t field) {
    proto::Message track;
    track.varint(track_field::kId, ++last_);
    if (parent != 0) track.varint(track_field::kParent, parent);
    track.text(track_field::kName, name);
    if (more != nullptr) track.message(field, *more);
    track.varint(track_field::kOrdering, kByRank);
    track.integer(track_field::kRank, rank);
    proto::Message packet;
    packet.varint(packet_field::kSequence, kSequence);
    packet.message(packet_field::kTrackDescriptor, track);
    write(packet);
    return last_;
}

TrackId PerfettoWriter::group(std::string_view name, std::int32_t number) {
    proto::Message process;
    process.integer(1, number);
    process.text(6, name);
    return describe(0, name, number, &process, track_field::kProcess);
}

TrackId PerfettoWriter::track(TrackId parent, std::string_view name, std::int32_t rank) {
    return describe(parent, name, rank, nullptr, 0);
}

TrackId PerfettoWriter::counter(TrackId parent, std::string_view name, std::string_view unit,
                                std::int32_t rank) {
    proto::Message counter;
    counter.text(6, unit);
    return describe(parent, name, rank, &counter, track_field::kCounter);
}

void PerfettoWriter::nameInto(proto::Message& event, std::string_view name) {
    if (const std::uint64_t number = names_.numberOf(name, newNames_); number != 0) {
        event.varint(event_field::kNameId, number);
    } else {
        event.text(event_field::kName, name);
    }
}

void PerfettoWriter::slice(TrackId track, Nanoseconds begin, Nanoseconds end, std::string_view name,
                           const Annotations& annotations, FlowEnd flow) {
    event_.clear();
    event_.varint(event_field::kType, kBegin);
    event_.varint(event_field::kTrack, track);
    nameInto(event_, name);
    if (flow.flow != Flow::None)
        event_.fixed(flow.flow == Flow::Begins ? event_field::kFlow : event_field::kFlowEnd, flow.id);
    event_.append(annotations.list_.bytes());
    packet(begin, event_);
    event_.clear();
    event_.varint(event_field::kType, kEnd);
    event_.varint(event_field::kTrack, track);
    packet(end, event_);
}

void PerfettoWriter::instant(TrackId track, Nanoseconds at, std::string_view name,
                             const Annotations& annotations) {
    event_.clear();
    event_.varint(event_field::kType, kInstant);
    event_.varint(event_field::kTrack, track);
    nameInto(event_, name);
    event_.append(annotations.list_.bytes());
    packet(at, event_);
}

void PerfettoWriter::value(TrackId track, Nanoseconds at, double value) {
    event_.clear();
    event_.varint(event_field::kType, kCounter);
    event_.varint(event_field::kTrack, track);
    event_.real(event_field::kRealValue, value);
    packet(at, event_);
}

void PerfettoWriter::packet(Nanoseconds at, const proto::Message& event) {
    packet_.clear();
    packet_.integer(packet_field::kTimestamp, at.count());
    packet_.varint(packet_field::kSequence, kSequence);
    packet_.varint(packet_field::kSequenceFlags, kNeedsState);
    if (!newNames_.empty()) {
        packet_.message(packet_field::kInterned, newNames_);
        newNames_.clear();
    }
    packet_.message(packet_field::kTrackEvent, event);
    write(packet_);
}

void PerfettoWriter::write(const proto::Message& packet) {
    framed_.clear();
    framed_.message(kTracePacket, packet);
    out_.write(framed_.bytes());
}

}  // namespace fluxscope
