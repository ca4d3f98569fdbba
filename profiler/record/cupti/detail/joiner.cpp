#include "profiler/record/cupti/detail/joiner.h"

#include <algorithm>
#include <chrono>
#include <type_traits>
#include <utility>

namespace fluxscope {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kPatience = 500ms;
constexpr Nanoseconds kNobodyWaits = Nanoseconds::max();
// A device lags at most its launch queue (some thousand calls) and a flush (250 ms) behind.
constexpr std::size_t kExternals = 1 << 18;
constexpr std::size_t kOrphans = 1 << 20;

template <class Record>
std::uint64_t nodeOf(const Record& record) {
    if constexpr (std::is_same_v<Record, ApiRecord>)
        return 0;
    else
        return record.graphNode;
}

}  // namespace

std::int64_t CorrelationCount::widen(std::uint32_t id) {
    if (newest_ < 0) {
        newest_ = id;
        return newest_;
    }
    // The nearest number that ends in these 32 bits.
    const auto step = static_cast<std::int32_t>(id - static_cast<std::uint32_t>(newest_));
    const std::int64_t wide = newest_ + step;
    newest_ = std::max(newest_, wide);
    return wide;
}

Joiner::Joiner(ScopeIds& scopes, const GraphNodes& nodes)
    : scopes_(scopes), nodes_(nodes), externals_(kExternals) {}

void Joiner::beginRun(std::uint32_t run, Nanoseconds begin) {
    run_ = run;
    runBegin_ = begin;
    kernels_.clear();
    copies_.clear();
    fills_.clear();
    calls_.clear();
    passing_ = {};
    orphans_.clear();
    nodesTold_.clear();
    quality_ = {};
}

void Joiner::take(DecodedRecords records, Nanoseconds now) {
    quality_.badTimes += records.badTimes;
    quality_.truncatedBuffers += records.truncatedBuffers;
    quality_.unknownRecords += records.unknownRecords;

    for (const ExternalId& external : records.externals) {
        const std::int64_t correlation = correlations_.widen(external.correlation);
        externals_[static_cast<std::size_t>(correlation) % kExternals] = {correlation, external.ticket};
    }
    const auto await = [&](auto& queue, auto& from) {
        for (auto& record : from) {
            record.correlation = correlations_.widen(static_cast<std::uint32_t>(record.correlation));
            queue.push_back({now, std::move(record)});
        }
    };
    await(kernels_, records.kernels);
    await(copies_, records.copies);
    await(fills_, records.fills);
    await(calls_, records.calls);
    for (SyncRecord& sync : records.syncs) {
        sync.correlation = correlations_.widen(static_cast<std::uint32_t>(sync.correlation));
        if (startedIn(sync.begin)) passing_.syncs.push_back(sync);
    }
    for (const OverheadRecord& overhead : records.overheads)
        if (startedIn(overhead.begin)) passing_.overheads.push_back(overhead);
}

DeviceBatch Joiner::ready(Nanoseconds now) { return join(now - kPatience); }

DeviceBatch Joiner::finish() {
    DeviceBatch batch = join(kNobodyWaits);
    for (const auto& [correlation, kernels] : orphans_) {
        Attributed scope;
        if (place(correlation, 0, scope, batch) != Found::Ours) continue;
        quality_.late += kernels;
        quality_.unattributed -= kernels;
        batch.late.push_back({.correlation = correlation, .place = *scope.place, .by = scope.by});
    }
    orphans_.clear();
    std::sort(batch.late.begin(), batch.late.end(),
              [](const auto& a, const auto& b) { return a.correlation < b.correlation; });
    return batch;
}

Joiner::Found Joiner::place(std::int64_t correlation, std::uint64_t graphNode, Attributed& scope,
                            DeviceBatch& out) {
    const External& external = externals_[static_cast<std::size_t>(correlation) % kExternals];
    if (external.correlation != correlation) return Found::Unknown;
    const std::optional<RunPlace> launch = scopes_.placeOf(external.ticket);
    if (!launch) return Found::Unknown;
    if (run_ == 0 || launch->run != run_) return Found::Foreign;
    scope = {launch->key, Attribution::External};
    if (graphNode == 0) return Found::Ours;
    const std::optional<GraphNodes::Node> node = nodes_.find(graphNode);
    const std::optional<RunPlace> recorded = node ? scopes_.placeOf(node->scope) : std::nullopt;
    if (!recorded) return Found::Ours;  // of this step, at least
    scope.by = Attribution::GraphNode;
    scope.place->layer = recorded->key.layer;
    scope.place->chunk = recorded->key.chunk;
    scope.place->op = recorded->key.op;
    if (nodesTold_.insert(graphNode).second) {
        ScopeKey purpose = recorded->key;
        purpose.batch = {};
        purpose.turn = {};
        purpose.step = {};
        out.nodes.push_back({.node = graphNode, .original = node->original, .place = purpose});
    }
    return Found::Ours;
}

template <class Record>
void Joiner::sort(Queue<Record>& waiting, std::vector<Record>& out, Nanoseconds latest, DeviceBatch& batch) {
    constexpr bool isKernel = std::is_same_v<Record, KernelRecord>;
    Queue<Record> stillWaiting;
    for (Waiting<Record>& one : waiting) {
        Record& record = one.record;
        const Found found = place(record.correlation, nodeOf(record), record.scope, batch);
        if (found == Found::Foreign) continue;
        if (found == Found::Unknown) {
            if (one.since > latest) {
                stillWaiting.push_back(std::move(one));
                continue;
            }
            if (!startedIn(record.begin)) continue;
        }
        if constexpr (isKernel) {
            ++quality_.kernels;
            if (found == Found::Unknown) {
                ++quality_.unattributed;
                if (orphans_.size() < kOrphans) ++orphans_[record.correlation];
            }
        }
        out.push_back(std::move(record));
    }
    waiting.swap(stillWaiting);
}

DeviceBatch Joiner::join(Nanoseconds latest) {
    DeviceBatch batch = std::exchange(passing_, {});
    sort(kernels_, batch.kernels, latest, batch);
    sort(copies_, batch.copies, latest, batch);
    sort(fills_, batch.fills, latest, batch);
    sort(calls_, batch.calls, latest, batch);
    return batch;
}

}  // namespace fluxscope
