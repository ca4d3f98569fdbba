// Keys and categories are those of PyTorch's profiler, so that what reads its traces reads ours: kernels and copies of a device are a
// process of that number with a thread for each stream, host calls a process of their own, `correlation` joins the two.
#include "engine/contract/error.h"
#include "profiler/exchange/detail/capture_walk.h"
#include "profiler/exchange/detail/json_text.h"
#include "profiler/exchange/detail/launches.h"
#include "profiler/exchange/detail/metric_unit.h"
#include "profiler/exchange/detail/output_file.h"
#include "profiler/exchange/export.h"

#include <array>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace fluxscope {
namespace {

// Processes of a trace: devices have their number, the host's side of run N is this and N.
constexpr std::int64_t kHost = 1'000'000;
constexpr std::int64_t kDecisionThread = -1;  // below the numbers of threads
constexpr std::int64_t kSyncThread = -2;
constexpr std::int64_t kOverheadThread = -3;

// Microseconds with all of the nanoseconds.
std::string microseconds(Nanoseconds time) {
    std::array<char, 40> text{};
    const auto ns = static_cast<long long>(time.count());
    std::snprintf(text.data(), text.size(), "%lld.%03lld", ns / 1000, ns % 1000);
    return text.data();
}

// As Kineto names them: "Memcpy HtoD (Pinned -> Device)".
std::string copyName(const CopyRecord& copy) {
    const std::string host = copy.pinned ? "Pinned" : "Pageable";
    switch (copy.kind) {
        case CopyKind::HostToDevice: return "Memcpy HtoD (" + host + " -> Device)";
        case CopyKind::DeviceToHost: return "Memcpy DtoH (Device -> " + host + ")";
        case CopyKind::DeviceToDevice: return "Memcpy DtoD (Device -> Device)";
        case CopyKind::HostToHost: return "Memcpy HtoH (" + host + " -> " + host + ")";
        case CopyKind::PeerToPeer: return "Memcpy PtoP (Device -> Device)";
        case CopyKind::Other: break;
    }
    return "Memcpy";
}

class ChromeExport : public CaptureVisitor {
public:
    explicit ChromeExport(OutputFile& out) : out_(out) {}

    void clock(Nanoseconds monotonic, Nanoseconds utc) override {
        line_ =
            R"({"schemaVersion": 1, "deviceProperties": [], "displayTimeUnit": "ms", "baseTimeNanoseconds": )" +
            std::to_string((utc - monotonic).count()) + R"(, "traceEvents": [)";
    }

    void run(const WalkedRun& run) override {
        nameProcess(hostOf(run), run.title);
        nameThread(hostOf(run), run.hostThread, "engine");
        nameThread(hostOf(run), kDecisionThread, "decisions");
    }

    void scope(const WalkedRun& run, const WalkedScope& scope) override {
        slice("user_annotation", placeName(scope.key), hostOf(run), run.hostThread, scope.begin, scope.end);
        if (!scope.key.layer && !scope.key.op) text("prompts", run.promptsOf(scope.key.batch));
        if (scope.bytesRead) number("bytes read (analytic)", *scope.bytesRead);
        if (scope.bytesWritten) number("bytes written (analytic)", *scope.bytesWritten);
        if (scope.flops) number("FLOPs (analytic)", *scope.flops);
        end();
    }

    void decision(const WalkedRun& run, const WalkedDecision& d) override {
        begin("i", "decision", "layer " + std::to_string(d.layer) + " " + std::string(d.attention),
              hostOf(run), kDecisionThread, d.at);
        line_ += R"(, "s": "t")";
        arguments();
        text("prompt", d.promptId);
        number("layer", d.layer);
        number("step", d.step);
        if (d.kvHead >= 0) number("KV head", d.kvHead);
        text("decided by", d.decidedBy);
        if (d.fullProbability) real("p_full", *d.fullProbability);
        if (d.threshold) real("threshold", *d.threshold);
        if (d.margin) real("margin", *d.margin);
        if (d.kvBytesKept) number("KV bytes kept", *d.kvBytesKept);
        if (d.kvBytesFreed) number("KV bytes freed", *d.kvBytesFreed);
        end();
    }

    void call(const WalkedRun& run, const ApiRecord& call) override {
        // Kineto tells the runtime's functions from the driver's by their names, too.
        const char* const category = call.name.starts_with("cuda") ? "cuda_runtime" : "cuda_driver";
        slice(category, call.name, hostOf(run), call.thread, call.begin, call.end);
        number("correlation", call.correlation);
        placeText(call.scope);
        end();
        if (call.correlation != 0) flow(run, "s", call.correlation, hostOf(run), call.thread, call.begin);
    }

    void kernel(const WalkedRun& run, const KernelRecord& kernel) override {
        onDevice(run, "kernel", kernel.name, kernel);
        triple("grid", kernel.launch.grid);
        triple("block", kernel.launch.block);
        number("registers per thread", kernel.launch.registersPerThread);
        number("shared memory",
               std::int64_t{kernel.launch.staticSharedBytes} + kernel.launch.dynamicSharedBytes);
        if (kernel.graphNode != 0) number("graph node id", static_cast<std::int64_t>(kernel.graphNode));
        end();
        arrow(run, kernel);
    }

    void copy(const WalkedRun& run, const CopyRecord& copy) override {
        onDevice(run, "gpu_memcpy", copyName(copy), copy);
        number("bytes", copy.bytes);
        end();
        arrow(run, copy);
    }

    void fill(const WalkedRun& run, const FillRecord& fill) override {
        onDevice(run, "gpu_memset", "Memset (Device)", fill);
        number("bytes", fill.bytes);
        end();
        arrow(run, fill);
    }

