#include "profiler/report/report.h"

#include "engine/contract/error.h"
#include "profiler/analysis/origin.h"
#include "profiler/figure/number.h"
#include "profiler/figure/utf8.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace fluxscope {

namespace {

std::string seconds(double value) { return formatted(value * 1e9, Unit::Time); }
std::string tokensPerSecond(double value) {
    return (value < 99.95 ? withDecimals(value, 1) : formattedCount(std::llround(std::min(value, 1e15)))) +
           " tokens/s";
}
std::string share(double value) { return formatted(value, Unit::Share); }
std::string bytes(double value) { return formatted(value, Unit::Bytes); }

std::string count(std::int64_t n, const char* one, const char* many) {
    return formattedCount(n) + " " + (n == 1 ? one : many);
}

// Runs whose layers were timed by when the host had enqueued them.
std::set<RunIndex> enqueueTimedRuns(const Snapshot& snapshot) {
    std::set<RunIndex> runs;
    snapshot.layerSteps.each([&runs](const LayerStepRow& row) {
        if (isEnqueueTime(row.timeSource)) runs.insert(row.run);
    });
    return runs;
}

// One sentence a role: an evaluation has hundreds of runs.
void addRoles(const Snapshot& snapshot, Report& report) {
    std::map<std::string, std::vector<RunIndex>> byRole;
    for (const RunRow& run : snapshot.runs)
        if (run.role != "timed") byRole[run.role].push_back(run.run);
    for (const auto& [role, runs] : byRole) {
        const bool one = runs.size() == 1;
        report.notices.push_back((one ? "Run " + std::to_string(runs.front().value()) + " has"
                                      : count(std::ssize(runs), "run", "runs") + ", from run " +
                                            std::to_string(runs.front().value()) + " to run " +
                                            std::to_string(runs.back().value()) + ", have") +
                                 " the role '" + printable(role) + "': " + (one ? "its" : "their") +
                                 " times are never quoted as latency.");
    }
}

void addNotices(const Snapshot& snapshot, Report& report) {
    for (const ModelRow& model : snapshot.models)
        if (model.facts.untrained)
            report.notices.push_back(
                "The model '" + printable(model.facts.name) +
                "' is untrained: its weights are random. Times and bytes are real; decisions and texts "
                "mean nothing.");
    if (snapshot.live)
        report.notices.emplace_back("The capture was still being written: numbers are those so far.");
    for (const RunRow& run : snapshot.runs) {
        const std::string name = "Run " + std::to_string(run.run.value());
        if (!run.outcome && !snapshot.live)
            report.notices.push_back(
                name + " has no end: its process was lost, and what it had recorded until then is shown.");
        if (run.outcome && *run.outcome != "finished")
            report.notices.push_back(
                name + " " + (*run.outcome == "failed" ? "failed" : "was " + printable(*run.outcome)) +
                (run.reason.empty() ? "." : ": " + printable(run.reason, 400)));
        if (run.dropped > 0)
            report.notices.push_back(name + " dropped " + count(run.dropped, "record", "records") +
                                     ": totals are too low by what they held.");
    }
    addRoles(snapshot, report);
    if (!snapshot.trainings.empty())
        report.notices.push_back(
            "The capture holds " +
            count(static_cast<std::int64_t>(snapshot.trainings.size()), "training", "trainings") +
            ": a report shows runs only; the curves of a training are in the window's view Training.");
    for (const RunIndex run : enqueueTimedRuns(snapshot))
        report.notices.push_back("Run " + std::to_string(run.value()) +
                                 " ran on a GPU whose kernels were not timed: the times of its layers are "
                                 "those the host took to enqueue them.");
    for (const std::string& problem : snapshot.problems) report.notices.push_back(printable(problem, 400));
}

std::string modelName(const Snapshot& snapshot, std::int64_t model) {
    for (const ModelRow& row : snapshot.models)
        if (row.model == model) return row.facts.name;
    return {};
}

const DeviceSummary* deviceOf(const ReportSources& sources, std::optional<RunIndex> run) {
    if (!run) return nullptr;
    const auto found = std::ranges::find(sources.devices, *run, &DeviceSummary::run);
    return found == sources.devices.end() ? nullptr : &*found;
}

// What each source says of the bytes of a run: the modelled ones, and what the passes that go with it measured.
std::vector<BytesOfSource> bytesOf(const ReportSources& sources, RunIndex run, const Passes& passes) {
    std::vector<BytesOfSource> all{analyticBytes(*sources.snapshot, run)};
    // Without such a pass, what was measured in the run itself.
    if (const DeviceSummary* counters = deviceOf(sources, passes.counters.value_or(run)))
        all.push_back(counters->counted);
    if (const DeviceSummary* timeline = deviceOf(sources, passes.timeline.value_or(run)))
        all.push_back(timeline->sampled);
    std::erase_if(all, [](const BytesOfSource& source) { return source.rows.empty(); });
    return all;
}

// A pass of a timed run: what it measured stands there.
bool isPassOfAnother(const Snapshot& snapshot, const RunRow& run) {
    return run.role != "timed" && std::ranges::any_of(snapshot.runs, [&](const RunRow& other) {
               if (other.role != "timed") return false;
               const Passes passes = passesOf(snapshot, other.run);
               return passes.timeline == run.run || passes.counters == run.run;
           });
}

void addDevice(const ReportSources& sources, ReportRun& run, bool pictures) {
    const RunIndex index = run.settings.run;
    run.passes = passesOf(*sources.snapshot, index);
    const std::vector<BytesOfSource> bytes = bytesOf(sources, index, run.passes);
    run.bytes = bytesByPhase(bytes);
    if (bytes.size() > 1 && !isPassOfAnother(*sources.snapshot, run.settings))
        run.layerBytes = bytesByLayer(bytes);
    const std::vector<FigureInfo>& figures = sources.facts.figures;
    run.quality =
        quality(*sources.snapshot, index, kernelFigures(figures, index), stepBytesOf(bytes), figures);
    // Times at a locked clock, or of an eager pass between counters, say nothing of what the machine can do.
    if (run.settings.role == "timed" && !run.settings.clockLocked)
        run.roofline =
            roofline(workOf(run.breakdown), ceilingsOf(*sources.snapshot, index, sources.facts.devices),
                     run.settings.dtype);
    const DeviceSummary* device = deviceOf(sources, index);
    if (device == nullptr) {
        if (pictures) {
            run.timeLine = timeLine(*sources.snapshot, index, nullptr);
            run.traffic = trafficOver(*sources.snapshot, index, {});
        }
        return;
    }
    run.kernels = device->kernels;
    run.topKernels = device->topKernels;
    run.omittedKernels = device->omittedKernels;
    run.gaps = device->gaps;
    if (!pictures) return;
    run.timeLine = device->timeLine;
    run.traffic = device->traffic;
}

void addRuns(const ReportSources& sources, Report& report) {
    const Snapshot& snapshot = *sources.snapshot;
    const std::vector<RunSummary> summaries = runSummaries(snapshot);
    for (std::size_t i = 0; i < snapshot.runs.size() && i < kReportRuns; ++i) {
        const RunRow& run = snapshot.runs[i];
        ReportRun entry;
        entry.settings = run;
        entry.model = modelName(snapshot, run.model);
        entry.summary = summaries[i];
        entry.routing = routingTable(snapshot, std::span(&run.run, 1));
        entry.health = routerHealth(snapshot, run.run);
        entry.kv = kvMemory(snapshot, run.run);
        entry.breakdown = breakdown(snapshot, run.run, {.phase = true, .mode = true});
        entry.latency = latencyOf(snapshot, repeatsOf(snapshot, run.run));
        addDevice(sources, entry, i < kReportTimeLines);
        for (const QualityRow& row : entry.quality)
            if (row.verdict == Verdict::Warning && row.check != "dropped" &&
                !(row.check == "sources" && isPassOfAnother(snapshot, run)))
                report.notices.push_back("Run " + std::to_string(run.run.value()) + ", " +
                                         printable(row.check, 40) + ": " + row.sentence);
        report.runs.push_back(std::move(entry));
    }
    report.omittedRuns = static_cast<std::int64_t>(snapshot.runs.size() - report.runs.size());
}

// Prompts take turns: the first of every kind before the second of any, so that a cut list still shows each kind.
std::vector<std::int32_t> byTurns(const RoutingTable& table) {
    std::vector<std::int32_t> columns;
    for (std::int32_t turn = 0; columns.size() < table.columns.size(); ++turn)
        for (const RoutingGroup& group : table.groups)
            if (turn < group.columns) columns.push_back(group.firstColumn + turn);
    return columns;
}

void addCosts(const Snapshot& snapshot, Report& report) {
    std::int64_t wanted = 0;
    for (const ReportRun& run : report.runs) {
        const std::size_t room = std::max<std::size_t>(1, kReportCosts / report.runs.size());
        std::size_t taken = 0;
        for (const std::int32_t column : byTurns(run.routing)) {
            ++wanted;
            if (taken >= room) continue;
            const RoutingColumn& about = run.routing.columns[static_cast<std::size_t>(column)];
            LayerCosts costs = layerCosts(snapshot, about.run, about.sequence);
            if (costs.empty()) {
                --wanted;
                continue;
            }
            report.costs.push_back(std::move(costs));
            ++taken;
        }
    }
    report.omittedCosts = wanted - static_cast<std::int64_t>(report.costs.size());
}

void addDecisionCosts(const Snapshot& snapshot, Report& report) {
    const std::vector<TwinBatch> twins = twinBatches(snapshot);
    for (std::size_t i = 0; i < std::min(twins.size(), kReportDecisionCosts); ++i)
        report.decisionCosts.push_back(decisionCosts(snapshot, twins[i]));
    report.omittedDecisionCosts = static_cast<std::int64_t>(twins.size() - report.decisionCosts.size());
    if (!twins.empty()) return;
    // Nobody ran both sides: what kernels/cost says of the first prompt of each routed run.
    for (const ReportRun& run : report.runs) {
        if (run.settings.role != "timed" || run.health.empty() ||
            report.decisionCosts.size() >= kReportDecisionCosts)
            continue;
        const auto first = std::ranges::find(snapshot.sequences, run.settings.run, &SequenceRow::run);
        if (first != snapshot.sequences.end())
            report.decisionCosts.push_back(
                modelledDecisionCosts(snapshot, run.settings.run, first->sequence));
    }
}

void addOverhead(const Snapshot& snapshot, Report& report) {
    for (const ProcessRow& process : snapshot.processes) {
        ReportOverhead overhead{.process = process.process,
                                .measured = false,
                                .text =
                                    "not measured: fluxscope-cli overhead measures what recording costs on "
                                    "this machine",
                                .source = {}};
        for (const EnvironmentRow& row : snapshot.environment)
            if (row.process == process.process && row.name == "overhead")
                overhead = {process.process, !row.value.starts_with("not measured"), row.value, row.source};
        report.overhead.push_back(std::move(overhead));
    }
}

void addPrompts(const Snapshot& snapshot, Report& report) {
    std::map<std::int64_t, std::size_t> at;
    for (const PromptRow& row : snapshot.prompts) {
        if (report.prompts.size() == kReportPrompts) break;
        ReportPrompt prompt;
        prompt.id = row.id;
        prompt.kind = row.kind;
        prompt.split = row.split;
        if (row.text) prompt.text = excerptOf(*row.text, kReportTextCharacters);
        prompt.answer = excerptOf(row.answer, kReportTextCharacters);
        at.emplace(row.prompt, report.prompts.size());
        report.prompts.push_back(std::move(prompt));
    }
    report.omittedPrompts = static_cast<std::int64_t>(snapshot.prompts.size() - report.prompts.size());

    struct Written {
        std::string text;
        std::int64_t tokens = 0;
    };
    std::map<std::pair<RunIndex, SequenceIndex>, Written> written;
    snapshot.tokens.each([&](const TokenRow& token) {
        Written& w = written[{token.run, token.sequence}];
        w.text += token.text;
        w.tokens += 1;
    });
    for (const SequenceRow& row : snapshot.sequences) {
        const auto prompt = at.find(row.prompt);
        const auto output = written.find({row.run, row.sequence});
        if (prompt == at.end() || output == written.end()) continue;
        report.prompts[prompt->second].outputs.push_back(
            {row.run, row.sequence, excerptOf(output->second.text, kReportTextCharacters),
             output->second.tokens});
    }
}

}  // namespace

