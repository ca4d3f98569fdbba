#include "profiler/analysis/run_summary.h"

#include "profiler/analysis/detail/saturating.h"
#include "profiler/analysis/routing_table.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace fluxscope {

namespace {

// What the cost table says about one run.
struct Costs {
    Nanoseconds all{};
    Nanoseconds router{};
    Nanoseconds outside{};
    double bytes = 0;
    std::int64_t rows = 0;
    bool enqueued = false;  // some of these times are not those of the work
    bool untimed = false;   // and some steps have none
    Origins times;
    Origins byteOrigins;
    std::map<BatchIndex, Nanoseconds> prefillBegan;
};

// When the tokens of one batch came out. Every sequence of a batch emits in the same steps.
struct Emissions {
    std::optional<Nanoseconds> first;
    std::optional<Nanoseconds> last;
    std::int64_t afterFirst = 0;
};

Costs costsOf(const Snapshot& snapshot, RunIndex run) {
    Costs costs;
    snapshot.layerSteps.each([&](const LayerStepRow& row) {
        if (row.run != run) return;
        costs.bytes += static_cast<double>(row.bytesRead) + static_cast<double>(row.bytesWritten);
        costs.byteOrigins.add(bytesOrigin(row.bytesSource, row.costVersion));
        if (!isTimed(row.timeSource)) {
            costs.untimed = true;
            return;
        }
        costs.rows += 1;
        costs.all = plus(costs.all, row.time);
        costs.router = plus(costs.router, row.router);
        if (row.layer.value() < 0) costs.outside = plus(costs.outside, row.time);
        costs.times.add(timeOrigin(row.timeSource));
        costs.enqueued = costs.enqueued || isEnqueueTime(row.timeSource);
        if (row.phase != Phase::Prefill) return;
        if (row.turn.value() != 0) return;
        const auto [began, first] = costs.prefillBegan.emplace(row.batch, row.begin);
        if (!first) began->second = std::min(began->second, row.begin);
    });
    return costs;
}

class RunReader {
public:
    RunReader(const Snapshot& snapshot, const RunRow& run)
        : snapshot_(snapshot), run_(run), costs_(costsOf(snapshot, run.run)) {
        for (const SequenceRow& row : snapshot.sequences)
            if (row.run == run.run) sequences_.emplace(row.sequence, row);
    }

    RunSummary summary() const {
        RunSummary s;
        s.run = run_.run;
        s.policy = run_.policyName;
        s.sparse = run_.sparse;
        s.role = run_.role;
        s.outcome = run_.outcome ? *run_.outcome : snapshot_.live ? "running" : "lost";
        s.reason = run_.reason;
        s.dropped = run_.dropped;
        s.prompts = static_cast<std::int64_t>(sequences_.size());
        for (const auto& [index, row] : sequences_) s.promptTokens = plus(s.promptTokens, row.promptTokens);
        addTokens(s);
        addShares(s);
        addBytes(s);
        return s;
    }

private:
    // Only timed runs are ever quoted as latency: counters replay kernels, a timeline locks the clocks.
    std::optional<Quantity> notALatency() const {
        if (run_.role == "timed") return std::nullopt;
        return Quantity::missing("a run with the role '" + run_.role + "' is never quoted as latency");
    }

    void addTokens(RunSummary& s) const {
        std::map<std::pair<BatchIndex, TurnIndex>, Emissions> batches;
        std::map<SequenceIndex, Nanoseconds> firstToken;
        snapshot_.tokens.each([&](const TokenRow& row) {
            if (row.run != run_.run) return;
            s.generatedTokens += 1;
            const auto sequence = sequences_.find(row.sequence);
            if (sequence == sequences_.end()) return;
            Emissions& batch = batches[{sequence->second.batch, row.turn}];
            if (!batch.first || row.emitted < *batch.first) batch.first = row.emitted;
            if (!batch.last || row.emitted > *batch.last) batch.last = row.emitted;
            if (row.step.value() > 0) batch.afterFirst += 1;
            if (row.turn.value() != 0) return;
            const auto [first, isNew] = firstToken.emplace(row.sequence, row.emitted);
            if (!isNew) first->second = std::min(first->second, row.emitted);
        });
        if (const auto refused = notALatency()) {
            s.decodeTokensPerSecond = s.timeToFirstTokenSeconds = s.prefillSeconds = *refused;
            return;
        }
        s.decodeTokensPerSecond = decodeRate(batches);
        s.timeToFirstTokenSeconds = timeToFirstToken(firstToken);
        s.prefillSeconds = prefill(firstToken);
    }

    static Quantity decodeRate(const std::map<std::pair<BatchIndex, TurnIndex>, Emissions>& batches) {
        std::int64_t tokens = 0;
        Nanoseconds time{};
        for (const auto& [key, batch] : batches) {
            tokens += batch.afterFirst;
            time = plus(time, minus(*batch.last, *batch.first));
        }
        if (tokens == 0) return Quantity::missing("no decode step recorded");
        if (time <= Nanoseconds{0}) return Quantity::missing("all tokens carry the same moment");
        return Quantity::of(static_cast<double>(tokens) / secondsOf(time),
                            "measured, host clock: tokens after the first over the time since the first");
    }

