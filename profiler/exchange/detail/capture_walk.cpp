#include "profiler/exchange/detail/capture_walk.h"

#include "engine/contract/error.h"
#include "profiler/exchange/detail/rows.h"
#include "profiler/store/schema.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

namespace fluxscope {
namespace {

constexpr std::size_t kNamedPrompts = 3;
constexpr std::size_t kMostNames =
    1'000'000;  // of kernels, launches and places; a capture of ours has thousands
constexpr std::int64_t kRowsBetweenProgress = 1 << 14;
constexpr std::int64_t kLatest = std::int64_t{1} << 62;

std::optional<double> realOrNone(const Rows& row, int column) {
    if (row.isNull(column)) return std::nullopt;
    return row.real(column);
}

std::optional<std::int64_t> countOrNone(Rows& row, int column) {
    if (row.isNull(column)) return std::nullopt;
    return row.count(column);
}

template <class Value, std::size_t N>
std::optional<Value> named(std::string_view text, const std::array<Value, N>& values) {
    const auto* const found = std::ranges::find_if(values, [&](Value v) { return nameOf(v) == text; });
    if (found == values.end()) return std::nullopt;
    return *found;
}

constexpr std::array kOps{Op::Embed,     Op::Router, Op::Norm, Op::Qkv,  Op::Rope,  Op::KvWrite,
                          Op::Attention, Op::Output, Op::Mlp,  Op::Head, Op::Sample};
constexpr std::array kAttributions{Attribution::External, Attribution::GraphNode, Attribution::Time,
                                   Attribution::None};
constexpr std::array kCopyKinds{CopyKind::HostToDevice, CopyKind::DeviceToHost, CopyKind::DeviceToDevice,
                                CopyKind::HostToHost,   CopyKind::PeerToPeer,   CopyKind::Other};

struct Place {
    std::int32_t run = 0;
    std::optional<ScopeKey> key;
};

class Walk {
public:
    Walk(const std::filesystem::path& file, CaptureVisitor& visitor, const ExchangeOptions& options)
        : file_(file), visitor_(visitor), options_(options), database_(openUntrusted(file, options.cancel)) {}

    ExchangeSummary walk() {
        guarded(file_, options_.cancel, [this] {
            offerScopes(database_, requireCapture(database_, file_.string()));
            database_.exec("BEGIN");  // all tables as of one moment
            readProcesses();
            readRuns();
            readSmall();
            scopes();
            decisions();
            calls();
            kernels();
            copies();
            fills();
            syncs();
            overheads();
            samples();
        });
        if (leftOut_ > 0)
            summary_.notices.push_back(
                std::to_string(leftOut_) +
                " rows do not fit the rest of the file, or have no good time stamps, and "
                "are left out");
        return std::move(summary_);
    }

private:
    bool has(const char* table) {
        if (!columnsOf(database_, table).empty()) return true;
        if (std::string_view(table) == "decision" || std::string_view(table) == "scope")
            summary_.notices.push_back("table " + std::string(table) + " is missing or is no ordinary table");
        return false;
    }

    void readProcesses() {
        if (!has("process")) return;
        Rows row(database_, "SELECT process, monotonic_ns, utc_ns FROM process ORDER BY process");
        while (row.next()) {
            const Nanoseconds monotonic = row.time(1);
            const Nanoseconds utc = row.time(2);
            if (row.isBad()) continue;
            if (shifts_.empty()) {
                visitor_.clock(monotonic, utc);
                firstClock_ = utc - monotonic;
            }
            shifts_[row.small(0)] = utc - monotonic - firstClock_;
        }
        if (shifts_.empty()) visitor_.clock({}, {});
    }