    void sync(const WalkedRun& run, const SyncRecord& sync) override {
        nameThread(hostOf(run), kSyncThread, "synchronisation");
        slice("cuda_sync", sync.kind, hostOf(run), kSyncThread, sync.begin, sync.end);
        number("correlation", sync.correlation);
        number("stream", sync.queue.stream);
        end();
    }

    void overhead(const WalkedRun& run, const OverheadRecord& overhead) override {
        nameThread(hostOf(run), kOverheadThread, "the tracer's own work");
        slice("overhead", overhead.kind, hostOf(run), kOverheadThread, overhead.begin, overhead.end);
        end();
    }

    void sample(const WalkedRun& run, const SampleRecord& sample) override {
        const ShownMetric shown = shownMetric(sample);
        begin("C", "counter", shown.name + (shown.unit.empty() ? "" : ", " + std::string(shown.unit)),
              hostOf(run), 0, sample.begin);
        arguments();
        real("value", shown.value);
        end();
    }

    void finish() {
        out_.write(line_ + "\n]}\n");
        out_.finish();
    }

private:
    static std::int64_t hostOf(const WalkedRun& run) { return kHost + run.run.value(); }

    void begin(const char* phase, const char* category, std::string_view name, std::int64_t process,
               std::int64_t thread, Nanoseconds at) {
        out_.write(line_);
        line_ = first_ ? "\n" : ",\n";
        first_ = false;
        line_ += R"({"ph": ")";
        line_ += phase;
        line_ += R"(", "cat": ")";
        line_ += category;
        line_ += R"(", "name": )";
        appendJsonText(line_, name);
        line_ += R"(, "pid": )" + std::to_string(process) + R"(, "tid": )" + std::to_string(thread) +
                 R"(, "ts": )" + microseconds(at);
    }
    void slice(const char* category, std::string_view name, std::int64_t process, std::int64_t thread,
               Nanoseconds from, Nanoseconds to) {
        begin("X", category, name, process, thread, from);
        line_ += R"(, "dur": )" + microseconds(to - from);
        arguments();
    }
    void arguments() {
        line_ += R"(, "args": {)";
        firstArgument_ = true;
    }
    void key(std::string_view name) {
        if (!firstArgument_) line_ += ", ";
        firstArgument_ = false;
        line_ += '"';
        line_ += name;
        line_ += "\": ";
    }
    void text(std::string_view name, std::string_view value) {
        key(name);
        appendJsonText(line_, value);
    }
    void number(std::string_view name, std::int64_t value) {
        key(name);
        line_ += std::to_string(value);
    }
    void real(std::string_view name, double value) {
        key(name);
        appendJsonNumber(line_, value);
    }
    void triple(std::string_view name, const std::array<std::int32_t, 3>& value) {
        key(name);
        line_ += "[" + std::to_string(value[0]) + ", " + std::to_string(value[1]) + ", " +
                 std::to_string(value[2]) + "]";
    }
    void placeText(const Attributed& scope) {
        if (scope.place) text("scope", placeName(*scope.place));
        text("attribution", nameOf(scope.by));
    }
    void end() { line_ += "}}"; }

    template <class Record>
    void onDevice(const WalkedRun& run, const char* category, std::string_view name, const Record& record) {
        const DeviceQueue& q = record.queue;
        nameProcess(q.device, "device " + std::to_string(q.device));
        nameThread(q.device, q.stream, "stream " + std::to_string(q.stream));
        slice(category, name, q.device, q.stream, record.begin, record.end);
        number("device", q.device);
        number("context", q.context);
        number("stream", q.stream);
        number("correlation", record.correlation);
        number("run", run.run.value());
        placeText(record.scope);
    }

    template <class Record>
    void arrow(const WalkedRun& run, const Record& record) {
        if (launches_[run.process].isFirst(record.correlation))
            flow(run, "f", record.correlation, record.queue.device, record.queue.stream, record.begin);
    }

    void flow(const WalkedRun& run, const char* phase, std::int64_t correlation, std::int64_t process,
              std::int64_t thread, Nanoseconds at) {
        begin(phase, "ac2g", "ac2g", process, thread, at);
        // As text: ids of two processes must not be the same, and a double does not hold both in one number.
        line_ += R"(, "id": ")" + std::to_string(run.process) + "-" + std::to_string(correlation) + "\"";
        if (*phase == 'f') line_ += R"(, "bp": "e")";
        line_ += '}';
    }

    void metadata(const char* what, std::int64_t process, std::int64_t thread, const std::string& name) {
        begin("M", "__metadata", what, process, thread, {});
        arguments();
        text("name", name);
        end();
    }
    void nameProcess(std::int64_t process, const std::string& name) {
        if (named_.insert({process, -1}).second) metadata("process_name", process, 0, name);
    }
    void nameThread(std::int64_t process, std::int64_t thread, const std::string& name) {
        if (named_.insert({process, thread}).second) metadata("thread_name", process, thread, name);
    }

    OutputFile& out_;
    std::string line_;  // the event in progress: the one before has been written
    bool first_ = true;
    bool firstArgument_ = true;
    std::set<std::pair<std::int64_t, std::int64_t>> named_;
    std::map<std::int32_t, FirstOfLaunch> launches_;  // by process
};

}  // namespace

ExchangeSummary exportChrome(const std::filesystem::path& capture, const std::filesystem::path& file,
                             const ExchangeOptions& options) {
    OutputFile out(file);
    ChromeExport visitor(out);
    ExchangeSummary summary = walkCapture(capture, visitor, options);
    visitor.finish();
    return summary;
}

}  // namespace fluxscope