Excerpt excerptOf(std::string_view text, std::size_t characters) {
    std::size_t bytesTaken = 0;
    for (std::size_t i = 0; i < characters && bytesTaken < text.size(); ++i)
        bytesTaken += firstCodePoint(text.substr(bytesTaken)).bytes;
    return {std::string(text.substr(0, bytesTaken)),
            static_cast<std::int64_t>(countCodePoints(text.substr(bytesTaken)))};
}

const std::vector<ReportMetric>& reportMetrics() {
    static const std::vector<ReportMetric> kMetrics{
        {"prefill_s", "Prefill", &RunSummary::prefillSeconds, seconds},
        {"ttft_s", "Time to first token", &RunSummary::timeToFirstTokenSeconds, seconds},
        {"decode_tokens_per_s", "Decode", &RunSummary::decodeTokensPerSecond, tokensPerSecond},
        {"full_share", "Full attention", &RunSummary::fullShare, share},
        {"kv_bytes", "KV kept", &RunSummary::kvKeptBytes, bytes},
        {"kv_bytes_freed", "KV freed", &RunSummary::kvFreedBytes, bytes},
        {"bytes_moved", "Bytes moved", &RunSummary::bytesMoved, bytes},
        {"router_share", "Router overhead", &RunSummary::routerShare, share},
        {"unattributed_share", "Outside all layers", &RunSummary::unattributedShare, share},
    };
    return kMetrics;
}

std::vector<std::pair<std::string, const LatencyFigure*>> reportLatencies(const Latency& latency) {
    return {{"load", &latency.load},
            {"prefill", &latency.prefill},
            {"time to first token", &latency.timeToFirstToken},
            {"time per output token", &latency.timePerToken}};
}

Report buildReport(const ReportSources& sources) {
    const Snapshot& snapshot = *sources.snapshot;
    Report report;
    report.title = snapshot.file.filename().string();
    report.live = snapshot.live;
    report.processes = snapshot.processes;
    report.environment = snapshot.environment;
    report.models = snapshot.models;
    report.collectors = sources.facts.collectors;
    addNotices(snapshot, report);
    for (const auto* problems : {&sources.facts.problems, &sources.problems})
        for (const std::string& problem : *problems) report.notices.push_back(printable(problem, 400));
    addOverhead(snapshot, report);
    addRuns(sources, report);
    addCosts(snapshot, report);
    addDecisionCosts(snapshot, report);
    addPrompts(snapshot, report);
    return report;
}

}  // namespace fluxscope
