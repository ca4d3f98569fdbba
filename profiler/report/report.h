// A report of one capture: one value, made by a pure function, that the HTML, Markdown and JSON writers print.
//
// Prompt text, generated text and names come from files: every writer escapes them, and the HTML page forbids scripts and
// everything from outside by its own Content-Security-Policy.
#pragma once

#include "profiler/analysis/breakdown.h"
#include "profiler/analysis/decision_cost.h"
#include "profiler/analysis/kv_memory.h"
#include "profiler/analysis/latency.h"
#include "profiler/analysis/layer_bytes.h"
#include "profiler/analysis/layer_costs.h"
#include "profiler/analysis/passes.h"
#include "profiler/analysis/quality.h"
#include "profiler/analysis/roofline.h"
#include "profiler/analysis/router_health.h"
#include "profiler/analysis/routing_table.h"
#include "profiler/analysis/run_summary.h"
#include "profiler/analysis/time_line.h"
#include "profiler/analysis/top_kernels.h"
#include "profiler/analysis/traffic.h"
#include "profiler/capture/run_facts.h"
#include "profiler/capture/snapshot.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace fluxscope {

// What a device did in a run: its rows, which may be millions, reduced to what a report shows of them.
struct DeviceSummary {
    RunIndex run;
    std::int64_t kernels = 0;  // that have a row
    std::vector<TopKernel> topKernels;
    std::int64_t omittedKernels = 0;  // names beyond kReportKernels
    std::vector<StreamGaps> gaps;
    BytesOfSource counted;
    BytesOfSource sampled;
    Traffic traffic;
    TimeLine timeLine;
};

// All that a report is made of.
struct ReportSources {
    SnapshotPtr snapshot;
    RunFactsRead facts;
    std::vector<DeviceSummary> devices;  // of the runs that a report shows
    std::vector<std::string> problems;   // of tables of devices
};

// Reads a capture, each run's device tables once, one run at a time. Throws as readCapture does. `progress` hears of each run.
ReportSources readReportSources(const std::filesystem::path& file,
                                const std::function<void(RunIndex run)>& progress = {});

// Text as far as a report shows it; cut between characters.
struct Excerpt {
    std::string text;
    std::int64_t omitted = 0;  // characters
};
Excerpt excerptOf(std::string_view text, std::size_t characters);

struct ReportOutput {
    RunIndex run;
    SequenceIndex sequence;
    Excerpt text;
    std::int64_t tokens = 0;
};

struct ReportPrompt {
    std::string id;
    std::string kind;
    std::string split;
    std::optional<Excerpt> text;  // absent: recorded without prompt text
    Excerpt answer;
    std::vector<ReportOutput> outputs;
};

struct ReportRun {
    RunRow settings;
    std::string model;  // its name
    RunSummary summary;
    RoutingTable routing;
    RouterHealth health;
    KvMemory kv;
    std::vector<BreakdownRow> breakdown;            // by phase and mode
    std::variant<Latency, LatencyRefused> latency;  // with the runs that repeat this one
    TimeLine timeLine;                              // of the first kReportTimeLines runs
    std::vector<QualityRow> quality;
    Passes passes;                  // whose bytes stand beside this run's
    std::vector<PhaseBytes> bytes;  // by phase and source
    std::vector<PhaseBytes>
        layerBytes;  // by layer too; empty where nothing was measured, and of a timed run's passes
    Roofline roofline;
    std::int64_t kernels = 0;  // recorded by row
    std::vector<TopKernel> topKernels;
    std::int64_t omittedKernels = 0;
    std::vector<StreamGaps> gaps;
    Traffic traffic;  // of the first kReportTimeLines runs
};

// What recording costs on the machine of a process, as its environment says, or how to learn it.
struct ReportOverhead {
    ProcessIndex process;
    bool measured = false;
    std::string text;
    std::string source;
};

// A number of the run summary, by the names that all three forms use.
struct ReportMetric {
    const char* key;    // "prefill_s"
    const char* label;  // "Prefill"
    Quantity RunSummary::* quantity;
    std::string (*shown)(double value);
};
const std::vector<ReportMetric>& reportMetrics();

// The figures of a latency under the names that people read.
std::vector<std::pair<std::string, const LatencyFigure*>> reportLatencies(const Latency& latency);

struct Report {
    std::string title;  // the capture's file name
    bool live = false;
    std::vector<std::string> notices;  // what a reader must know before believing a number, a sentence each
    std::vector<ProcessRow> processes;
    std::vector<EnvironmentRow> environment;
    std::vector<ModelRow> models;
    std::vector<CollectorInfo> collectors;  // that were asked for, and what became of them
    std::vector<ReportOverhead> overhead;
    std::vector<ReportRun> runs;
    std::vector<LayerCosts> costs;  // of the first prompts of each run that has any
    std::vector<DecisionCosts>
        decisionCosts;  // of the first batches run full and sparse; without any, modelled
    std::vector<ReportPrompt> prompts;
    std::int64_t omittedRuns = 0;
    std::int64_t omittedCosts = 0;
    std::int64_t omittedPrompts = 0;
    std::int64_t omittedDecisionCosts = 0;
};

