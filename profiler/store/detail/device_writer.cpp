#include "profiler/store/detail/device_writer.h"

#include "profiler/store/detail/device_sums.h"

#include <algorithm>

namespace fluxscope {
namespace {

constexpr std::int64_t kBlockRows = 16'384;  // what a view reads at most beside what it wants, 5 ms of it
constexpr std::int64_t kBad = -1;            // a duration
// Of the run's own time. A decode on a CPU touches each lane in each bucket: written with each commit, the overview would be a third of what the
// recording of such a run costs.
constexpr Nanoseconds kOverviewLagOnCpu(1'000'000'000);
// As Kept has them: the tables' names.
constexpr std::array<std::string_view, 8> kKinds{"kernel", "memcpy",   "memset", "api",
                                                 "sync",   "overhead", "sample", "scope"};

std::int64_t keptAs(std::uint64_t id) { return static_cast<std::int64_t>(id); }

}  // namespace

DeviceWriter::DeviceWriter(SQLite::Database& database, std::int64_t process)
    : database_(database),
      interning_(database),
      overview_(database),
      costs_(database),
      kernel_(database,
              "INSERT INTO kernel (kernel, place, step, attribution, begin_ns, duration_ns, device, context, "
              "stream, correlation, graph, graph_node, name, launch) VALUES",
              "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      copy_(database,
            "INSERT INTO memcpy (place, step, attribution, begin_ns, duration_ns, device, context, stream, "
            "correlation, graph_node, kind, pinned, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      fill_(database,
            "INSERT INTO memset (place, step, attribution, begin_ns, duration_ns, device, context, stream, "
            "correlation, graph_node, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      api_(database,
           "INSERT INTO api (place, step, attribution, begin_ns, duration_ns, thread, correlation, name) "
           "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
      sync_(
          database,
          "INSERT INTO sync (run, begin_ns, duration_ns, device, context, stream, correlation, kind) VALUES "
          "(?, ?, ?, ?, ?, ?, ?, ?)"),
      overhead_(database,
                "INSERT INTO overhead (run, begin_ns, duration_ns, thread, kind) VALUES (?, ?, ?, ?, ?)"),
      node_(database, "INSERT OR REPLACE INTO graph_node (run, node, original, place) VALUES (?, ?, ?, ?)"),
      metric_(database, "INSERT INTO metric (metric, run, device, name, source) VALUES (?, ?, ?, ?, ?)"),
      sample_(database, "INSERT INTO sample (metric, begin_ns, duration_ns, value) VALUES (?, ?, ?, ?)"),
      traffic_(database,
               "INSERT INTO traffic (place, step, metric, value, source, pass, confidence, samples) VALUES "
               "(?, ?, ?, ?, ?, ?, ?, ?)"),
      device_(
          database,
          "INSERT OR REPLACE INTO device (process, device, name, uuid, bus, compute_major, compute_minor, "
          "multiprocessors, memory_bytes, l2_bytes, bytes_per_second, clock_hz) VALUES (?, ?, ?, ?, ?, "
          "?, ?, ?, ?, ?, ?, ?)"),
      block_(
          database,
          "INSERT INTO kernel_block (run, first_kernel, last_kernel, begin_ns, end_ns) VALUES (?, ?, ?, ?, "
          "?)"),
      quality_(database, "INSERT OR REPLACE INTO quality (run, figure, value) VALUES (?, ?, ?)"),
      noted_(database, "INSERT OR REPLACE INTO quality (run, figure, value, note) VALUES (?, ?, ?, ?)"),
      budget_(database, "UPDATE run SET record_budget = ? WHERE run = ?"),
      overBudget_(database, "UPDATE run SET over_budget = ?, over_budget_ns = ? WHERE run = ?"),
      settled_(
          database,
          "UPDATE run SET settled = coalesce((SELECT min(row) - 1 FROM layer_step WHERE run = ?1 AND batch "
          "= ?2 AND turn = ?3 AND phase = ?4 AND step >= ?5), settled) WHERE run = ?1"),
      unsettled_(
          database,
          "UPDATE run SET settled = coalesce((SELECT min(row) - 1 FROM layer_step WHERE run = ?1), 0), "
          "revision = revision + 1 WHERE run = ?1"),
      revised_(database, "UPDATE run SET revision = revision + ?, settled = NULL WHERE run = ?"),
      process_(process) {
    RawStatement last(database,
                      "SELECT coalesce(max(kernel), 0) FROM kernel UNION ALL SELECT coalesce(max(metric), 0) "
                      "FROM metric");
    last.start();
    last.next();
    lastKernel_ = last.integer(0);
    last.next();
    lastMetric_ = last.integer(0);
    while (last.next()) continue;
}

void DeviceWriter::beginRun(std::int64_t run, std::int64_t beginNs, bool isOnCpu) {
    flush();  // the run before
    flushOverview();
    run_ = run;
    isOnCpu_ = isOnCpu;
    interning_.beginRun(run);
    overview_.beginRun(run, beginNs, finestLevelOf(isOnCpu));
    costs_.beginRun(run);
    metrics_.clear();
    recentKey_.reset();  // places are those of a run
    kept_ = {};
    leftOut_ = {};
    writtenLeftOut_ = {};
    figures_ = {};
    writtenFigures_ = {};
    newest_.reset();
    newestBefore_.reset();
    newestScope_ = overviewUpTo_ = Nanoseconds(beginNs);
    setBudget(kRecordBudget);
}

void DeviceWriter::setBudget(std::optional<std::int64_t> rows) {
    limit_ = rows;
    budget_.run(rows, run_);
}

DeviceWriter::Placed DeviceWriter::placeOf(const Attributed& scope) {
    if (!scope.place) return {kNobody, interning_.place(kNobody), -1, attribution(Attribution::None)};
    if (recentKey_ && *recentKey_ == *scope.place)
        return {recent_.parts, recent_.place, recent_.step, attribution(scope.by)};
    const PlaceParts parts = placePartsOf(*scope.place);
    recentKey_ = scope.place;
    recent_ = {parts, interning_.place(parts), scope.place->step.value(), 0};
    return {parts, recent_.place, recent_.step, attribution(scope.by)};
}

std::int64_t DeviceWriter::attribution(Attribution by) {
    std::int64_t& name = attributions_[static_cast<std::size_t>(by)];
    if (name == 0) name = interning_.name(nameOf(by));
    return name;
}

std::int64_t DeviceWriter::durationOf(Nanoseconds begin, Nanoseconds end) {
    if (begin.count() > 0 && end >= begin) return (end - begin).count();
    ++figures_.bad;
    return kBad;
}

bool DeviceWriter::isWithin(Kept kind, Nanoseconds at) {
    std::int64_t& rows = kept_[static_cast<std::size_t>(kind)];
    if (!limit_ || rows < *limit_) {
        ++rows;
        ++rows_;
        return true;
    }
    if (leftOut_.all() == 0) leftOut_.since = at.count();
    ++leftOut_.rows[static_cast<std::size_t>(kind)];
    return false;
}

void DeviceWriter::add(std::span<const KernelRecord> kernels) {
    if (run_ == 0) return;
    for (const KernelRecord& k : kernels) {
        const Placed at = placeOf(k.scope);
        const std::int64_t duration = durationOf(k.begin, k.end);
        addKernelSums(at.parts, at.step, k.queue.device, k.queue.stream, k.begin.count(), duration);
        if (!isWithin(Kept::Kernels, k.begin)) continue;
        kernel_.add(++lastKernel_, at.place, at.step, at.attribution, k.begin.count(), duration,
                    k.queue.device, k.queue.context, k.queue.stream, k.correlation, keptAs(k.graph),
                    keptAs(k.graphNode), interning_.kernelName(k.name), interning_.launch(k.launch));
        if (!openBlock_) openBlock_ = Block{.first = lastKernel_, .last = 0, .begin = {}, .end = {}};
        Block& block = *openBlock_;
        block.last = lastKernel_;
        if (duration != kBad) {
            block.begin = std::min(block.begin.value_or(k.begin.count()), k.begin.count());
            block.end = std::max(block.end.value_or(k.end.count()), k.end.count());
        }
        if (block.last - block.first + 1 >= kBlockRows) flushBlock();
    }
}

// Everything of the device's work that stands in the sums, whether or not its row is kept.
void DeviceWriter::addKernelSums(const PlaceParts& parts, std::int32_t step, std::int32_t device,
                                 std::int32_t stream, std::int64_t begin, std::int64_t duration) {
    ++figures_.kernels;
    const bool isNobodys = parts == kNobody;
    if (isNobodys) ++figures_.unattributed;
    if (duration == kBad) return;
    figures_.kernelNs += duration;
    overview_.addOnDevice(parts, device, stream, begin, begin + duration);
    if (isNobodys) {
        figures_.unattributedNs += duration;
        return;
    }
    costs_.add(parts, step, begin, begin + duration);
    const StepKey key{parts[0], parts[1], parts[2], step};
    if (!newest_ || *newest_ < key) newest_ = key;
}

void DeviceWriter::flushBlock() {
    if (!openBlock_) return;
    block_.run(run_, openBlock_->first, openBlock_->last, openBlock_->begin, openBlock_->end);
    openBlock_.reset();
    ++rows_;
}

void DeviceWriter::add(std::span<const CopyRecord> copies) {
    if (run_ == 0) return;
    for (const CopyRecord& c : copies) {
        const std::int64_t duration = durationOf(c.begin, c.end);
        if (!isWithin(Kept::Copies, c.begin)) continue;
        const Placed at = placeOf(c.scope);
        copy_.run(at.place, at.step, at.attribution, c.begin.count(), duration, c.queue.device,
                  c.queue.context, c.queue.stream, c.correlation, keptAs(c.graphNode),
                  interning_.name(nameOf(c.kind)), c.pinned, c.bytes);
    }
}

void DeviceWriter::add(std::span<const FillRecord> fills) {
    if (run_ == 0) return;
    for (const FillRecord& f : fills) {
        const std::int64_t duration = durationOf(f.begin, f.end);
        if (!isWithin(Kept::Fills, f.begin)) continue;
        const Placed at = placeOf(f.scope);
        fill_.run(at.place, at.step, at.attribution, f.begin.count(), duration, f.queue.device,
                  f.queue.context, f.queue.stream, f.correlation, keptAs(f.graphNode), f.bytes);
    }
}

void DeviceWriter::add(std::span<const ApiRecord> calls) {
    if (run_ == 0) return;
    for (const ApiRecord& a : calls) {
        const std::int64_t duration = durationOf(a.begin, a.end);
        if (!isWithin(Kept::Calls, a.begin)) continue;
        const Placed at = placeOf(a.scope);
        api_.run(at.place, at.step, at.attribution, a.begin.count(), duration, a.thread, a.correlation,
                 interning_.name(a.name));
    }
}

void DeviceWriter::add(std::span<const SyncRecord> syncs) {
    if (run_ == 0) return;
    for (const SyncRecord& s : syncs) {
        const std::int64_t duration = durationOf(s.begin, s.end);
        if (!isWithin(Kept::Syncs, s.begin)) continue;
        sync_.run(run_, s.begin.count(), duration, s.queue.device, s.queue.context, s.queue.stream,
                  s.correlation, interning_.name(s.kind));
    }
}

void DeviceWriter::add(std::span<const OverheadRecord> overheads) {
    if (run_ == 0) return;
    for (const OverheadRecord& o : overheads) {
        const std::int64_t duration = durationOf(o.begin, o.end);
        if (!isWithin(Kept::Overheads, o.begin)) continue;
        overhead_.run(run_, o.begin.count(), duration, o.thread, interning_.name(o.kind));
    }
}

void DeviceWriter::add(std::span<const GraphNodeRecord> nodes) {
    if (run_ == 0) return;
    for (const GraphNodeRecord& n : nodes) {
        const std::int64_t place = interning_.place(n.place ? placePartsOf(*n.place) : kNobody);
        node_.run(run_, keptAs(n.node), keptAs(n.original), place);
        ++rows_;
    }
}

void DeviceWriter::add(std::span<const SampleRecord> samples) {
    if (run_ == 0) return;
    for (const SampleRecord& s : samples) {
        const std::int64_t duration = durationOf(s.begin, s.end);
        if (!isWithin(Kept::Samples, s.begin)) continue;
        auto metric = metrics_.find(std::tuple(s.device, s.metric, s.source));
        if (metric == metrics_.end()) {
            metric_.run(++lastMetric_, run_, s.device, s.metric, s.source);
            metric =
                metrics_
                    .emplace(std::tuple(s.device, std::string(s.metric), std::string(s.source)), lastMetric_)
                    .first;
        }
        sample_.run(metric->second, s.begin.count(), duration, s.value);
    }
}

void DeviceWriter::add(std::span<const TrafficRecord> traffic) {
    if (run_ == 0) return;
    for (const TrafficRecord& t : traffic) {
        traffic_.run(interning_.place(placePartsOf(t.scope)), t.scope.step.value(), t.metric, t.value,
                     t.source, t.pass, nameOf(t.confidence), t.samples);
        ++rows_;
    }
}

void DeviceWriter::add(const DeviceRecord& d) {
    device_.run(process_, d.device, d.name, d.uuid, d.bus, d.computeMajor, d.computeMinor, d.multiprocessors,
                d.memoryBytes, d.l2Bytes, d.bytesPerSecond, d.clockHz);
    ++rows_;
}

bool DeviceWriter::takeScope(const ScopeRecord& scope) {
    if (isOnCpu_ && scope.key.op) {
        overview_.addOnHost(placePartsOf(scope.key), scope.begin.count(), scope.end.count());
        newestScope_ = std::max(newestScope_, scope.end);
    }
    return isWithin(Kept::Scopes, scope.begin);
}

void DeviceWriter::flush() {
    if (run_ == 0) return;
    kernel_.flush();
    flushBlock();
    rows_ += static_cast<std::int64_t>(costs_.flush());
    if (!isOnCpu_ || newestScope_ >= overviewUpTo_ + kOverviewLagOnCpu) flushOverview();
    if (figures_ != std::exchange(writtenFigures_, figures_)) writeFigures();
    if (leftOut_.rows != std::exchange(writtenLeftOut_, leftOut_.rows)) writeLeftOut();
    if (newest_ && !settledAt_) {
        // The first times of a device: whoever has read the host's reads again, and from now on waits for the device.
        unsettled_.run(run_);
        settledAt_ = newest_;
    } else if (newestBefore_ && newestBefore_ != settledAt_) {
        const auto [batch, turn, phase, step] = *newestBefore_;
        settled_.run(run_, batch, turn, nameOf(static_cast<Phase>(phase)), std::max(step - 1, phase));
        settledAt_ = newestBefore_;
    }
    newestBefore_ = newest_;
}

bool DeviceWriter::isOverviewBehind() const { return run_ != 0 && newestScope_ > overviewUpTo_; }

void DeviceWriter::flushOverview() {
    if (run_ == 0) return;
    rows_ += static_cast<std::int64_t>(overview_.flush());
    overviewUpTo_ = newestScope_;
}

void DeviceWriter::writeFigures() {
    quality_.run(run_, "kernels", static_cast<double>(figures_.kernels));
    quality_.run(run_, "kernel_ns", static_cast<double>(figures_.kernelNs));
    quality_.run(run_, "unattributed_kernels", static_cast<double>(figures_.unattributed));
    quality_.run(run_, "unattributed_ns", static_cast<double>(figures_.unattributedNs));
    quality_.run(run_, "bad_timestamps", static_cast<double>(figures_.bad));
}

void DeviceWriter::writeLeftOut() {
    overBudget_.run(leftOut_.all(), leftOut_.since, run_);
    const std::string budget =
        ": the record budget is " + std::to_string(limit_.value_or(0)) + " rows of a kind";
    for (std::size_t kind = 0; kind < kKinds.size(); ++kind) {
        if (leftOut_.rows[kind] == 0) continue;
        const bool isSummed =
            kind == static_cast<std::size_t>(Kept::Kernels) || kind == static_cast<std::size_t>(Kept::Scopes);
        noted_.run(run_, "over_budget_" + std::string(kKinds[kind]), static_cast<double>(leftOut_.rows[kind]),
                   (isSummed ? "only in the sums of layer_step and overview" : "left out") + budget);
    }
}

// Whose work a launch was, learnt late. When rows were left out, the sums cannot be made again and stay as they are.
void DeviceWriter::add(std::span<const LateAttribution> late) {
    if (run_ == 0 || late.empty()) return;
    flush();
    const std::int64_t changed =
        attributeLate(database_, run_, late, interning_, attribution(Attribution::None));
    if (changed == 0) return;
    rows_ += changed;
    sumUpAgain();
}

void DeviceWriter::sumUpAgain() {
    if (leftOut_.all() > 0) {
        quality_.run(run_, "not_summed_up_again", 1.0);
        return;
    }
    overview_.startOver();
    costs_.startOver();
    const std::int64_t bad = figures_.bad;
    figures_ = {.bad = bad};
    eachKernel(database_, run_,
               [this](const PlaceParts& parts, std::int32_t step, std::int32_t device, std::int32_t stream,
                      std::int64_t begin, std::int64_t duration) {
                   addKernelSums(parts, step, device, stream, begin, duration);
               });
    flush();
    revised_.run(1, run_);
}

void DeviceWriter::endRun() {
    if (run_ == 0) return;
    flush();
    flushOverview();
    if (overview_.tooLate() + costs_.tooLate() > 0 && figures_.kernels > 0) sumUpAgain();
    flush();
    revised_.run(0, run_);  // nothing of it changes any more
    settledAt_.reset();
    newestBefore_.reset();
    newest_.reset();
}

}  // namespace fluxscope
