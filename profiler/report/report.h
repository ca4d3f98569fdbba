// A report of one capture: one value, made by a pure function, that the HTML, Markdown and JSON writers print.
//
// Prompt text, generated text and names come from files: every writer escapes them, and the HTML page forbids scripts and
// everything from outside by its own Content-Security-Policy.
#pragma once

#include "profiler/analysis/breakdown.h"
#include "profiler/analysis/decision_cost.h"
#include "profiler/analysis/kv_memory.h"
#include "profiler/analysis/latency.h"
#include "profiler/analysis/layer_costs.h"
#include "profiler/analysis/router_health.h"
#include "profiler/analysis/routing_table.h"
#include "profiler/analysis/run_summary.h"
#include "profiler/analysis/time_line.h"
#include "profiler/capture/snapshot.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace fluxscope {

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
    std::vector<ReportRun> runs;
    std::vector<LayerCosts> costs;             // of the first prompts of each run that has any
    std::vector<DecisionCosts> decisionCosts;  // of the first batches that were run full and sparse
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
inline constexpr std::size_t kReportTextCharacters = 1200;

Report buildReport(const Snapshot& snapshot);

// One self-contained file: light and dark, printable, works from file://.
std::string htmlReport(const Report& report);

std::string markdownReport(const Report& report);

// Everything a script may want, without pictures:
//
//   {"format": "fluxscope-report", "version": 1, "capture": FILE, "live": bool, "notices": [TEXT],
//    "processes": [{"process", "host", "program", "collector", "utc_ns"}],
//    "environment": [{"process", "name", "value", "source"}],
//    "models": [{"name", "path", "architecture", "hash", "layers", "heads", "kv_heads", "head_dim", "hidden", "vocabulary",
//                "parameters", "router_parameters", "pool_size", "untrained"}],
//    "runs": [{"run", "model", "role", "repeat", "policy", "policy_json", "sparse", "seed", "max_new", "chunk_tokens", "device",
//              "dtype", "outcome", "reason", "dropped", "prompts", "prompt_tokens", "generated_tokens",
//              "metrics": {NAME: {"value": NUMBER, "origin": TEXT} or {"value": null, "missing": TEXT}},
//              "latency": {"runs": [N], "warm_up": TEXT, "load_s", "prefill_s", "ttft_s", "tpot_s": {"count", "origin",
//                          "min", "p10", "p25", "median", "p75", "p90", "p99", "max", "mean"}} or {"refused": TEXT},
//              "breakdown": [{"phase", "part", "mode", "steps", "time_ns", "time_origin", "bytes", "flops", "bytes_origin"}],
//              "kv_memory": {"kept", "freed", "full", "origin", "layers": [{"layer", "kept", "freed"}]},
//              "router_health": {"collapsed", "findings": [TEXT], "layers": [{"layer", "prompts", "full", "collapse", "entropy",
//                                "route_entropy", "margin_min", "margin_median", "margin_max", "undecided", "probes", "flips"}]},
//              "layers": N, "full_share_by_layer": [NUMBER or null], "full_share_by_kind": {KIND: NUMBER or null},
//              "routing": [{"sequence", "prompt", "kind", "prompt_tokens", "full_share",
//                           "decision": ["full"|"sparse"|null], "decided_by": [TEXT or null], "p_full": [NUMBER or null],
//                           "threshold": [NUMBER or null], "margin": [NUMBER or null]}]}],
//    "layer_costs": [{"run", "sequence", "prompt", "steps", "batch_sequences", "time_origin", "bytes_origin",
//                     "layers": [{"layer", "prefill_ns", "decode_ns", "prefill_bytes", "decode_bytes", "kv_bytes"}]}],
//    "decision_costs": [{"prompts": [ID], "sparse", "full_runs": [N], "sparse_runs": [N], "time_origin", "bytes_origin",
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
