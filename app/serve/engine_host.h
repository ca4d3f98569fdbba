// One model in memory and what is done with it: the engine, and the recorder that writes what it does into a capture.
// The JSON-lines worker (app/serve/serve.h) and fluxscope-cli are thin over this; neither of them sees the engine.
//
// A host belongs to one thread; a CancelToken may be pulled from any.
#pragma once

#include "app/protocol/messages.h"
#include "engine/contract/cancel.h"
#include "engine/contract/model_description.h"
#include "engine/contract/run.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fluxscope {

class DeviceTracer;

// Called on the host's thread, as often as things happen: thinning them out is the listener's business.
struct HostEvents {
    std::function<void(const protocol::ProgressEvent&)> progress;
    std::function<void(SequenceIndex, const std::string& text)> token;  // whole UTF-8 characters
    std::function<void(const std::filesystem::path&)> capture;          // the file can be opened from now on
    std::function<void()> saving;  // the engine is done, or cancelled; the capture is being finished
};

struct HostLoad {
    std::string model;           // a folder
    std::string device = "cpu";  // or "cuda"
    std::string dtype;           // "fp32", "bf16", "fp16"; empty: the engine's choice for the device
    // What a run records: "auto", "off", "trace", "timeline" or "counters". On a GPU a process has one for good: it is attached to the
    // device before the first model is.
    std::string collect = "auto";
};

struct HostRun {
    RunRequest request;             // its role is the host's to say
    std::filesystem::path capture;  // empty: nothing is recorded
    bool promptText = true;  // false: a hash of each prompt, and neither text, answer nor token ids of it
    // Kernels, and rows of each other kind, that are kept one by one; beyond them their sums only. Absent: the recorder's own.
    std::optional<std::int64_t> recordBudget;
};

// What the answers of a run were worth, for its capture.
using HostJudge = std::function<std::vector<EvaluationSample>(const std::vector<SequenceResult>&)>;

struct RunReport {
    std::int64_t run = 0;  // its number in the capture, 0 when nothing was recorded
    std::vector<SequenceResult> sequences;
    double tokenSeconds = 0;  // median over the decoded tokens of the first turn of the first prompt
    std::optional<std::string> recordingProblem;  // the run is fine, its capture is not whole: one sentence
    // Collectors that a run on a GPU had to do without, or that had to do without something: a sentence each.
    std::vector<std::string> missing;
};

// Runs one after the other into one capture, which is opened once and finished with the last. Nothing of them is quoted as a time, so
// that there is no warm-up. Lives no longer than its host, and nothing else runs meanwhile.
class HostSeries {
public:
    ~HostSeries();  // finishes
    HostSeries(const HostSeries&) = delete;
    HostSeries& operator=(const HostSeries&) = delete;

    // Cancelled: what was recorded stays, and CancelledError is thrown.
    std::vector<SequenceResult> run(const RunRequest& request, const HostEvents& events,
                                    const CancelToken& cancel, const HostJudge& judge = {});
    // One sentence when the capture is not whole.
    std::optional<std::string> finish();

private:
    friend class EngineHost;
    struct Parts;
    explicit HostSeries(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

class EngineHost {
public:
    // `program` is written into captures.
    explicit EngineHost(std::string program);
    // Traces with this instead of CUPTI, which needs a GPU and one process for each of its lives: for tests.
    EngineHost(std::string program, std::unique_ptr<DeviceTracer> tracer);
    ~EngineHost();
    EngineHost(const EngineHost&) = delete;
    EngineHost& operator=(const EngineHost&) = delete;

    // Replaces the model. Throws InputError, MachineError, CancelledError; the host is then empty.
    protocol::LoadedEvent load(const HostLoad& wanted, const HostEvents& events, const CancelToken& cancel);

    // A timed run. Before it, the first prompt goes through the engine once, unrecorded: the first pass pays for memory and
    // threads that later ones find there. The capture says so in its environment, as warm_up.
    // Cancelled: the capture is complete up to there, then CancelledError is thrown.
    RunReport run(const HostRun& wanted, const HostEvents& events, const CancelToken& cancel);

    // `capture` empty: nothing is recorded. Throws as a recorded run does when it cannot be had.
    std::unique_ptr<HostSeries> series(const std::filesystem::path& capture, bool promptText);
    // `policy` with what it has yet to measure of these prompts.
    Policy measured(const RunRequest& wanted, const CancelToken& cancel);

    // One sentence when this process should be replaced by a fresh one before it runs again (docs/collectors.md).
    std::optional<std::string> needsRestart() const;

    ForwardResult forward(const ForwardRequest& wanted, const CancelToken& cancel);
    Forecast forecast(const RunRequest& wanted) const;

private:
    friend class HostSeries;
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

// Reads config files and tensor headers only.
ModelDescription inspectModel(const std::filesystem::path& folder);
// What the model's makers recommend in generation_config.json. Throws InputError; absent when there is none.
std::optional<SamplingOptions> samplingOfModel(const std::filesystem::path& folder);

// A model's tokenizer without its weights.
class TextCodec {
public:
    struct Encoded {
        std::vector<TokenId> ids;
        std::vector<ByteRange> ranges;  // of each token in the text
    };

    explicit TextCodec(const std::filesystem::path& modelFolder);
    ~TextCodec();
    TextCodec(const TextCodec&) = delete;
    TextCodec& operator=(const TextCodec&) = delete;

    Encoded encode(std::string_view text, bool addSpecial) const;
    std::string decode(const std::vector<TokenId>& ids) const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace fluxscope