    void readRuns() {
        if (!has("run") || !has("model") || !has("sequence") || !has("prompt")) return;
        Rows row(database_,
                 "SELECT run, process, coalesce(m.name, ''), role, policy_name, device, begin_ns FROM run AS "
                 "r LEFT "
                 "JOIN model AS m USING (model) ORDER BY run");
        while (row.next()) {
            WalkedRun run{.run = row.key<RunIndex>(0),
                          .process = row.small(1),
                          .title = {},
                          .device = row.string(5),
                          .begin = row.time(6),
                          .hostThread = 0,
                          .promptIds = {},
                          .sequencesOfBatch = {}};
            if (row.isBad()) {
                ++leftOut_;
                continue;
            }
            run.title = "run " + std::to_string(run.run.value());
            for (const int column : {4, 2, 3}) {
                if (!row.text(column).empty())
                    run.title += (column == 4 ? ": " : ", ") + printable(row.text(column), 60);
            }
            run.begin += shifts_[run.process];
            runs_.emplace(run.run.value(), std::move(run));
        }
        Rows sequence(database_,
                      "SELECT run, sequence, batch, id FROM sequence JOIN prompt USING (prompt) ORDER BY "
                      "run, sequence");
        while (sequence.next()) {
            const auto found = runs_.find(sequence.small(0));
            const std::int32_t index = sequence.small(1);
            const std::int32_t batch = sequence.small(2, -1);
            if (sequence.isBad() || found == runs_.end()) {
                ++leftOut_;
                continue;
            }
            found->second.promptIds[index] = printable(sequence.text(3), 80);
            found->second.sequencesOfBatch[batch].push_back(index);
        }
        const bool hasCalls = has("api") && has("place");
        for (auto& [index, run] : runs_) {
            if (hasCalls) {
                Rows call(database_, "SELECT thread FROM api JOIN place USING (place) WHERE run = ? LIMIT 1",
                          {index});
                if (call.next()) run.hostThread = call.small(0);
            }
            visitor_.run(run);
        }
    }

    // Names, launches and places: few, and every kernel refers to some.
    void readSmall() {
        if (has("name")) {
            Rows row(database_,
                     "SELECT n.name, coalesce(d.value, n.value) FROM name AS n LEFT JOIN name AS d ON "
                     "d.name = n.demangled");
            while (names_.size() < kMostNames && row.next())
                names_[row.integer(0)] = printable(row.text(1), 400);
        }
        if (has("launch")) {
            Rows row(
                database_,
                "SELECT launch, grid_x, grid_y, grid_z, block_x, block_y, block_z, cluster_x, cluster_y, "
                "cluster_z, registers_per_thread, static_shared_bytes, dynamic_shared_bytes FROM launch");
            while (launches_.size() < kMostNames && row.next()) {
                const LaunchShape shape{.grid = {row.small(1), row.small(2), row.small(3)},
                                        .block = {row.small(4), row.small(5), row.small(6)},
                                        .cluster = {row.small(7), row.small(8), row.small(9)},
                                        .registersPerThread = row.small(10),
                                        .staticSharedBytes = row.small(11),
                                        .dynamicSharedBytes = row.small(12)};
                if (!row.isBad()) launches_[row.integer(0)] = shape;
            }
        }
        if (has("place")) {
            Rows row(database_, "SELECT place, run, batch, turn, phase, layer, chunk, op FROM place");
            while (places_.size() < kMostNames && row.next()) {
                Place place{.run = row.small(1), .key = {}};
                if (!row.text(4).empty()) place.key = keyOf(row, 2, -1);
                if (!row.isBad()) places_[row.integer(0)] = place;
            }
        }
    }

    // batch, turn, phase, [step,] layer, chunk, op from `column` on.
    static ScopeKey keyOf(Rows& row, int column, int step) {
        ScopeKey key{.batch = row.key<BatchIndex>(column), .turn = row.key<TurnIndex>(column + 1)};
        if (row.text(column + 2) == nameOf(Phase::Decode)) {
            key.phase = Phase::Decode;
        } else if (row.text(column + 2) != nameOf(Phase::Prefill)) {
            row.markBad();
        }
        int at = column + 3;
        if (step >= 0) key.step = row.key<StepIndex>(at++);
        if (const auto layer = row.key<LayerIndex>(at, -1); layer.value() >= 0) key.layer = layer;
        if (const auto chunk = row.key<ChunkIndex>(at + 1, -1); chunk.value() >= 0) key.chunk = chunk;
        if (!row.text(at + 2).empty()) {
            key.op = named(row.text(at + 2), kOps);
            if (!key.op) row.markBad();
        }
        return key;
    }

    const WalkedRun* runOf(std::int32_t index) const {
        const auto found = runs_.find(index);
        return found == runs_.end() ? nullptr : &found->second;
    }

