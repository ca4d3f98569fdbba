#include "app/protocol/detail/fields.h"
#include "app/protocol/messages.h"

#include <nlohmann/json.hpp>

namespace fluxscope::protocol {
namespace {

using nlohmann::json;

const std::string kWhere = "request";

// Prompts travel as the lines of a prompt set, so that engine/contract reads and checks them.
json promptsToJson(const std::vector<Prompt>& prompts) {
    json array = json::array();
    for (const Prompt& prompt : prompts) array.push_back(json::parse(toJsonl(PromptSet{{prompt}})));
    return array;
}

std::vector<Prompt> promptsFrom(Fields& fields) {
    const json& array = fields.any("prompts");
    if (!array.is_array())
        fields.wrong("prompts", std::string("is a JSON ") + array.type_name() + ", not an array");
    if (array.empty()) fields.wrong("prompts", "is empty");
    std::string jsonl;
    for (const json& prompt : array) jsonl += dumpLine(prompt) + '\n';
    return parsePromptSet(jsonl, "request: prompts").prompts;
}

void write(json& object, const LoadRequest& load) {
    object["do"] = "load";
    object["model"] = load.model;
    object["device"] = load.device;
    object["collect"] = load.collect;
    if (!load.dtype.empty()) object["dtype"] = load.dtype;
}

void writeRun(json& object, const fluxscope::RunRequest& run) {
    if (!run.forcedIds.empty() || !run.replay.empty())
        throw FaultError(kWhere, "", "forces ids, which do not travel", "run it in this process");
    object["prompts"] = promptsToJson(run.prompts);
    object["policy"] = fluxscope::toJson(run.policy);
    if (run.sparse) object["sparse"] = shortForm(*run.sparse);
    object["max_new"] = run.maxNew;
    object["seed"] = run.seed;
    object["batch"] = run.batch;
    object["raw"] = run.raw;
    object["sampling"] = fluxscope::toJson(run.sampling);
    object["follow_ups"] = run.followUps;
    object["turns"] = nameOf(run.turns);
    if (run.probe) object["probe"] = {{"every", run.probe->every}, {"act", run.probe->act}};
    object["fidelity"] = run.fidelity;
    if (!run.stopAtEos) object["stop_at_eos"] = false;
}

void write(json& object, const RunRequest& run) {
    object["do"] = "run";
    writeRun(object, run.wanted);
    if (!run.capture.empty()) object["capture"] = run.capture;
    object["prompt_text"] = run.promptText;
    if (run.recordBudget) object["record_budget"] = *run.recordBudget;
}

void write(json& object, const ForecastRequest& forecast) {
    object["do"] = "forecast";
    writeRun(object, forecast.wanted);
}

void write(json& object, const CancelRequest&) { object["do"] = "cancel"; }
void write(json& object, const StatusRequest&) { object["do"] = "status"; }

LoadRequest loadFrom(Fields& fields) {
    LoadRequest load;
    load.model = fields.text("model");
    load.device = fields.text("device", load.device);
    load.collect = fields.text("collect", load.collect);
    load.dtype = fields.text("dtype", load.dtype);
    return load;
}

TurnMode turnsFrom(Fields& fields) {
    const std::string name = fields.text("turns");
    for (const TurnMode mode : {TurnMode::Keep, TurnMode::Redo})
        if (name == nameOf(mode)) return mode;
    fields.wrong("turns", "is '" + printable(name, 40) + "', neither keep nor redo");
}

ProbeOptions probeFrom(const json& object) {
    Fields fields{object, "request: probe"};
    ProbeOptions probe;
    probe.every = fields.integer<std::int32_t>("every", 1);
    if (fields.has("act")) probe.act = fields.flag("act");
    fields.end();
    return probe;
}

fluxscope::RunRequest wantedFrom(Fields& fields) {
    fluxscope::RunRequest run;
    run.prompts = promptsFrom(fields);
    run.policy = policyFromJson(fields.any("policy"), "request: policy");
    if (fields.has("sparse")) run.sparse = parseSparseForm(fields.text("sparse"), "request: sparse");
    if (fields.has("max_new")) run.maxNew = fields.integer<std::int32_t>("max_new", 1);
    if (fields.has("seed")) run.seed = fields.integer<std::uint64_t>("seed");
    if (fields.has("batch")) run.batch = fields.integer<std::int32_t>("batch", 1);
    if (fields.has("raw")) run.raw = fields.flag("raw");
    if (fields.has("sampling")) run.sampling = samplingFromJson(fields.any("sampling"), "request: sampling");
    if (fields.has("follow_ups")) run.followUps = fields.texts("follow_ups");
    if (fields.has("turns")) run.turns = turnsFrom(fields);
    if (fields.has("probe")) run.probe = probeFrom(fields.any("probe"));
    if (fields.has("fidelity")) run.fidelity = fields.flag("fidelity");
    if (fields.has("stop_at_eos")) run.stopAtEos = fields.flag("stop_at_eos");
    return run;
}

RunRequest runFrom(Fields& fields) {
    RunRequest run{.wanted = wantedFrom(fields), .capture = {}, .promptText = true, .recordBudget = {}};
    if (fields.has("prompt_text")) run.promptText = fields.flag("prompt_text");
    if (fields.has("record_budget")) run.recordBudget = fields.integer("record_budget", std::int64_t{0});
    if (!fields.has("capture")) return run;
    run.capture = fields.text("capture");
    if (run.capture.empty()) fields.wrong("capture", "is empty");
    return run;
}

}  // namespace

std::string toLine(const Request& request) {
    json object{{"v", kVersion}, {"id", request.id}};
    std::visit([&object](const auto& what) { write(object, what); }, request.what);
    return dumpLine(object);
}

Request parseRequest(std::string_view line) {
    const json object = parseLine(line, kWhere);
    Fields fields{object, kWhere};
    requireVersion(fields);
    Request request;
    request.id = fields.integer("id", std::int64_t{1});
    const std::string verb = fields.text("do");
    try {
        if (verb == "load")
            request.what = loadFrom(fields);
        else if (verb == "run")
            request.what = runFrom(fields);
        else if (verb == "forecast")
            request.what = ForecastRequest{wantedFrom(fields)};
        else if (verb == "cancel")
            request.what = CancelRequest{};
        else if (verb == "status")
            request.what = StatusRequest{};
        else
            fields.wrong("do",
                         "is '" + printable(verb, 40) + "', none of load, run, forecast, cancel, status");
    } catch (const InputError& error) {  // of a prompt: here it is the request that is wrong, no file
        throw UsageError{error.where(), error.field(), error.problem(), error.remedy()};
    }
    fields.end();
    return request;
}

std::int64_t requestIdOf(std::string_view line) {
    try {
        const json object = parseLine(line, kWhere);
        return Fields{object, kWhere}.integer("id", std::int64_t{1});
    } catch (const Error&) {
        return 0;
    }
}

}  // namespace fluxscope::protocol
