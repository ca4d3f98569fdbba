#include "profiler/report/detail/device_json.h"
#include "profiler/report/report.h"

#include <nlohmann/json.hpp>

namespace fluxscope {

namespace {

using Json = nlohmann::ordered_json;

Json number(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

Json quantity(const Quantity& q) {
    if (q.value) return {{"value", *q.value}, {"origin", q.origin}};
    return {{"value", nullptr}, {"missing", q.origin}};
}

Json modelJson(const ModelRow& row) {
    const ModelFacts& m = row.facts;
    return {{"name", m.name},
            {"path", m.path},
            {"architecture", m.architecture},
            {"hash", m.hash},
            {"layers", m.layers},
            {"heads", m.heads},
            {"kv_heads", m.kvHeads},
            {"head_dim", m.headDim},
            {"hidden", m.hidden},
            {"vocabulary", m.vocabulary},
            {"parameters", m.parameters},
            {"router_parameters", m.routerParameters},
            {"pool_size", m.poolSize},
            {"untrained", m.untrained}};
}

Json columnJson(const RoutingTable& table, std::int32_t column) {
    const RoutingColumn& about = table.columns[static_cast<std::size_t>(column)];
    Json json{{"sequence", about.sequence.value()},
              {"prompt", about.promptId},
              {"kind", about.kind},
              {"prompt_tokens", about.promptTokens},
              {"full_share", number(about.share.value())}};
    for (const char* name : {"decision", "decided_by", "p_full", "threshold", "margin"})
        json[name] = Json::array();
    for (std::int32_t layer = 0; layer < table.layers; ++layer) {
        const RoutingCell& cell = table.at(layer, column);
        json["decision"].push_back(cell.recorded ? Json(cell.full() ? "full" : "sparse") : Json(nullptr));
        json["decided_by"].push_back(cell.recorded ? Json(std::string(nameOf(cell.by))) : Json(nullptr));
        json["p_full"].push_back(number(cell.fullProbability));
        json["threshold"].push_back(number(cell.threshold));
        json["margin"].push_back(number(cell.margin));
    }
    return json;
}

Json figureJson(const LatencyFigure& figure) {
    const Percentiles& p = figure.seconds;
    Json json{{"count", p.count}, {"origin", figure.origin}};
    if (p.count == 0) return json;
    const std::pair<const char*, double> values[] = {{"min", p.least},     {"p10", p.p10},  {"p25", p.p25},
                                                     {"median", p.median}, {"p75", p.p75},  {"p90", p.p90},
                                                     {"p99", p.p99},       {"max", p.most}, {"mean", p.mean}};
    for (const auto& [name, value] : values) json[name] = value;
    return json;
}

Json indices(const std::vector<RunIndex>& runs) {
    Json json = Json::array();
    for (const RunIndex run : runs) json.push_back(run.value());
    return json;
}

Json latencyJson(const std::variant<Latency, LatencyRefused>& latency) {
    if (const auto* refused = std::get_if<LatencyRefused>(&latency)) return {{"refused", refused->sentence}};
    const auto& l = std::get<Latency>(latency);
    return {{"runs", indices(l.runs)},
            {"warm_up", l.warmUp},
            {"load_s", figureJson(l.load)},
            {"prefill_s", figureJson(l.prefill)},
            {"ttft_s", figureJson(l.timeToFirstToken)},
            {"tpot_s", figureJson(l.timePerToken)}};
}

Json breakdownJson(const std::vector<BreakdownRow>& rows) {
    Json json = Json::array();
    for (const BreakdownRow& row : rows)
        json.push_back({{"phase", row.phase ? Json(std::string(nameOf(*row.phase))) : Json(nullptr)},
                        {"part", std::string(nameOf(row.part))},
                        {"mode", row.mode ? Json(std::string(nameOf(*row.mode))) : Json(nullptr)},
                        {"steps", row.steps},
                        {"time_ns", row.time.count()},
                        {"time_origin", row.timeOrigin},
                        {"bytes", row.bytesRead + row.bytesWritten},
                        {"flops", row.flops},
                        {"bytes_origin", row.bytesOrigin}});
    return json;
}

Json kvJson(const KvMemory& memory) {
    if (memory.empty()) return nullptr;
    Json json{{"kept", memory.total.kept},
              {"freed", memory.total.freed},
              {"full", memory.total.full()},
              {"origin", memory.origin},
              {"layers", Json::array()}};
    for (const KvLayer& layer : memory.layers)
        json["layers"].push_back(
            {{"layer", layer.layer.value()}, {"kept", layer.bytes.kept}, {"freed", layer.bytes.freed}});
    return json;
}

Json healthJson(const RouterHealth& health) {
    Json json{{"collapsed", health.collapsed}, {"findings", health.findings}, {"layers", Json::array()}};
    for (const LayerHealth& layer : health.layers)
        json["layers"].push_back(
            {{"layer", layer.layer.value()},
             {"prompts", layer.prompts},
             {"full", layer.full},
             {"collapse", std::string(nameOf(layer.collapse))},
             {"entropy", layer.entropy},
             {"route_entropy", layer.routeEntropy},
             {"margin_min", layer.margins.count > 0 ? Json(layer.margins.least) : Json(nullptr)},
             {"margin_median", layer.margins.count > 0 ? Json(layer.margins.median) : Json(nullptr)},
             {"margin_max", layer.margins.count > 0 ? Json(layer.margins.most) : Json(nullptr)},
             {"undecided", layer.undecided},
             {"probes", layer.probes},
             {"flips", layer.flips}});
    return json;
}

Json decisionCostsJson(const DecisionCosts& costs) {
    Json json{{"prompts", costs.prompts},
              {"sparse", costs.sparse},
              {"modelled", costs.modelled},
              {"attention_only", costs.attentionOnly},
              {"full_runs", indices(costs.fullRuns)},
              {"sparse_runs", indices(costs.sparseRuns)},
              {"time_origin", costs.timeOrigin},
              {"bytes_origin", costs.bytesOrigin},
              {"layers", Json::array()}};
    for (const DecisionCost& row : costs.rows)
        json["layers"].push_back({{"phase", std::string(nameOf(row.phase))},
                                  {"layer", row.layer.value()},
                                  {"full_ns", row.fullNs ? Json(row.fullNs->median) : Json(nullptr)},
                                  {"sparse_ns", row.sparseNs ? Json(row.sparseNs->median) : Json(nullptr)},
                                  {"cost_ns", number(row.costNs())},
                                  {"full_bytes", row.fullBytes},
                                  {"sparse_bytes", row.sparseBytes},
                                  {"full_flops", row.fullFlops},
                                  {"sparse_flops", row.sparseFlops}});
    return json;
}

Json runJson(const ReportRun& run) {
    const RunRow& r = run.settings;
    const RunSummary& s = run.summary;
    Json json{{"run", r.run.value()},
              {"model", run.model},
              {"role", r.role},
              {"repeat", r.repeat},
              {"policy", r.policyName},
              {"policy_json", r.policyJson},
              {"sparse", r.sparse},
              {"seed", r.seed},
              {"max_new", r.maxNew},
              {"chunk_tokens", r.chunkTokens},
              {"device", r.device},
              {"dtype", r.dtype},
              {"outcome", s.outcome},
              {"reason", s.reason},
              {"dropped", s.dropped},
              {"prompts", s.prompts},
              {"prompt_tokens", s.promptTokens},
              {"generated_tokens", s.generatedTokens}};
    for (const ReportMetric& metric : reportMetrics())
        json["metrics"][metric.key] = quantity(s.*metric.quantity);
    json["latency"] = latencyJson(run.latency);
    json["breakdown"] = breakdownJson(run.breakdown);
    json["quality"] = qualityJson(run);
    json["kernels"] = kernelsJson(run);
    json["roofline"] = rooflineJson(run.roofline);
    json["traffic"] = trafficJson(run);
    json["kv_memory"] = kvJson(run.kv);
    json["router_health"] = healthJson(run.health);
    json["layers"] = run.routing.layers;
    json["full_share_by_layer"] = Json::array();
    for (const FullShare& share : run.routing.layerShares)
        json["full_share_by_layer"].push_back(number(share.value()));
    json["full_share_by_kind"] = Json::object();
    for (const RoutingGroup& group : run.routing.groups)
        json["full_share_by_kind"][group.kind] = number(group.share.value());
    json["routing"] = Json::array();
    for (std::size_t c = 0; c < run.routing.columns.size(); ++c)
        json["routing"].push_back(columnJson(run.routing, static_cast<std::int32_t>(c)));
    return json;
}

// The sum over steps begin..end of one layer; null when none is recorded.
Json total(const CostGrid& grid, std::int32_t layer, std::int32_t begin, std::int32_t end) {
    double sum = 0;
    bool any = false;
    for (std::int32_t step = begin; step < end; ++step) {
        if (grid.at(layer, step) < 0) continue;
        sum += static_cast<double>(grid.at(layer, step));
        any = true;
    }
    return any ? Json(sum) : Json(nullptr);
}

Json costsJson(const LayerCosts& costs) {
    Json json{{"run", costs.run.value()},
              {"sequence", costs.sequence.value()},
              {"prompt", costs.promptId},
              {"steps", costs.steps},
              {"batch_sequences", costs.batchSequences},
              {"time_origin", costs.timeOrigin},
              {"bytes_origin", costs.bytesOrigin},
              {"layers", Json::array()}};
    for (std::int32_t layer = 0; layer < costs.layers; ++layer)
        json["layers"].push_back({{"layer", layer},
                                  {"prefill_ns", total(costs.time, layer, 0, 1)},
                                  {"decode_ns", total(costs.time, layer, 1, costs.steps)},
                                  {"prefill_bytes", total(costs.bytes, layer, 0, 1)},
                                  {"decode_bytes", total(costs.bytes, layer, 1, costs.steps)},
                                  {"kv_bytes", total(costs.kvBytes, layer, costs.steps - 1, costs.steps)}});
    return json;
}

Json promptJson(const ReportPrompt& prompt) {
    Json json{{"id", prompt.id},
              {"kind", prompt.kind},
              {"split", prompt.split},
              {"text", prompt.text ? Json(prompt.text->text) : Json(nullptr)},
              {"text_omitted", prompt.text ? prompt.text->omitted : 0},
              {"answer", prompt.answer.text},
              {"outputs", Json::array()}};
    for (const ReportOutput& output : prompt.outputs)
        json["outputs"].push_back({{"run", output.run.value()},
                                   {"sequence", output.sequence.value()},
                                   {"text", output.text.text},
                                   {"text_omitted", output.text.omitted},
                                   {"tokens", output.tokens}});
    return json;
}

}  // namespace

std::string jsonReport(const Report& report) {
    Json json{{"format", "fluxscope-report"},
              {"version", 1},
              {"capture", report.title},
              {"live", report.live},
              {"notices", report.notices}};
    for (const char* list : {"processes", "environment", "collectors", "overhead", "models", "runs",
                             "layer_costs", "decision_costs", "prompts"})
        json[list] = Json::array();
    for (const ProcessRow& p : report.processes)
        json["processes"].push_back({{"process", p.process.value()},
                                     {"host", p.host},
                                     {"program", p.program},
                                     {"collector", p.collector},
                                     {"utc_ns", p.utc.count()}});
    for (const EnvironmentRow& e : report.environment)
        json["environment"].push_back(
            {{"process", e.process.value()}, {"name", e.name}, {"value", e.value}, {"source", e.source}});
    for (const CollectorInfo& c : report.collectors)
        json["collectors"].push_back({{"process", c.process.value()},
                                      {"run", c.run < 0 ? Json(nullptr) : Json(c.run)},
                                      {"name", c.name},
                                      {"state", c.state},
                                      {"reason", c.reason},
                                      {"remedy", c.remedy}});
    for (const ReportOverhead& o : report.overhead)
        json["overhead"].push_back({{"process", o.process.value()},
                                    {"measured", o.measured},
                                    {"text", o.text},
                                    {"source", o.source}});
    for (const ModelRow& model : report.models) json["models"].push_back(modelJson(model));
    for (const ReportRun& run : report.runs) json["runs"].push_back(runJson(run));
    for (const LayerCosts& costs : report.costs) json["layer_costs"].push_back(costsJson(costs));
    for (const DecisionCosts& costs : report.decisionCosts)
        json["decision_costs"].push_back(decisionCostsJson(costs));
    for (const ReportPrompt& prompt : report.prompts) json["prompts"].push_back(promptJson(prompt));
    json["omitted"] = {{"runs", report.omittedRuns},
                       {"layer_costs", report.omittedCosts},
                       {"decision_costs", report.omittedDecisionCosts},
                       {"prompts", report.omittedPrompts}};
    // Half characters of generated tokens become U+FFFD.
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace fluxscope