    Nanoseconds shifted(const WalkedRun& run, Nanoseconds time) const {
        const auto shift = shifts_.find(run.process);
        return shift == shifts_.end() ? time : time + shift->second;
    }

    template <class Tell>
    void table(const char* name, const std::string& sql, Tell tell) {
        if (!has(name)) return;
        const std::string what = std::string("writing ") + name + "s";
        Rows size(database_, "SELECT count(*) FROM " + std::string(name));
        const double rows = size.next() ? static_cast<double>(size.integer(0)) : 0;
        Rows row(database_, sql);
        for (std::int64_t at = 0; row.next(); ++at) {
            if (at % kRowsBetweenProgress == 0) {
                if (options_.cancel != nullptr && options_.cancel->cancelled())
                    throw CancelledError{file_.string()};
                if (options_.progress && rows > 0) options_.progress(what, static_cast<double>(at) / rows);
            }
            if (tell(row)) {
                ++summary_.events;
            } else {
                ++leftOut_;
            }
        }
    }

    // begin_ns and duration_ns at `column`, into a record's interval; false when they are no good.
    template <class Record>
    bool interval(Rows& row, int column, const WalkedRun& run, Record& record) const {
        const Nanoseconds begin = row.time(column);
        const std::int64_t duration = row.integer(column + 1, 0, kLatest);
        if (row.isBad()) return false;
        record.begin = shifted(run, begin);
        record.end = record.begin + Nanoseconds(duration);
        return record.begin.count() >= 0;
    }

    // place, step, attribution from `column` on.
    const WalkedRun* attributed(Rows& row, int column, Attributed& scope) const {
        const auto place = places_.find(row.integer(column));
        if (place == places_.end()) return nullptr;
        const WalkedRun* const run = runOf(place->second.run);
        if (run == nullptr) return nullptr;
        scope.place = place->second.key;
        const auto step = row.key<StepIndex>(column + 1, -1);
        if (scope.place) scope.place->step = step;
        scope.by = named(nameAt(row, column + 2), kAttributions).value_or(Attribution::None);
        return row.isBad() ? nullptr : run;
    }

    std::string_view nameAt(Rows& row, int column) const {
        const auto found = names_.find(row.integer(column));
        return found == names_.end() ? std::string_view("?") : std::string_view(found->second);
    }

    void scopes() {
        table("scope",
              "SELECT run, batch, turn, phase, step, layer, chunk, op, begin_ns, end_ns, bytes_read, "
              "bytes_written, "
              "flops FROM scope ORDER BY run, begin_ns, end_ns DESC, scope DESC",
              [this](Rows& row) {
                  const WalkedRun* const run = runOf(row.small(0));
                  if (run == nullptr) return false;
                  WalkedScope scope{.key = keyOf(row, 1, 0),
                                    .begin = shifted(*run, row.time(8)),
                                    .end = shifted(*run, row.time(9)),
                                    .bytesRead = countOrNone(row, 10),
                                    .bytesWritten = countOrNone(row, 11),
                                    .flops = countOrNone(row, 12)};
                  if (row.isBad() || scope.end < scope.begin || scope.begin.count() < 0) return false;
                  visitor_.scope(*run, scope);
                  return true;
              });
    }

    void decisions() {
        if (!has("layer_step") || !has("kv")) return;
        table("decision",
              "SELECT d.run, d.sequence, d.turn, d.step, d.layer, kv_head, attention, decided_by, p_full, "
              "threshold, "
              "margin, l.begin_ns, bytes_kept, bytes_freed FROM decision AS d LEFT JOIN sequence AS s USING "
              "(run, "
              "sequence) LEFT JOIN layer_step AS l ON l.run = d.run AND l.batch = s.batch AND l.turn = "
              "d.turn AND "
              "l.phase = iif(d.step = 0, 'prefill', 'decode') AND l.step = d.step AND l.layer = d.layer LEFT "
              "JOIN kv "
              "ON kv.run = d.run AND kv.sequence = d.sequence AND kv.turn = d.turn AND kv.step = d.step AND "
              "kv.layer = "
              "d.layer ORDER BY d.row",
              [this](Rows& row) {
                  const WalkedRun* const run = runOf(row.small(0));
                  if (run == nullptr) return false;
                  const auto prompt = run->promptIds.find(row.small(1));
                  if (prompt == run->promptIds.end()) return false;
                  const WalkedDecision decision{
                      .promptId = prompt->second,
                      .turn = row.small(2),
                      .step = row.small(3),
                      .layer = row.small(4),
                      .kvHead = row.small(5, -1),
                      .at = row.isNull(11) ? run->begin : shifted(*run, row.time(11)),
                      .attention = row.text(6) == nameOf(Attention::Full) ? nameOf(Attention::Full)
                                                                          : nameOf(Attention::Sparse),
                      .decidedBy = nameOf(named(row.text(7), std::array{DecidedBy::Router, DecidedBy::Policy,
                                                                        DecidedBy::Probe, DecidedBy::Replay})
                                              .value_or(DecidedBy::Policy)),
                      .fullProbability = realOrNone(row, 8),
                      .threshold = realOrNone(row, 9),
                      .margin = realOrNone(row, 10),
                      .kvBytesKept = countOrNone(row, 12),
                      .kvBytesFreed = countOrNone(row, 13)};
                  if (row.isBad() || decision.at.count() < 0) return false;
                  visitor_.decision(*run, decision);
                  return true;
              });
    }

