// From queries over another tool's trace to a run of a capture.
#include "engine/contract/cancel.h"
#include "engine/contract/error.h"
#include "profiler/exchange/detail/place_name.h"
#include "profiler/exchange/detail/range_sweep.h"
#include "profiler/exchange/detail/rows.h"
#include "profiler/exchange/detail/trace_tables.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace fluxscope {
namespace {

constexpr std::int64_t kRowsBetweenLooks = 1 << 13;
constexpr std::size_t kMostNames = 200'000;
constexpr std::size_t kRecordsOfABatch = 4096;
constexpr std::size_t kLongestName = 4096;

// Texts that live as long as the import: records refer to them.
class Names {
public:
    std::string_view keep(std::string_view text) {
        if (text.size() > kLongestName) text = text.substr(0, kLongestName);
        const std::string key(text);
        if (const auto known = names_.find(key); known != names_.end()) return *known;
        if (names_.size() >= kMostNames) return "(one of too many names)";
        return *names_.insert(key).first;
    }

private:
    std::unordered_set<std::string> names_;  // its strings stay where they are
};

struct PlacedCall {
    std::int64_t key = 0;
    PackedPlace place;
};

// What a layer took on the host in a step, for a trace without a device: its ranges, added up. Those of one layer do not overlap.
class HostTimes {
public:
    void add(const ScopeKey& key, Nanoseconds begin, Nanoseconds end) {
        Times& times = times_[{key.phase == Phase::Decode, key.step.value(), key.layer->value()}];
        if (!key.op) {
            if (times.whole == Nanoseconds{}) times.begin = begin;
            times.whole += end - begin;
        } else if (key.op == Op::Router) {
            times.router += end - begin;
        } else if (key.op == Op::Attention) {
            times.attention += end - begin;
        }
    }

    void writeTo(ImportedRun& run) const {
        for (const auto& [at, times] : times_) {
            const auto& [isDecode, step, layer] = at;
            run.write(LayerStepRecord{.phase = isDecode ? Phase::Decode : Phase::Prefill,
                                      .step = StepIndex(step),
                                      .layer = LayerIndex(layer),
                                      .begin = times.begin,
                                      .time = times.whole,
                                      .router = times.router,
                                      .attention = times.attention,
                                      .timeSource = kImportedTime});
        }
    }

private:
    struct Times {
        Nanoseconds begin{}, whole{}, router{}, attention{};
    };
    std::map<std::tuple<bool, std::int32_t, std::int32_t>, Times> times_;
};

CopyKind copyKindOf(std::int64_t cupti) {
    switch (cupti) {
        case 1: return CopyKind::HostToDevice;
        case 2: return CopyKind::DeviceToHost;
        case 8: return CopyKind::DeviceToDevice;
        case 9: return CopyKind::HostToHost;
        case 10: return CopyKind::PeerToPeer;
        default: return CopyKind::Other;
    }
}

class TraceImport {
public:
    TraceImport(TraceTables& trace, const std::filesystem::path& file, const ExchangeOptions& options)
        : trace_(trace), file_(file), options_(options), summary_{.events = 0, .notices = trace.notices} {}

    ExchangeSummary into(const std::filesystem::path& capture) {
        learnNames();
        const auto [begin, end] = span();
        ImportedRun run(file_, capture, trace_.facts, begin);
        run_ = &run;
        sweep();
        kernels();
        copies();
        fills();
        samples();
        if (!anyPlaced_)
            hostTimes_.writeTo(run);  // else the capture's writer adds up the kernels of each layer
        run.finish(end);
        summary_.events = run.rows();
        if (leftOut_ > 0)
            summary_.notices.push_back(std::to_string(leftOut_) +
                                       " events have impossible times or values and are left out");
        if (kernelCount_ > 0 && unplaced_ > 0)
            summary_.notices.push_back(
                std::to_string(unplaced_) + " of " + std::to_string(kernelCount_) +
                " kernels lie in no range whose name says a phase, step, layer or operation");
        if (tooDeep_ > 0)
            summary_.notices.push_back(std::to_string(tooDeep_) +
                                       " ranges lie too deep in others and are left out");
        return std::move(summary_);
    }

private:
    // What each text says, and how many layers there are.
    void learnNames() {
        std::int32_t layers = 0;
        if (!trace_.ranges.empty()) {
            Rows row(trace_.database, "SELECT DISTINCT text FROM (" + trace_.ranges + ")");
            while (row.next()) {
                if (places_.size() >= kMostNames) break;
                const NamedPlace place = placeOfName(row.text(0));
                if (place.saysNothing()) continue;
                if (place.layer) layers = std::max(layers, *place.layer + 1);
                places_.emplace(row.string(0), place);
            }
            if (places_.empty())
                summary_.notices.emplace_back(
                    "no range has a name that says a phase, step, layer or operation: see docs/importing.md");
        }
        trace_.facts.model.layers = layers;
        trace_.facts.model.hash = "imported " + file_.filename().string() + " " + std::to_string(layers);
        if (trace_.facts.sequences.empty()) {
            SequenceFacts unknown;
            unknown.promptId = "unknown";
            trace_.facts.sequences.push_back(unknown);
        }
    }

