#include "app/protocol/detail/fields.h"
#include "app/protocol/detail/model_facts.h"
#include "app/protocol/messages.h"

#include <nlohmann/json.hpp>

#include <array>

namespace fluxscope::protocol {
namespace {

using nlohmann::json;

const std::string kWhere = "event";

void write(json& object, const ReadyEvent& ready) {
    object["event"] = "ready";
    object["program"] = ready.program;
    object["pid"] = ready.pid;
}
void write(json& object, const ProgressEvent& progress) {
    object["event"] = "progress";
    object["stage"] = progress.stage;
    object["done"] = progress.done;
    object["total"] = progress.total;
    object["unit"] = progress.unit;
    if (progress.sequences > 0) {
        object["sequence"] = progress.sequence;
        object["sequences"] = progress.sequences;
    }
}
void write(json& object, const CaptureEvent& capture) {
    object["event"] = "capture";
    object["file"] = capture.file;
}
void write(json& object, const TokenEvent& token) {
    object["event"] = "token";
    object["sequence"] = token.sequence;
    object["text"] = token.text;
}
void write(json& object, const RestartEvent& restart) {
    object["event"] = "restart";
    object["why"] = restart.why;
}
void write(json& object, const LoadedEvent& loaded) {
    object["event"] = "done";
    object["model"] = toJson(loaded.model);
    object["sparse"] = loaded.sparse;
    object["device"] = loaded.device;
    object["dtype"] = loaded.dtype;
    object["bytes"] = loaded.bytes;
    object["seconds"] = loaded.seconds;
    if (loaded.recommended) object["recommended"] = fluxscope::toJson(*loaded.recommended);
}
void write(json& object, const ForecastEvent& event) {
    object["event"] = "done";
    object["forecast"] = {{"weights", event.forecast.weights},
                          {"activations", event.forecast.activations},
                          {"kv_all_sparse", event.forecast.kvAllSparse},
                          {"kv_all_full", event.forecast.kvAllFull},
                          {"available", event.forecast.available}};
}
void write(json& object, const RunDoneEvent& done) {
    object["event"] = "done";
    object["run"] = done.run;
    object["prefill_s"] = done.prefillSeconds;
    object["decode_s"] = done.decodeSeconds;
    object["token_s"] = done.tokenSeconds;
}
void write(json& object, const StatusEvent& status) {
    object["event"] = "done";
    object["busy"] = status.busy;
    if (status.model) object["model"] = toJson(*status.model);
}
void write(json& object, const CancelDoneEvent&) { object["event"] = "done"; }
void write(json& object, const FailedEvent& failed) {
    object["event"] = "failed";
    object["family"] = nameOf(failed.family);
    object["message"] = failed.message;
}

ProgressEvent progressFrom(Fields& fields) {
    ProgressEvent progress;
    progress.stage = fields.text("stage");
    progress.done = fields.integer("done");
    progress.total = fields.integer("total");
    progress.unit = fields.text("unit");
    if (fields.has("sequence")) progress.sequence = fields.integer("sequence");
    if (fields.has("sequences")) progress.sequences = fields.integer("sequences");
    return progress;
}

ErrorFamily familyFrom(Fields& fields) {
    const std::string name = fields.text("family");
    for (const ErrorFamily family : {ErrorFamily::Usage, ErrorFamily::Input, ErrorFamily::Machine,
                                     ErrorFamily::Cancelled, ErrorFamily::Fault})
        if (name == nameOf(family)) return family;
    fields.wrong("family",
                 "is '" + printable(name, 40) + "', none of usage, input, machine, cancelled, fault");
}

ForecastEvent forecastFrom(const json& object) {
    Fields fields{object, "event: forecast"};
    ForecastEvent event;
    event.forecast.weights = fields.integer("weights");
    event.forecast.activations = fields.integer("activations");
    event.forecast.kvAllSparse = fields.integer("kv_all_sparse");
    event.forecast.kvAllFull = fields.integer("kv_all_full");
    event.forecast.available = fields.integer("available");
    fields.end();
    return event;
}

// What was done shows by its fields: a run's number, a worker's state, a model and how it was loaded, a forecast, or nothing at
// all.
decltype(Event::what) doneFrom(Fields& fields) {
    if (fields.has("run")) {
        RunDoneEvent done{.run = fields.integer("run")};
        if (!fields.has("prefill_s")) return done;  // of a worker that does not tell times
        done.prefillSeconds = fields.number("prefill_s");
        done.decodeSeconds = fields.number("decode_s");
        done.tokenSeconds = fields.number("token_s");
        return done;
    }
    if (fields.has("forecast")) return forecastFrom(fields.any("forecast"));
    if (fields.has("busy")) {
        StatusEvent status;
        status.busy = fields.flag("busy");
        if (fields.has("model")) status.model = modelFactsFromJson(fields.any("model"), "event: model");
        return status;
    }
    if (fields.has("model")) {
        LoadedEvent loaded;
        loaded.model = modelFactsFromJson(fields.any("model"), "event: model");
        loaded.sparse = fields.text("sparse");
        loaded.device = fields.text("device");
        loaded.dtype = fields.text("dtype");
        loaded.bytes = fields.integer("bytes");
        loaded.seconds = fields.number("seconds");
        if (fields.has("recommended"))
            loaded.recommended = samplingFromJson(fields.any("recommended"), "event: recommended");
        return loaded;
    }
    return CancelDoneEvent{};
}

}  // namespace

std::string toLine(const Event& event) {
    json object{{"v", kVersion}, {"re", event.re}};
    std::visit([&object](const auto& what) { write(object, what); }, event.what);
    return dumpLine(object);
}

Event parseEvent(std::string_view line) {
    const json object = parseLine(line, kWhere);
    Fields fields{object, kWhere};
    requireVersion(fields);
    Event event;
    event.re = fields.integer("re");
    const std::string name = fields.text("event");
    if (name == "ready") {
        ReadyEvent ready;
        ready.program = fields.text("program");
        ready.pid = fields.integer("pid");
        event.what = ready;
    } else if (name == "progress") {
        event.what = progressFrom(fields);
    } else if (name == "capture") {
        event.what = CaptureEvent{fields.text("file")};
    } else if (name == "token") {
        TokenEvent token;
        token.sequence = fields.integer("sequence");
        token.text = fields.text("text");
        event.what = token;
    } else if (name == "restart") {
        event.what = RestartEvent{fields.text("why")};
    } else if (name == "done") {
        event.what = doneFrom(fields);
    } else if (name == "failed") {
        FailedEvent failed;
        failed.family = familyFrom(fields);
        failed.message = fields.text("message");
        event.what = failed;
    } else {
        fields.wrong("event", "is '" + printable(name, 40) + "', which version 1 does not have");
    }
    fields.end();
    return event;
}

}  // namespace fluxscope::protocol
