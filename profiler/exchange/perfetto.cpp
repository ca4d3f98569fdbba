#include "profiler/exchange/detail/capture_walk.h"
#include "profiler/exchange/detail/lanes.h"
#include "profiler/exchange/detail/launches.h"
#include "profiler/exchange/detail/metric_unit.h"
#include "profiler/exchange/detail/perfetto_writer.h"
#include "profiler/exchange/export.h"

#include <array>
#include <map>
#include <string>
#include <tuple>

namespace fluxscope {
namespace {

// From top to bottom within a run.
enum class Shelf : std::uint8_t { Steps, Call, Kernel, Copy, Counter, Sync, Overhead, Layer };
constexpr std::int32_t kTracksOfAShelf = 100'000;

std::string dimensions(const std::array<std::int32_t, 3>& size) {
    return std::to_string(size[0]) + " x " + std::to_string(size[1]) + " x " + std::to_string(size[2]);
}

class PerfettoExport : public CaptureVisitor {
public:
    explicit PerfettoExport(OutputFile& out) : writer_(out), notes_(writer_) {}

    void clock(Nanoseconds monotonic, Nanoseconds utc) override { writer_.clock(monotonic, utc); }

    void run(const WalkedRun& run) override { groups_[run.run] = writer_.group(run.title, run.run.value()); }

    void scope(const WalkedRun& run, const WalkedScope& scope) override {
        const ScopeKey& key = scope.key;
        std::string name;
        if (key.op) {
            name = nameOf(*key.op);
        } else if (key.chunk) {
            name = "chunk " + std::to_string(key.chunk->value());
        } else if (key.layer) {
            name = std::string(nameOf(key.phase)) + " " + std::to_string(key.step.value());
        } else {
            const std::string prompts = run.promptsOf(key.batch);
            name = std::string(nameOf(key.phase)) +
                   (key.phase == Phase::Decode ? " " + std::to_string(key.step.value()) : "") +
                   (prompts.empty() ? "" : " · " + prompts);
        }
        notes_.clear();
        notes_.add("batch", std::int64_t{key.batch.value()});
        notes_.add("step", std::int64_t{key.step.value()});
        if (key.turn.value() > 0) notes_.add("turn", std::int64_t{key.turn.value()});
        if (key.chunk) notes_.add("chunk", std::int64_t{key.chunk->value()});
        if (scope.bytesRead) notes_.add("bytes read (analytic)", *scope.bytesRead);
        if (scope.bytesWritten) notes_.add("bytes written (analytic)", *scope.bytesWritten);
        if (scope.flops) notes_.add("FLOPs (analytic)", *scope.flops);
        const TrackId track =
            key.layer ? layer(run, key.layer->value(), scope.begin, scope.end)
                      : lane(run, Shelf::Steps, 0, "phases and steps", Nesting::Yes, scope.begin, scope.end);
        writer_.slice(track, scope.begin, scope.end, name, notes_);
    }

    void decision(const WalkedRun& run, const WalkedDecision& d) override {
        notes_.clear();
        notes_.add("prompt", d.promptId);
        notes_.add("step", std::int64_t{d.step});
        if (d.turn > 0) notes_.add("turn", std::int64_t{d.turn});
        if (d.kvHead >= 0) notes_.add("KV head", std::int64_t{d.kvHead});
        notes_.add("decided by", d.decidedBy);
        if (d.fullProbability) notes_.add("p_full", *d.fullProbability);
        if (d.threshold) notes_.add("threshold", *d.threshold);
        if (d.margin) notes_.add("margin", *d.margin);
        if (d.kvBytesKept) notes_.add("KV bytes kept", *d.kvBytesKept);
        if (d.kvBytesFreed) notes_.add("KV bytes freed", *d.kvBytesFreed);
        writer_.instant(layer(run, d.layer, d.at, d.at), d.at,
                        std::string(d.attention) + " · " + std::string(d.promptId), notes_);
    }

    void call(const WalkedRun& run, const ApiRecord& call) override {
        notes_.clear();
        placeInto(call.scope);
        const TrackId track =
            lane(run, Shelf::Call, call.thread, "API, thread " + std::to_string(call.thread), Nesting::Yes,
                 call.begin, call.end);
        writer_.slice(track, call.begin, call.end, call.name, notes_,
                      {call.correlation != 0 ? Flow::Begins : Flow::None, flowOf(run, call.correlation)});
    }

    void kernel(const WalkedRun& run, const KernelRecord& kernel) override {
        notes_.clear();
        placeInto(kernel.scope);
        notes_.add("grid", dimensions(kernel.launch.grid));
        notes_.add("block", dimensions(kernel.launch.block));
        if (kernel.launch.cluster[0] > 0) notes_.add("cluster", dimensions(kernel.launch.cluster));
        notes_.add("registers per thread", std::int64_t{kernel.launch.registersPerThread});
        notes_.add("shared memory bytes",
                   std::int64_t{kernel.launch.staticSharedBytes} + kernel.launch.dynamicSharedBytes);
        if (kernel.graphNode != 0) notes_.add("graph node", static_cast<std::int64_t>(kernel.graphNode));
        onDevice(run, Shelf::Kernel, kernel, kernel.name);
    }