    std::pair<Nanoseconds, Nanoseconds> span() {
        std::optional<std::int64_t> begin, end;
        for (const std::string* query : {&trace_.ranges, &trace_.calls, &trace_.kernels, &trace_.copies}) {
            if (query->empty()) continue;
            // By name: an outer query over "begin" and "end" of each.
            Rows row(trace_.database,
                     "SELECT min(\"begin\"), max(\"end\") FROM (" + *query +
                         ") WHERE \"begin\" >= 0 AND \"end\" >= \"begin\" AND \"end\" < 4611686018427387904");
            if (!row.next() || !row.isInteger(0) || !row.isInteger(1)) continue;
            begin = std::min(begin.value_or(row.integer(0)), row.integer(0));
            end = std::max(end.value_or(row.integer(1)), row.integer(1));
        }
        if (!begin)
            throw InputError{file_.string(), "", "has no kernels, calls or ranges with a time",
                             "export it again with what was traced, as docs/importing.md says"};
        return {Nanoseconds(*begin), Nanoseconds(*end)};
    }

    void look(const char* what, std::int64_t at) {
        if (at % kRowsBetweenLooks != 0) return;
        if (options_.cancel != nullptr && options_.cancel->cancelled()) throw CancelledError{file_.string()};
        // How many there are is not known without counting them: the share is of what is done in what order.
        if (options_.progress)
            options_.progress(std::string("importing ") + what + ": " + std::to_string(at), 0);
    }

    // Ranges and calls, thread by thread, each at its time.
    void sweep() {
        const auto query = [](const std::string& select) {
            return select.empty() ? std::string("SELECT 0, 0, 0, '', 0, '' LIMIT 0")
                                  : select + " ORDER BY \"thread\", \"begin\", \"end\" DESC";
        };
        Rows ranges(trace_.database, query(trace_.ranges));
        Rows calls(trace_.database, query(trace_.calls));
        bool anyRange = ranges.next();
        bool anyCall = calls.next();
        const auto at = [](Rows& row) { return std::pair(row.integer(0), row.integer(1)); };
        std::optional<std::int64_t> thread;
        for (std::int64_t count = 0; anyRange || anyCall; ++count) {
            look("ranges and calls", count);
            const bool rangeIsNext = anyRange && (!anyCall || at(ranges) <= at(calls));
            Rows& row = rangeIsNext ? ranges : calls;
            if (const std::int64_t of = row.integer(0); thread != of) {
                closeScopes(std::nullopt);
                sweep_.newThread();
                thread = of;
            }
            if (rangeIsNext) {
                openRange(ranges);
                anyRange = ranges.next();
            } else {
                placeCall(calls);
                anyCall = calls.next();
            }
        }
        closeScopes(std::nullopt);
        flush(calls_);
        std::ranges::stable_sort(placed_, {}, &PlacedCall::key);
    }

    void closeScopes(std::optional<Nanoseconds> now) {
        sweep_.closeUntil(now, [this](const RangeSweep::Closed& scope) {
            run_->write(ScopeRecord{.key = scope.key, .begin = scope.begin, .end = scope.end, .cost = {}});
            if (scope.key.layer && !scope.key.chunk) hostTimes_.add(scope.key, scope.begin, scope.end);
        });
    }

    // False: its times are impossible.
    bool interval(Rows& row, int column, Nanoseconds& begin, Nanoseconds& end) {
        begin = row.time(column);
        end = row.time(column + 1);
        if (!row.isBad() && end >= begin) return true;
        ++leftOut_;
        return false;
    }

    void openRange(Rows& row) {
        const auto named = places_.find(row.string(3));
        if (named == places_.end()) return;
        Nanoseconds begin, end;
        if (!interval(row, 1, begin, end)) return;
        closeScopes(begin);
        if (!sweep_.open(named->second, begin, end)) ++tooDeep_;
    }

    void placeCall(Rows& row) {
        Nanoseconds begin, end;
        if (!interval(row, 1, begin, end)) return;
        closeScopes(begin);
        const PackedPlace place = sweep_.place();
        const std::int64_t key = row.integer(3);
        if (place && key != 0) placed_.push_back({key, place});
        if (key >= kOtherKeys) return;  // an operation of PyTorch, no call of the API
        ApiRecord call{
            .scope = attributed(place),
            .begin = begin,
            .end = end,
            .thread = static_cast<std::int32_t>(row.integer(0) & 0xFFFFFF),  // nsys: the low 24 bits
            .correlation = row.integer(4),
            .name = names_.keep(row.text(5))};
        if (row.isBad()) {
            ++leftOut_;
            return;
        }
        queue(calls_, call);
    }

    static Attributed attributed(PackedPlace place) {
        if (!place) return {};
        return {.place = place.key(), .by = Attribution::Time};
    }

    PackedPlace placeOf(std::int64_t key) const {
        if (key == 0) return {};
        const auto found = std::ranges::lower_bound(placed_, key, {}, &PlacedCall::key);
        return found != placed_.end() && found->key == key ? found->place : PackedPlace{};
    }

