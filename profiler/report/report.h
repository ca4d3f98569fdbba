// A report of one capture: one value, made by a pure function, that the HTML, Markdown and JSON writers print.
//
// Prompt text, generated text and names come from files: every writer escapes them, and the HTML page forbids scripts and
// everything from outside by its own Content-Security-Policy.
#pragma once

#include "profiler/analysis/layer_costs.h"
#include "profiler/analysis/routing_table.h"
#include "profiler/analysis/run_summary.h"
#include "profiler/capture/snapshot.h"

#include <cstdint>
#include <optional>
#include <string>
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
};

// A number of the run summary, by the names that all three forms use.
struct ReportMetric {
    const char* key;    // "prefill_s"
    const char* label;  // "Prefill"
    Quantity RunSummary::* quantity;
    std::string (*shown)(double value);
};
const std::vector<ReportMetric>& reportMetrics();

struct Report {
    std::string title;  // the capture's file name
    bool live = false;
    std::vector<std::string> notices;  // what a reader must know before believing a number, a sentence each
    std::vector<ProcessRow> processes;
    std::vector<EnvironmentRow> environment;
    std::vector<ModelRow> models;
    std::vector<ReportRun> runs;
    std::vector<LayerCosts> costs;  // of the first prompts of each run that has any
    std::vector<ReportPrompt> prompts;
    std::int64_t omittedRuns = 0;
    std::int64_t omittedCosts = 0;
    std::int64_t omittedPrompts = 0;
};

// What a report shows at most; it says what it left out. The capture has everything.
inline constexpr std::size_t kReportRuns = 12;
inline constexpr std::size_t kReportCosts = 24;
inline constexpr std::size_t kReportPrompts = 500;
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
//              "layers": N, "full_share_by_layer": [NUMBER or null], "full_share_by_kind": {KIND: NUMBER or null},
//              "routing": [{"sequence", "prompt", "kind", "prompt_tokens", "full_share",
//                           "decision": ["full"|"sparse"|null], "decided_by": [TEXT or null], "p_full": [NUMBER or null],
//                           "threshold": [NUMBER or null], "margin": [NUMBER or null]}]}],
//    "layer_costs": [{"run", "sequence", "prompt", "steps", "batch_sequences", "time_origin", "bytes_origin",
//                     "layers": [{"layer", "prefill_ns", "decode_ns", "prefill_bytes", "decode_bytes", "kv_bytes"}]}],
//    "prompts": [{"id", "kind", "split", "text", "text_omitted", "answer",
//                 "outputs": [{"run", "sequence", "text", "text_omitted", "tokens"}]}],
//    "omitted": {"runs", "layer_costs", "prompts"}}
//
// NAME is one of prefill_s, decode_tokens_per_s, ttft_s, full_share, kv_bytes, kv_bytes_freed, bytes_moved, router_share,
// unattributed_share. Arrays of a routing column are by layer. Absent numbers are null, never NaN.
std::string jsonReport(const Report& report);

}  // namespace fluxscope