    void calls() {
        table("api",
              "SELECT place, step, attribution, begin_ns, duration_ns, thread, correlation, name FROM api "
              "ORDER BY "
              "begin_ns, duration_ns DESC",
              [this](Rows& row) {
                  ApiRecord call;
                  const WalkedRun* const run = attributed(row, 0, call.scope);
                  if (run == nullptr || !interval(row, 3, *run, call)) return false;
                  call.thread = row.small(5);
                  call.correlation = row.integer(6);
                  call.name = nameAt(row, 7);
                  if (row.isBad()) return false;
                  visitor_.call(*run, call);
                  return true;
              });
    }

    static DeviceQueue queueAt(Rows& row, int column) {
        return {
            .device = row.small(column), .context = row.small(column + 1), .stream = row.small(column + 2)};
    }

    void kernels() {
        table("kernel",
              "SELECT place, step, attribution, begin_ns, duration_ns, device, context, stream, correlation, "
              "graph, "
              "graph_node, name, launch FROM kernel ORDER BY begin_ns, duration_ns DESC",
              [this](Rows& row) {
                  KernelRecord kernel;
                  const WalkedRun* const run = attributed(row, 0, kernel.scope);
                  if (run == nullptr || !interval(row, 3, *run, kernel)) return false;
                  kernel.queue = queueAt(row, 5);
                  kernel.correlation = row.integer(8);
                  kernel.graph = static_cast<std::uint64_t>(row.integer(9));
                  kernel.graphNode = static_cast<std::uint64_t>(row.integer(10));
                  kernel.name = nameAt(row, 11);
                  const auto launch = launches_.find(row.integer(12));
                  if (launch != launches_.end()) kernel.launch = launch->second;
                  if (row.isBad()) return false;
                  visitor_.kernel(*run, kernel);
                  return true;
              });
    }

    void copies() {
        table("memcpy",
              "SELECT place, step, attribution, begin_ns, duration_ns, device, context, stream, correlation, "
              "graph_node, "
              "kind, pinned, bytes FROM memcpy ORDER BY begin_ns, duration_ns DESC",
              [this](Rows& row) {
                  CopyRecord copy;
                  const WalkedRun* const run = attributed(row, 0, copy.scope);
                  if (run == nullptr || !interval(row, 3, *run, copy)) return false;
                  copy.queue = queueAt(row, 5);
                  copy.correlation = row.integer(8);
                  copy.graphNode = static_cast<std::uint64_t>(row.integer(9));
                  copy.kind = named(nameAt(row, 10), kCopyKinds).value_or(CopyKind::Other);
                  copy.pinned = row.integer(11) != 0;
                  copy.bytes = row.count(12);
                  if (row.isBad()) return false;
                  visitor_.copy(*run, copy);
                  return true;
              });
    }

    void fills() {
        table("memset",
              "SELECT place, step, attribution, begin_ns, duration_ns, device, context, stream, correlation, "
              "graph_node, "
              "bytes FROM memset ORDER BY begin_ns, duration_ns DESC",
              [this](Rows& row) {
                  FillRecord fill;
                  const WalkedRun* const run = attributed(row, 0, fill.scope);
                  if (run == nullptr || !interval(row, 3, *run, fill)) return false;
                  fill.queue = queueAt(row, 5);
                  fill.correlation = row.integer(8);
                  fill.graphNode = static_cast<std::uint64_t>(row.integer(9));
                  fill.bytes = row.count(10);
                  if (row.isBad()) return false;
                  visitor_.fill(*run, fill);
                  return true;
              });
    }