    // The columns that kernels, copies and fills have in common.
    template <class Record>
    bool work(Rows& row, Record& record) {
        if (!interval(row, 0, record.begin, record.end)) return false;
        record.queue = {.device = row.small(2), .context = row.small(3), .stream = row.small(4)};
        PackedPlace place = placeOf(row.integer(5));
        if (const std::int64_t other = row.integer(6); !place && other != 0)
            place = placeOf(kOtherKeys + other);
        record.scope = attributed(place);
        record.correlation = row.integer(7);
        return true;
    }

    template <class Record>
    void keep(Rows& row, std::vector<Record>& batch, const Record& record) {
        if (row.isBad()) {
            ++leftOut_;
            return;
        }
        queue(batch, record);
    }

    template <class Record>
    void queue(std::vector<Record>& batch, const Record& record) {
        batch.push_back(record);
        if (batch.size() >= kRecordsOfABatch) flush(batch);
    }
    template <class Record>
    void flush(std::vector<Record>& batch) {
        run_->writeAll(batch);
        batch.clear();
    }

    template <class Record, class Tell>
    void each(const std::string& query, const char* what, Tell tell) {
        if (query.empty()) return;
        std::vector<Record> batch;
        Rows row(trace_.database, query + " ORDER BY \"begin\", \"end\"");
        for (std::int64_t at = 0; row.next(); ++at) {
            look(what, at);
            tell(row, batch);
        }
        flush(batch);
    }

    void kernels() {
        each<KernelRecord>(trace_.kernels, "kernels", [this](Rows& row, auto& batch) {
            KernelRecord kernel;
            if (!work(row, kernel)) return;
            ++kernelCount_;
            if (!kernel.scope.place) ++unplaced_;
            anyPlaced_ |= kernel.scope.place.has_value();
            kernel.graph = static_cast<std::uint64_t>(row.count(8));
            kernel.graphNode = static_cast<std::uint64_t>(row.integer(9));
            kernel.name = names_.keep(row.text(10));
            kernel.launch = {.grid = {row.small(11), row.small(12), row.small(13)},
                             .block = {row.small(14), row.small(15), row.small(16)},
                             .cluster = {row.small(17), row.small(18), row.small(19)},
                             .registersPerThread = row.small(20),
                             .staticSharedBytes = row.small(21),
                             .dynamicSharedBytes = row.small(22)};
            keep(row, batch, kernel);
        });
    }

    void copies() {
        each<CopyRecord>(trace_.copies, "copies", [this](Rows& row, auto& batch) {
            CopyRecord copy;
            if (!work(row, copy)) return;
            copy.graphNode = static_cast<std::uint64_t>(row.integer(8));
            copy.kind = copyKindOf(row.integer(9));
            copy.pinned = row.integer(10) != 0;
            copy.bytes = row.count(11);
            keep(row, batch, copy);
        });
    }

    void fills() {
        each<FillRecord>(trace_.fills, "memsets", [this](Rows& row, auto& batch) {
            FillRecord fill;
            if (!work(row, fill)) return;
            fill.graphNode = static_cast<std::uint64_t>(row.integer(8));
            fill.bytes = row.count(9);
            keep(row, batch, fill);
        });
    }

    // A sampled value holds from the sample before to its own.
    void samples() {
        if (trace_.samples.empty()) return;
        std::vector<SampleRecord> batch;
        Rows row(trace_.database, trace_.samples);
        std::optional<std::pair<std::int32_t, std::string_view>> series;
        Nanoseconds before{};
        for (std::int64_t at = 0; row.next(); ++at) {
            look("samples", at);
            SampleRecord sample{.device = row.small(0), .begin = {}, .end = row.time(1), .source = "nsys"};
            sample.metric = names_.keep(row.text(2));
            sample.value = row.real(3);
            if (row.isBad() || !row.isNumber(3)) {
                ++leftOut_;
                continue;
            }
            const std::pair now(sample.device, sample.metric);
            sample.begin = series == now ? before : sample.end;
            const bool first = series != now;
            series = now;
            before = sample.end;
            if (!first && sample.begin < sample.end) queue(batch, sample);
        }
        flush(batch);
    }

    TraceTables& trace_;
    const std::filesystem::path file_;
    const ExchangeOptions& options_;
    ExchangeSummary summary_;
    ImportedRun* run_ = nullptr;
    Names names_;
    std::unordered_map<std::string, NamedPlace> places_;  // by text; those that say something
    RangeSweep sweep_;
    std::vector<PlacedCall> placed_;  // by key
    std::vector<ApiRecord> calls_;
    HostTimes hostTimes_;
    bool anyPlaced_ = false;
    std::int64_t leftOut_ = 0, tooDeep_ = 0, kernelCount_ = 0, unplaced_ = 0;
};

}  // namespace

ExchangeSummary importTrace(TraceTables& trace, const std::filesystem::path& file,
                            const std::filesystem::path& capture, const ExchangeOptions& options) {
    return guarded(file, options.cancel, [&] { return TraceImport(trace, file, options).into(capture); });
}

}  // namespace fluxscope