    Quantity timeToFirstToken(const std::map<SequenceIndex, Nanoseconds>& firstToken) const {
        std::vector<double> waits;
        for (const auto& [sequence, emitted] : firstToken) {
            const auto began = costs_.prefillBegan.find(sequences_.at(sequence).batch);
            if (began != costs_.prefillBegan.end() && emitted >= began->second)
                waits.push_back(secondsOf(minus(emitted, began->second)));
        }
        if (waits.empty()) return Quantity::missing("no first token recorded");
        std::sort(waits.begin(), waits.end());
        const std::size_t middle = waits.size() / 2;
        const double median = waits.size() % 2 == 1 ? waits[middle] : (waits[middle - 1] + waits[middle]) / 2;
        return Quantity::of(median,
                            "measured, host clock: since the batch's first launch" +
                                (waits.size() > 1 ? "; median of " + std::to_string(waits.size()) + " prompts"
                                                  : std::string()));
    }

    // Over all batches, one after the other.
    Quantity prefill(const std::map<SequenceIndex, Nanoseconds>& firstToken) const {
        std::map<BatchIndex, Nanoseconds> longest;
        for (const auto& [sequence, emitted] : firstToken) {
            const auto began = costs_.prefillBegan.find(sequences_.at(sequence).batch);
            if (began == costs_.prefillBegan.end() || emitted < began->second) continue;
            Nanoseconds& time = longest[began->first];
            time = std::max(time, minus(emitted, began->second));
        }
        if (longest.empty()) return Quantity::missing("no first token recorded");
        Nanoseconds all{};
        for (const auto& [batch, time] : longest) all = plus(all, time);
        return Quantity::of(secondsOf(all),
                            "measured, host clock: from the first launch of a batch until all its first "
                            "tokens are on the host");
    }

    void addShares(RunSummary& s) const {
        const RoutingTable table = routingTable(snapshot_, std::span(&run_.run, 1));
        if (const auto share = table.share.value())
            s.fullShare = Quantity::of(*share, "recorded decisions of " + std::to_string(table.share.cells) +
                                                   " (layer, prompt) pairs");
        else
            s.fullShare = Quantity::missing("no decision recorded");

        if (costs_.rows == 0 || costs_.all <= Nanoseconds{0}) {
            s.routerShare = s.unattributedShare = Quantity::missing("no time recorded");
        } else if (costs_.enqueued) {
            s.routerShare = s.unattributedShare = Quantity::missing("the GPU was not timed");
        } else if (costs_.untimed) {
            s.routerShare = s.unattributedShare = Quantity::missing("replayed steps were not timed");
        } else if (!costs_.times.one()) {
            s.routerShare = s.unattributedShare =
                Quantity::missing("times of several sources are not added up: " + costs_.times.text());
        } else {
            s.routerShare =
                Quantity::of(secondsOf(costs_.router) / secondsOf(costs_.all), costs_.times.text());
            s.unattributedShare = Quantity::of(secondsOf(costs_.outside) / secondsOf(costs_.all),
                                               costs_.times.text() + ": embedding, head, sampling, host");
        }
    }

    void addBytes(RunSummary& s) const {
        // A probe may settle a layer again: its last row is what it holds.
        std::map<std::tuple<SequenceIndex, LayerIndex>, std::pair<std::pair<TurnIndex, StepIndex>, KvFacts>>
            settled;
        snapshot_.kv.each([&](const KvRow& row) {
            if (row.run != run_.run) return;
            const std::pair when{row.turn, row.step};
            const auto [at, isNew] = settled.try_emplace({row.sequence, row.layer}, when, row.kv);
            if (!isNew && when >= at->second.first) at->second = {when, row.kv};
        });
        if (settled.empty()) {
            s.kvKeptBytes = s.kvFreedBytes = Quantity::missing("no KV recorded");
        } else {
            double kept = 0;
            double freed = 0;
            for (const auto& [key, kv] : settled) {
                kept += static_cast<double>(kv.second.bytesKept);
                freed += static_cast<double>(kv.second.bytesFreed);
            }
            s.kvKeptBytes = Quantity::of(kept, "reserved by the engine, recorded; summed over prompts");
            s.kvFreedBytes =
                Quantity::of(freed, "against full caches of the same lengths; summed over prompts");
        }

        if (costs_.byteOrigins.none())
            s.bytesMoved = Quantity::missing("no bytes recorded");
        else if (!costs_.byteOrigins.one())
            s.bytesMoved =
                Quantity::missing("bytes of several sources are not added up: " + costs_.byteOrigins.text());
        else
            s.bytesMoved =
                Quantity::of(costs_.bytes, costs_.byteOrigins.text() + ": read and written, all steps");
    }

    const Snapshot& snapshot_;
    const RunRow& run_;
    Costs costs_;
    std::map<SequenceIndex, SequenceRow> sequences_;
};

}  // namespace

std::vector<RunSummary> runSummaries(const Snapshot& snapshot) {
    std::vector<RunSummary> summaries;
    summaries.reserve(snapshot.runs.size());
    for (const RunRow& run : snapshot.runs) summaries.push_back(RunReader(snapshot, run).summary());
    return summaries;
}

}  // namespace fluxscope