    void syncs() {
        table("sync",
              "SELECT run, begin_ns, duration_ns, device, context, stream, correlation, kind FROM sync ORDER "
              "BY "
              "begin_ns, duration_ns DESC",
              [this](Rows& row) {
                  SyncRecord sync;
                  const WalkedRun* const run = runOf(row.small(0));
                  if (run == nullptr || !interval(row, 1, *run, sync)) return false;
                  // CUPTI says -1 where a context or an event has no stream.
                  sync.queue = {
                      .device = row.small(3, -1), .context = row.small(4, -1), .stream = row.small(5, -1)};
                  sync.correlation = row.integer(6);
                  sync.kind = nameAt(row, 7);
                  if (row.isBad()) return false;
                  visitor_.sync(*run, sync);
                  return true;
              });
    }

    void overheads() {
        table("overhead",
              "SELECT run, begin_ns, duration_ns, thread, kind FROM overhead ORDER BY begin_ns, duration_ns "
              "DESC",
              [this](Rows& row) {
                  OverheadRecord overhead;
                  const WalkedRun* const run = runOf(row.small(0));
                  if (run == nullptr || !interval(row, 1, *run, overhead)) return false;
                  overhead.thread = row.small(3);
                  overhead.kind = nameAt(row, 4);
                  if (row.isBad()) return false;
                  visitor_.overhead(*run, overhead);
                  return true;
              });
    }

    void samples() {
        if (!has("metric")) return;
        table("sample",
              "SELECT run, s.begin_ns, duration_ns, m.device, m.name, m.source, value FROM sample AS s JOIN "
              "metric AS m "
              "USING (metric) ORDER BY metric, s.begin_ns",
              [this](Rows& row) {
                  SampleRecord sample;
                  const WalkedRun* const run = runOf(row.small(0));
                  if (run == nullptr || !interval(row, 1, *run, sample)) return false;
                  const std::string name = printable(row.text(4));
                  sample.device = row.small(3);
                  sample.metric = name;
                  sample.source = row.text(5);
                  sample.value = row.real(6);
                  if (row.isBad()) return false;
                  visitor_.sample(*run, sample);
                  return true;
              });
    }

    const std::filesystem::path file_;
    CaptureVisitor& visitor_;
    const ExchangeOptions& options_;
    SQLite::Database database_;
    ExchangeSummary summary_;
    std::int64_t leftOut_ = 0;
    Nanoseconds firstClock_{};
    std::map<std::int32_t, Nanoseconds> shifts_;  // by process
    std::map<std::int32_t, WalkedRun> runs_;
    std::unordered_map<std::int64_t, std::string> names_;
    std::unordered_map<std::int64_t, LaunchShape> launches_;
    std::unordered_map<std::int64_t, Place> places_;
};

}  // namespace

std::string WalkedRun::promptsOf(BatchIndex batch) const {
    const auto found = sequencesOfBatch.find(batch.value());
    if (found == sequencesOfBatch.end()) return {};
    std::string text;
    for (std::size_t i = 0; i < std::min(found->second.size(), kNamedPrompts); ++i)
        text += (i > 0 ? ", " : "") + promptIds.at(found->second[i]);
    if (found->second.size() > kNamedPrompts)
        text += " and " + std::to_string(found->second.size() - kNamedPrompts) + " more";
    return text;
}

ExchangeSummary walkCapture(const std::filesystem::path& capture, CaptureVisitor& visitor,
                            const ExchangeOptions& options) {
    return Walk(capture, visitor, options).walk();
}

std::string placeName(const ScopeKey& key) {
    std::string name = std::string(nameOf(key.phase)) + "/step " + std::to_string(key.step.value());
    if (key.layer) name += "/layer " + std::to_string(key.layer->value());
    if (key.chunk) name += "/chunk " + std::to_string(key.chunk->value());
    if (key.op) name += "/" + std::string(nameOf(*key.op));
    return name;
}

}  // namespace fluxscope
