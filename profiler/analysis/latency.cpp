#include "profiler/analysis/latency.h"

#include "engine/contract/error.h"
#include "profiler/analysis/detail/saturating.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

namespace fluxscope {

namespace {

using BatchKey = std::pair<RunIndex, BatchIndex>;

const RunRow* runOf(const Snapshot& snapshot, RunIndex run) {
    for (const RunRow& row : snapshot.runs)
        if (row.run == run) return &row;
    return nullptr;
}

bool alike(const RunRow& a, const RunRow& b) {
    return std::tie(a.model, a.policyJson, a.sparse, a.device, a.dtype) ==
           std::tie(b.model, b.policyJson, b.sparse, b.device, b.dtype);
}

std::vector<std::int64_t> promptsOf(const Snapshot& snapshot, RunIndex run) {
    std::vector<std::int64_t> prompts;
    for (const SequenceRow& row : snapshot.sequences)
        if (row.run == run) prompts.push_back(row.prompt);
    std::sort(prompts.begin(), prompts.end());
    return prompts;
}

std::string nameOf(RunIndex run) { return "run " + std::to_string(run.value()); }

std::optional<LatencyRefused> refusal(const Snapshot& snapshot, std::span<const RunIndex> runs) {
    using Why = LatencyRefused::Why;
    if (runs.empty()) return LatencyRefused{Why::NoSuchRun, "no run was asked for"};
    const RunRow* first = runOf(snapshot, runs.front());
    for (const RunIndex run : runs) {
        const RunRow* row = runOf(snapshot, run);
        if (row == nullptr) return LatencyRefused{Why::NoSuchRun, nameOf(run) + " is not in this capture"};
        if (row->role != "timed")
            return LatencyRefused{Why::Role,
                                  nameOf(run) + " has the role '" + printable(row->role, 40) +
                                      "', which is never quoted as latency; record it with --collect auto"};
        if (row->clockLocked)
            return LatencyRefused{Why::ClockLocked,
                                  nameOf(run) +
                                      " ran at a locked clock, because counters were read while it ran: its "
                                      "times are no latencies; record it with --collect auto"};
        if (!row->outcome || *row->outcome != "finished")
            return LatencyRefused{Why::NotFinished,
                                  nameOf(run) + " did not finish, so what it took is not known"};
        if (!alike(*row, *first))
            return LatencyRefused{Why::NotAlike, nameOf(run) + " differs from " + nameOf(first->run) +
                                                     " in model, policy, sparse form, device or dtype"};
    }
    return std::nullopt;
}

void setWarmUp(const Snapshot& snapshot, std::span<const RunIndex> runs, Latency& latency) {
    latency.runs.assign(runs.begin(), runs.end());
    const RunRow& first = *runOf(snapshot, runs.front());
    for (const RunRow& row : snapshot.runs)
        if (row.role == "warm-up" && row.process == first.process && alike(row, first) &&
            row.begin <= first.begin) {
            latency.discarded.push_back(row.run);
            latency.warmUp = nameOf(row.run) + " was the warm-up and is left out";
        }
    if (!latency.discarded.empty()) return;
    for (const EnvironmentRow& fact : snapshot.environment)
        if (fact.name == "warm_up" && fact.process == first.process) {
            latency.warmUp = "unrecorded: " + printable(fact.value, 200);
            return;
        }
    if (runs.size() < 2) {
        latency.warmUp = "a single run: nothing could be left out as warm-up, so first-time costs are in it";
        return;
    }
    const auto earliest = std::min_element(runs.begin(), runs.end(), [&](RunIndex a, RunIndex b) {
        return runOf(snapshot, a)->begin < runOf(snapshot, b)->begin;
    });
    latency.discarded.push_back(*earliest);
    latency.warmUp = nameOf(*earliest) + ", the first of " + std::to_string(runs.size()) +
                     " repeats, is left out as warm-up";
    std::erase(latency.runs, *earliest);
}

std::map<BatchKey, Nanoseconds> prefillBegan(const Snapshot& snapshot, const std::set<RunIndex>& wanted) {
    std::map<BatchKey, Nanoseconds> began;
    snapshot.layerSteps.each([&](const LayerStepRow& row) {
        if (!wanted.contains(row.run) || row.phase != Phase::Prefill || row.turn.value() != 0) return;
        const auto [at, isNew] = began.emplace(BatchKey{row.run, row.batch}, row.begin);
        if (!isNew) at->second = std::min(at->second, row.begin);
    });
    return began;
}

LatencyFigure figureOf(std::vector<double> seconds, const char* origin, const char* why) {
    LatencyFigure figure{percentilesOf(std::move(seconds)), origin};
    if (figure.seconds.count == 0) figure.origin = why;
    return figure;
}

// Of the processes that recorded these runs: each says it once.
LatencyFigure loadOf(const Snapshot& snapshot, std::span<const RunIndex> runs) {
    std::set<ProcessIndex> processes;
    for (const RunIndex run : runs) processes.insert(runOf(snapshot, run)->process);
    std::vector<double> seconds;
    for (const EnvironmentRow& fact : snapshot.environment) {
        if (fact.name != "load_s" || !processes.contains(fact.process)) continue;
        double value = 0;
        const char* const end = fact.value.data() + fact.value.size();
        if (std::from_chars(fact.value.data(), end, value).ptr == end && std::isfinite(value) && value >= 0)
            seconds.push_back(value);
    }
    return figureOf(std::move(seconds),
                    "measured, host clock: from opening the model's files until it could run",
                    "the time to load the model is not recorded in this capture");
}

}  // namespace

std::vector<RunIndex> repeatsOf(const Snapshot& snapshot, RunIndex run) {
    const RunRow* about = runOf(snapshot, run);
    std::vector<RunIndex> runs;
    if (about == nullptr) return runs;
    const std::vector<std::int64_t> prompts = promptsOf(snapshot, run);
    for (const RunRow& row : snapshot.runs)
        if (row.run == run ||
            (row.role == about->role && row.clockLocked == about->clockLocked &&
             row.outcome.value_or("") == "finished" && alike(row, *about) && row.maxNew == about->maxNew &&
             row.chunkTokens == about->chunkTokens && promptsOf(snapshot, row.run) == prompts))
            runs.push_back(row.run);
    return runs;
}

std::variant<Latency, LatencyRefused> latencyOf(const Snapshot& snapshot, std::span<const RunIndex> runs) {
    if (auto refused = refusal(snapshot, runs)) return *refused;
    Latency latency;
    setWarmUp(snapshot, runs, latency);
    latency.load = loadOf(snapshot, latency.runs);
    const std::set<RunIndex> wanted(latency.runs.begin(), latency.runs.end());
    const std::map<BatchKey, Nanoseconds> began = prefillBegan(snapshot, wanted);
    std::map<std::pair<RunIndex, SequenceIndex>, BatchIndex> batchOf;
    for (const SequenceRow& row : snapshot.sequences)
        if (wanted.contains(row.run)) batchOf[{row.run, row.sequence}] = row.batch;
    std::map<std::tuple<RunIndex, SequenceIndex, TurnIndex>, std::map<StepIndex, Nanoseconds>> emitted;
    snapshot.tokens.each([&](const TokenRow& row) {
        if (wanted.contains(row.run))
            emitted[{row.run, row.sequence, row.turn}].emplace(row.step, row.emitted);
    });
    std::map<BatchKey, Nanoseconds> prefill;
    std::vector<double> first;
    std::vector<double> between;
    for (const auto& [key, steps] : emitted) {
        const auto& [run, sequence, turn] = key;
        const auto batch = batchOf.find({run, sequence});
        if (turn.value() == 0 && batch != batchOf.end())
            if (const auto since = began.find({run, batch->second});
                since != began.end() && steps.begin()->second >= since->second) {
                const Nanoseconds waited = minus(steps.begin()->second, since->second);
                first.push_back(secondsOf(waited));
                Nanoseconds& longest = prefill[since->first];
                longest = std::max(longest, waited);
            }
        for (auto at = std::next(steps.begin()); at != steps.end(); ++at)
            if (const auto before = std::prev(at);
                at->first.value() == before->first.value() + 1 && at->second >= before->second)
                between.push_back(secondsOf(minus(at->second, before->second)));
    }
    std::vector<double> prefills;
    for (const auto& [batch, time] : prefill) prefills.push_back(secondsOf(time));
    latency.prefill = figureOf(
        std::move(prefills),
        "measured, host clock: from a batch's first launch until all its first tokens are on the host",
        "no first token recorded");
    latency.timeToFirstToken = figureOf(
        std::move(first), "measured, host clock: since the batch's first launch", "no first token recorded");
    latency.timePerToken =
        figureOf(std::move(between), "measured, host clock: from token to token", "no decode step recorded");
    return latency;
}

}  // namespace fluxscope