// What a report shows at most; it says what it left out. The capture has everything.
inline constexpr std::size_t kReportRuns = 12;
inline constexpr std::size_t kReportCosts = 24;
inline constexpr std::size_t kReportPrompts = 500;
inline constexpr std::size_t kReportDecisionCosts = 6;
inline constexpr std::size_t kReportTimeLines = 4;
inline constexpr std::size_t kReportKernels = 20;
inline constexpr std::int64_t kReportBars =
    100'000;  // with more kernels a time line shows the overview's buckets
inline constexpr std::size_t kReportTextCharacters = 1200;

Report buildReport(const ReportSources& sources);

// One self-contained file: light and dark, printable, works from file://.
std::string htmlReport(const Report& report);

std::string markdownReport(const Report& report);

// Everything a script may want, without pictures:
//
//   {"format": "fluxscope-report", "version": 1, "capture": FILE, "live": bool, "notices": [TEXT],
//    "processes": [{"process", "host", "program", "collector", "utc_ns"}],
//    "environment": [{"process", "name", "value", "source"}],
//    "collectors": [{"process", "run": N or null, "name", "state", "reason", "remedy"}],
//    "overhead": [{"process", "measured": bool, "text", "source"}],
//    "models": [{"name", "path", "architecture", "hash", "layers", "heads", "kv_heads", "head_dim", "hidden", "vocabulary",
//                "parameters", "router_parameters", "pool_size", "untrained"}],
//    "runs": [{"run", "model", "role", "repeat", "policy", "policy_json", "sparse", "seed", "max_new", "chunk_tokens", "device",
//              "dtype", "outcome", "reason", "dropped", "prompts", "prompt_tokens", "generated_tokens",
//              "metrics": {NAME: {"value": NUMBER, "origin": TEXT} or {"value": null, "missing": TEXT}},
//              "latency": {"runs": [N], "warm_up": TEXT, "load_s", "prefill_s", "ttft_s", "tpot_s": {"count", "origin",
//                          "min", "p10", "p25", "median", "p75", "p90", "p99", "max", "mean"}} or {"refused": TEXT},
//              "breakdown": [{"phase", "part", "mode", "steps", "time_ns", "time_origin", "bytes", "flops", "bytes_origin"}],
//              "quality": [{"check", "verdict": "fine"|"warning"|"unknown", "value": NUMBER or null, "sentence"}],
//              "kernels": {"count", "top": [{"name", "op", "phase", "attributed", "count", "total_ns", "median_ns", "p90_ns", "share"}],
//                          "omitted", "streams": [{"stream", "phase", "kernels", "busy_ns", "gaps", "idle_ns", "launch_bound_ns",
//                                                  "unknown_ns", "longest_ns", "launch_bound_share"}]},
//              "roofline": {"dtype", "ceilings": {"bytes_per_second", "flops_per_second", "measured", "origin"},
//                           "points": [{"label", "phase", "seconds", "bytes", "flops", "intensity", "bytes_per_second",
//                                       "flops_per_second", "bandwidth_share", "roof_share", "bound", "time_origin", "bytes_origin"}]},
//              "traffic": {"timeline_run": N or null, "counters_run": N or null,
//                          "phases": [{"phase", "source", "origin", "read", "written", "steps", "layer_steps", "low_confidence"}],
//                          "layers": [the same with "layer"]},
//              "kv_memory": {"kept", "freed", "full", "origin", "layers": [{"layer", "kept", "freed"}]},
//              "router_health": {"collapsed", "findings": [TEXT], "layers": [{"layer", "prompts", "full", "collapse", "entropy",
//                                "route_entropy", "margin_min", "margin_median", "margin_max", "undecided", "probes", "flips"}]},
//              "layers": N, "full_share_by_layer": [NUMBER or null], "full_share_by_kind": {KIND: NUMBER or null},
//              "routing": [{"sequence", "prompt", "kind", "prompt_tokens", "full_share",
//                           "decision": ["full"|"sparse"|null], "decided_by": [TEXT or null], "p_full": [NUMBER or null],
//                           "threshold": [NUMBER or null], "margin": [NUMBER or null]}]}],
//    "layer_costs": [{"run", "sequence", "prompt", "steps", "batch_sequences", "time_origin", "bytes_origin",
//                     "layers": [{"layer", "prefill_ns", "decode_ns", "prefill_bytes", "decode_bytes", "kv_bytes"}]}],
//    "decision_costs": [{"prompts": [ID], "sparse", "modelled": bool, "attention_only": bool, "full_runs": [N], "sparse_runs": [N], "time_origin", "bytes_origin",
//                        "layers": [{"phase", "layer", "full_ns", "sparse_ns", "cost_ns", "full_bytes", "sparse_bytes",
//                                    "full_flops", "sparse_flops"}]}],
//    "prompts": [{"id", "kind", "split", "text", "text_omitted", "answer",
//                 "outputs": [{"run", "sequence", "text", "text_omitted", "tokens"}]}],
//    "omitted": {"runs", "layer_costs", "decision_costs", "prompts"}}
//
// NAME is one of prefill_s, decode_tokens_per_s, ttft_s, full_share, kv_bytes, kv_bytes_freed, bytes_moved, router_share,
// unattributed_share. Arrays of a routing column are by layer. Absent numbers are null, never NaN.
std::string jsonReport(const Report& report);

}  // namespace fluxscope
