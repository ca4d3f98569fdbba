// A Chrome trace as PyTorch's profiler writes it (Kineto). It may have gigabytes, so it is parsed event by event into a staged trace.
#include "engine/contract/cancel.h"
#include "engine/contract/error.h"
#include "profiler/exchange/detail/decimal.h"
#include "profiler/exchange/detail/input_stream.h"
#include "profiler/exchange/detail/rows.h"
#include "profiler/exchange/detail/staged_trace.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <istream>
#include <string>
#include <utility>

namespace fluxscope {
namespace {

using Json = nlohmann::json;

constexpr int kDeepest = 64;
constexpr std::int64_t kEventsBetweenLooks = 1 << 12;

// What is read of an event. Times are nanoseconds; absent: not there, or not of its type.
struct Event {
    std::string phase, category, name;
    std::optional<std::int64_t> ts, dur, pid, tid;
    bool durIsBad = false;
    StagedWork work;
    std::optional<std::int64_t> device, stream;
    std::int64_t externalId = 0;
};

std::int64_t copyKindOf(std::string_view name) {
    const auto says = [name](std::string_view a, std::string_view b) {
        return name.find(a) != std::string_view::npos || name.find(b) != std::string_view::npos;
    };
    if (says("HtoD", "host-to-device")) return 1;
    if (says("DtoH", "device-to-host")) return 2;
    if (says("DtoD", "device-to-device")) return 8;
    if (says("HtoH", "host-to-host")) return 9;
    if (says("PtoP", "peer-to-peer")) return 10;
    return 0;
}

class KinetoReader : public nlohmann::json_sax<Json> {
public:
    KinetoReader(std::filesystem::path file, StagedTrace& staged, const InputStream& in,
                 const ExchangeOptions& options)
        : file_(std::move(file)), staged_(staged), in_(in), options_(options) {}

    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t value) override { return number(value, std::to_string(value)); }
    bool number_unsigned(number_unsigned_t value) override {
        return number(static_cast<std::int64_t>(std::min<number_unsigned_t>(value, INT64_MAX)),
                      std::to_string(value));
    }
    bool number_float(number_float_t value, const string_t& text) override {
        const bool whole = value > -9e15 && value < 9e15;
        return number(whole ? std::optional(static_cast<std::int64_t>(value)) : std::nullopt, text);
    }
    bool string(string_t& value) override {
        if (depth_ == eventDepth_) {
            if (key_ == "ph")
                event_.phase = std::move(value);
            else if (key_ == "cat")
                event_.category = std::move(value);
            else if (key_ == "name")
                event_.name = std::move(value);
        } else if (inDevices_ && key_ == "name" && gpu_.empty()) {
            gpu_ = std::move(value);
        }
        return true;
    }
    bool binary(binary_t&) override { return true; }

    bool start_object(std::size_t) override {
        deeper();
        if (eventDepth_ == 0 && inEvents_ && depth_ == eventsDepth_ + 1) {
            eventDepth_ = depth_;
            event_ = {};
        } else if (eventDepth_ != 0 && depth_ == eventDepth_ + 1 && key_ == "args") {
            insideArguments_ = true;
        }
        return true;
    }
    bool key(string_t& value) override {
        key_ = std::move(value);
        if (depth_ == 1) topKey_ = key_;
        element_ = 0;
        return true;
    }
    bool end_object() override {
        if (depth_ == eventDepth_) {
            eventEnded();
            eventDepth_ = 0;
        }
        if (depth_ == eventDepth_ + 1) insideArguments_ = false;
        --depth_;
        return true;
    }
    bool start_array(std::size_t) override {
        deeper();
        element_ = 0;
        if ((depth_ == 2 && topKey_ == "traceEvents") || depth_ == 1) {
            inEvents_ = sawEvents_ = true;
            eventsDepth_ = depth_;
        }
        inDevices_ |= depth_ == 2 && topKey_ == "deviceProperties";
        return true;
    }
    bool end_array() override {
        if (inEvents_ && depth_ == eventsDepth_) inEvents_ = false;
        if (depth_ == 2) inDevices_ = false;
        --depth_;
        return true;
    }
    bool parse_error(std::size_t position, const std::string& /*token*/, const Json::exception& e) override {
        throw InputError{file_.string(), "byte " + std::to_string(position),
                         "is where it stops being JSON (" + printable(e.what(), 160) + ")",
                         "write the trace again, and wait until it is written"};
    }

    bool sawEvents() const { return sawEvents_; }
    void tell(TraceTables& trace) const {
        ImportedFacts& facts = trace.facts;
        facts.tool = "PyTorch profiler";
        facts.version = schema_ ? "trace schema " + std::to_string(*schema_) : "";
        facts.utc = Nanoseconds(base_ && *base_ > 0 && *base_ < (std::int64_t{1} << 62) ? *base_ : 0);
        if (!gpu_.empty()) facts.environment.push_back({"gpu", gpu_, "import"});
        if (firstDevice_) facts.device = "cuda:" + std::to_string(*firstDevice_);
        if (bad_ > 0)
            trace.notices.push_back(std::to_string(bad_) +
                                    " events lack a time or have one that is no number");
        if (halves_ > 0)
            trace.notices.push_back(
                std::to_string(halves_) +
                " events come as a beginning and an end (ph B and E): only whole ones (ph X) are "
                "read");
    }

private:
    void deeper() {
        if (++depth_ > kDeepest)
            throw InputError{file_.string(), "",
                             "is nested deeper than " + std::to_string(kDeepest) + " levels",
                             "give a trace of PyTorch's profiler"};
    }