    void copy(const WalkedRun& run, const CopyRecord& copy) override {
        notes_.clear();
        placeInto(copy.scope);
        notes_.add("bytes", copy.bytes);
        notes_.add("pinned", std::int64_t{copy.pinned ? 1 : 0});
        onDevice(run, Shelf::Copy, copy, nameOf(copy.kind));
    }

    void fill(const WalkedRun& run, const FillRecord& fill) override {
        notes_.clear();
        placeInto(fill.scope);
        notes_.add("bytes", fill.bytes);
        onDevice(run, Shelf::Copy, fill, "memset");
    }

    void sync(const WalkedRun& run, const SyncRecord& sync) override {
        notes_.clear();
        const TrackId track = lane(run, Shelf::Sync, 0, "synchronisation", Nesting::No, sync.begin, sync.end);
        writer_.slice(track, sync.begin, sync.end, sync.kind, notes_);
    }

    void overhead(const WalkedRun& run, const OverheadRecord& overhead) override {
        notes_.clear();
        const TrackId track =
            lane(run, Shelf::Overhead, 0, "the tracer's own work", Nesting::No, overhead.begin, overhead.end);
        writer_.slice(track, overhead.begin, overhead.end, overhead.kind, notes_);
    }

    void sample(const WalkedRun& run, const SampleRecord& sample) override {
        const ShownMetric shown = shownMetric(sample);
        TrackId& track = counters_[{run.run, shown.name}];
        if (track == 0) {
            track = writer_.counter(groups_[run.run], shown.name, shown.unit,
                                    static_cast<std::int32_t>(Shelf::Counter) * kTracksOfAShelf);
        }
        writer_.value(track, sample.begin, shown.value);
    }

private:
    struct Shelved {
        explicit Shelved(Nesting nesting) : lanes(nesting) {}
        Lanes lanes;
        std::vector<TrackId> tracks;
    };

    // The track of a slice: that of its name, or one of its spill lanes.
    TrackId lane(const WalkedRun& run, Shelf shelf, std::int64_t number, const std::string& name,
                 Nesting nesting, Nanoseconds begin, Nanoseconds end) {
        Shelved& shelved = tracks_.try_emplace({run.run, shelf, number}, nesting).first->second;
        const std::size_t at = shelved.lanes.place(begin, end);
        while (shelved.tracks.size() <= at) {
            const std::string lane =
                shelved.tracks.empty() ? name : name + " (" + std::to_string(shelved.tracks.size() + 1) + ")";
            const auto rank = static_cast<std::int32_t>(shelf) * kTracksOfAShelf +
                              static_cast<std::int32_t>(number % kTracksOfAShelf);
            shelved.tracks.push_back(writer_.track(groups_[run.run], lane, rank));
        }
        return shelved.tracks[at];
    }

    TrackId layer(const WalkedRun& run, std::int32_t index, Nanoseconds begin, Nanoseconds end) {
        return lane(run, Shelf::Layer, index, "layer " + std::to_string(index), Nesting::Yes, begin, end);
    }

    void placeInto(const Attributed& scope) {
        if (scope.place) notes_.add("scope", placeName(*scope.place));
        notes_.add("attribution", nameOf(scope.by));
    }

    static std::uint64_t flowOf(const WalkedRun& run, std::int64_t correlation) {
        return static_cast<std::uint64_t>(run.process) << 48 ^ static_cast<std::uint64_t>(correlation);
    }

    template <class Record>
    void onDevice(const WalkedRun& run, Shelf shelf, const Record& record, std::string_view name) {
        const DeviceQueue& q = record.queue;
        const std::string track = "device " + std::to_string(q.device) + ", stream " +
                                  std::to_string(q.stream) +
                                  (shelf == Shelf::Copy ? ", copies" : ", kernels");
        const std::int64_t number = (std::int64_t{q.device} << 32) + q.stream;
        const TrackId at = lane(run, shelf, number, track, Nesting::No, record.begin, record.end);
        const bool first = launches_[run.process].isFirst(record.correlation);
        writer_.slice(at, record.begin, record.end, name, notes_,
                      {first ? Flow::Ends : Flow::None, flowOf(run, record.correlation)});
    }

    PerfettoWriter writer_;
    Annotations notes_;
    std::map<RunIndex, TrackId> groups_;
    std::map<std::tuple<RunIndex, Shelf, std::int64_t>, Shelved> tracks_;
    std::map<std::pair<RunIndex, std::string>, TrackId> counters_;
    std::map<std::int32_t, FirstOfLaunch> launches_;  // by process
};

}  // namespace

ExchangeSummary exportPerfetto(const std::filesystem::path& capture, const std::filesystem::path& file,
                               const ExchangeOptions& options) {
    OutputFile out(file);
    PerfettoExport visitor(out);
    ExchangeSummary summary = walkCapture(capture, visitor, options);
    out.finish();
    return summary;
}

}  // namespace fluxscope
