// The worker protocol: JSON lines, requests on the worker's stdin, events on its stdout. Version 1.
//
//   {"v":1,"id":1,"do":"load","model":"PATH","device":"cpu","dtype":"bf16","collect":"auto"}
//   {"v":1,"id":2,"do":"run","prompts":[{...a prompt set line...}],"policy":{...},"sparse":"streaming:...","max_new":64,
//    "seed":0,"batch":1,"raw":false,"sampling":{"temperature":0.6,"top_k":20,...,"stop":["###"]},"follow_ups":["Why?"],
//    "turns":"keep","probe":{"every":16,"act":false},"fidelity":false,"stop_at_eos":true,"capture":"FILE.fluxdb","prompt_text":true,
//    "record_budget":5000000}
//   {"v":1,"id":3,"do":"cancel"}          cancels the request in progress; that request then ends with "failed", family cancelled
//   {"v":1,"id":4,"do":"status"}
//   {"v":1,"id":5,"do":"forecast","prompts":...}   the fields of a run without its capture; nothing runs
//
// Of a run only prompts and policy must be there; without a capture nothing is recorded. prompt_text false: the capture gets a hash of
// each prompt, and neither its text, answer nor token ids. Forced ids and replays do not travel.
//
// Every request is answered by events carrying its id in "re"; the last one is "done" or "failed":
//   {"v":1,"re":0,"event":"ready","program":"fluxscope-cli 0.1.0 cpu","pid":4711}        once, before anything else
//   {"v":1,"re":1,"event":"progress","stage":"loading","done":10,"total":40,"unit":"bytes"}
//   {"v":1,"re":1,"event":"done","model":{...ModelFacts...},"sparse":"...","device":"cpu","dtype":"fp32","bytes":4096,
//    "seconds":0.01,"recommended":{...sampling...}}   what was read and how long it took; of a generation_config.json
//   {"v":1,"re":2,"event":"capture","file":"FILE.fluxdb"}                                 once the file can be opened
//   {"v":1,"re":2,"event":"progress","stage":"prefill","done":3,"total":12,"unit":"layers","sequence":0,"sequences":6}
//   {"v":1,"re":2,"event":"token","sequence":0,"text":"..."}
//   {"v":1,"re":2,"event":"restart","why":"..."}     this process should be replaced before the next run; what ends this one follows
//   {"v":1,"re":2,"event":"done","run":1,"prefill_s":0.1,"decode_s":0.4,"token_s":0.01}   run 0: nothing was recorded; token: the median
//   {"v":1,"re":2,"event":"failed","family":"input","message":"one sentence"}
//   {"v":1,"re":5,"event":"done","forecast":{"weights":1,"activations":1,"kv_all_sparse":1,"kv_all_full":1,"available":1}}   bytes
// A line that is not understood is answered with "failed" and re 0, or its id where that could be read; the worker goes on.
// The worker ends when its stdin does, cancelling what runs.
#pragma once

#include "engine/contract/error.h"
#include "engine/contract/observer.h"
#include "engine/contract/run.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fluxscope::protocol {

inline constexpr int kVersion = 1;

struct LoadRequest {
    std::string model;
    std::string device = "cpu";
    std::string collect = "auto";
    std::string dtype;  // empty: the engine's choice for the device
};
struct RunRequest {
    fluxscope::RunRequest wanted;
    std::string capture;                       // empty: nothing is recorded
    bool promptText = true;                    // false: only a hash of each prompt goes into the capture
    std::optional<std::int64_t> recordBudget;  // absent: the worker's own
};
struct ForecastRequest {
    fluxscope::RunRequest wanted;
};
struct CancelRequest {};
struct StatusRequest {};

struct Request {
    std::int64_t id = 0;
    std::variant<LoadRequest, RunRequest, ForecastRequest, CancelRequest, StatusRequest> what;
};

struct ReadyEvent {
    std::string program;
    std::int64_t pid = 0;
};
inline constexpr const char* kSaving = "saving";  // the stage in which a capture is finished

struct ProgressEvent {
    std::string stage;  // "loading", "prefill", "decode", "saving"
    std::int64_t done = 0;
    std::int64_t total = 0;
    std::string unit;
    std::int64_t sequence = 0;
    std::int64_t sequences = 0;
};
struct CaptureEvent {
    std::string file;
};
struct TokenEvent {
    std::int64_t sequence = 0;
    std::string text;  // whole UTF-8 characters only
};
// This process should be replaced before it runs again: a sentence why. Comes before what ends a run.
struct RestartEvent {
    std::string why;
};
struct LoadedEvent {  // "done" of a load
    ModelFacts model;
    std::string sparse;
    std::string device;
    std::string dtype;
    std::int64_t bytes = 0;  // of weights that were read, in so many seconds
    double seconds = 0;
    std::optional<SamplingOptions> recommended;  // by the model's makers
};
struct ForecastEvent {  // "done" of a forecast
    Forecast forecast;
};
struct RunDoneEvent {      // "done" of a run
    std::int64_t run = 0;  // 0: nothing was recorded
    // What the first turn of its first prompt took, by the host's clock.
    double prefillSeconds = 0;
    double decodeSeconds = 0;
    double tokenSeconds = 0;  // median of its decoded tokens; 0 when it had fewer than two
};
struct StatusEvent {  // "done" of a status request
    std::optional<ModelFacts> model;
    bool busy = false;
};
struct CancelDoneEvent {};  // "done" of a cancel request: it was passed on
struct FailedEvent {
    ErrorFamily family = ErrorFamily::Fault;
    std::string message;
};

struct Event {
    std::int64_t re = 0;
    std::variant<ReadyEvent, ProgressEvent, CaptureEvent, TokenEvent, RestartEvent, LoadedEvent, RunDoneEvent,
                 ForecastEvent, StatusEvent, CancelDoneEvent, FailedEvent>
        what;
};

// One line without its newline. toLine throws FaultError for a run that does not travel. parse* throw UsageError with one sentence; an unknown version is one of them.
std::string toLine(const Request& request);
std::string toLine(const Event& event);
Request parseRequest(std::string_view line);
Event parseEvent(std::string_view line);

// The id in a line that parseRequest refused, 0 where it cannot be read: what "failed" answers to.
std::int64_t requestIdOf(std::string_view line);

// As in "done" of a load and in `info --json`.
nlohmann::json toJson(const ModelFacts& facts);

}  // namespace fluxscope::protocol