    bool number(std::optional<std::int64_t> value, const std::string& text) {
        if (eventDepth_ == 0) {
            if (depth_ == 1 && key_ == "schemaVersion") schema_ = value;
            if (depth_ == 1 && key_ == "baseTimeNanoseconds") base_ = value;
        } else if (depth_ == eventDepth_) {
            if (key_ == "ts")
                event_.ts = nanosecondsOf(text);
            else if (key_ == "dur") {
                event_.dur = nanosecondsOf(text);
                event_.durIsBad = !event_.dur;
            } else if (key_ == "pid")
                event_.pid = value;
            else if (key_ == "tid")
                event_.tid = value;
        } else if (insideArguments_ && value) {
            argument(*value);
        }
        return true;
    }

    void argument(std::int64_t value) {
        StagedWork& w = event_.work;
        if (depth_ == eventDepth_ + 2) {
            if (element_ < 3 && key_ == "grid") w.grid[element_] = value;
            if (element_ < 3 && key_ == "block") w.block[element_] = value;
            ++element_;
        } else if (key_ == "correlation")
            w.correlation = value;
        else if (key_ == "External id" || key_ == "external id")
            event_.externalId = value;
        else if (key_ == "stream")
            event_.stream = value;
        else if (key_ == "device")
            event_.device = value;
        else if (key_ == "context")
            w.context = value;
        else if (key_ == "graph node id")
            w.node = value;
        else if (key_ == "graph id")
            w.graph = value;
        else if (key_ == "registers per thread")
            w.registers = value;
        else if (key_ == "shared memory")
            w.sharedBytes = value;
        else if (key_ == "bytes")
            w.bytes = value;
    }

    void eventEnded() {
        if (++events_ % kEventsBetweenLooks == 0) {
            if (options_.cancel != nullptr && options_.cancel->cancelled())
                throw CancelledError{file_.string()};
            if (options_.progress) options_.progress("reading " + file_.filename().string(), in_.share());
        }
        if (event_.phase == "B" || event_.phase == "E") ++halves_;
        if (event_.phase != "X") return;
        const std::string& category = event_.category;
        const bool onDevice = category == "kernel" || category == "gpu_memcpy" || category == "gpu_memset";
        const bool isCall = category == "cuda_runtime" || category == "cuda_driver";
        if (!onDevice && !isCall && category != "cpu_op" && category != "user_annotation") return;
        if (!event_.ts || event_.durIsBad) {
            ++bad_;
            return;
        }
        const std::int64_t begin = *event_.ts;
        const std::int64_t end = begin + event_.dur.value_or(0);
        if (onDevice) return device(begin, end);
        const std::int64_t thread =
            (event_.pid.value_or(0) & 0x7FFFFFFF) << 32 | (event_.tid.value_or(0) & 0xFFFFFFFF);
        if (category == "user_annotation") {
            staged_.range(thread, begin, end, event_.name);
        } else if (isCall) {
            staged_.call(thread, begin, end, event_.work.correlation, event_.work.correlation, event_.name);
        } else if (event_.externalId > 0 && event_.externalId < kOtherKeys) {
            staged_.call(thread, begin, end, kOtherKeys + event_.externalId, 0, {});
        }
    }

    void device(std::int64_t begin, std::int64_t end) {
        StagedWork& w = event_.work;
        w.begin = begin;
        w.end = end;
        w.device = event_.device ? *event_.device : event_.pid.value_or(0);
        w.stream = event_.stream ? *event_.stream : event_.tid.value_or(0);
        w.externalId = event_.externalId < kOtherKeys ? event_.externalId : 0;
        firstDevice_ = std::min(firstDevice_.value_or(w.device), w.device);
        if (event_.category == "kernel") return staged_.kernel(w, event_.name);
        if (event_.category == "gpu_memset") return staged_.fill(w);
        w.copyKind = copyKindOf(event_.name);
        w.pinned = event_.name.find("Pinned") != std::string::npos;
        staged_.copy(w);
    }

    const std::filesystem::path file_;
    StagedTrace& staged_;
    const InputStream& in_;
    const ExchangeOptions& options_;
    std::string key_, topKey_, gpu_;
    int depth_ = 0;
    int eventDepth_ = 0;  // 0: in no event
    int eventsDepth_ = 0;
    bool inEvents_ = false, sawEvents_ = false, inDevices_ = false, insideArguments_ = false;
    std::size_t element_ = 0;
    Event event_;
    std::optional<std::int64_t> schema_, base_, firstDevice_;
    std::int64_t events_ = 0, bad_ = 0, halves_ = 0;
};

}  // namespace

TraceTables readKineto(const std::filesystem::path& file, const ExchangeOptions& options) {
    return guarded(file, options.cancel, [&] {
        StagedTrace staged(options.cancel);
        InputStream in(file, InputStream::Unit::Text);
        KinetoReader reader(file, staged, in, options);
        std::istream text(&in);
        text.exceptions(std::istream::badbit);  // what the stream throws is thrown on
        Json::sax_parse(text, &reader);
        if (!reader.sawEvents())
            throw InputError{
                file.string(), "traceEvents", "is missing: this is no Chrome trace",
                "give a trace of PyTorch's profiler, an export of Nsight Systems, or decisions as JSON "
                "lines"};
        TraceTables trace = staged.finish();
        reader.tell(trace);
        return trace;
    });
}

}  // namespace fluxscope
