#include "app/cli/arguments.h"
#include "app/cli/commands.h"
#include "app/cli/decisions.h"
#include "app/serve/engine_host.h"
#include "app/start/version_text.h"

#include <nlohmann/json.hpp>

#include <limits>

namespace fluxscope::cli {
namespace {

using nlohmann::json;

struct Options {
    ModelOption model;
    AttentionOptions attention;
    DeviceOptions device;
    std::string prompt;
    std::string promptFile;
    std::string prompts;
    std::int32_t maxNew = 64;
    bool raw = false;
    SamplingOptions sampling;
    std::uint64_t seed = 0;
    std::string capture;
    std::string collect = "auto";
    bool json = false;
};

std::vector<Prompt> promptsFrom(const Options& options) {
    if (!options.prompts.empty()) return readPromptSet(options.prompts).prompts;
    Prompt prompt;
    prompt.id = "prompt-1";
    prompt.kind = "prompt";
    prompt.content = options.promptFile.empty() ? options.prompt : contentOf(options.promptFile);
    return {prompt};
}

template <class Value>
json valuesOf(const std::vector<Value>& indices) {
    json array = json::array();
    for (const Value& index : indices) array.push_back(index.value());
    return array;
}

json toJson(const SequenceReport& sequence) {
    return {{"id", sequence.promptId},
            {"prompt_ids", valuesOf(sequence.promptIds)},
            {"ids", valuesOf(sequence.ids)},
            {"text", sequence.text},
            {"logprobs", sequence.logprobs},
            {"decisions", layerDigits(sequence.decisions)},
            {"prefill_s", sequence.prefillSeconds},
            {"decode_s", sequence.decodeSeconds},
            {"ttft_s", sequence.ttftSeconds},
            {"kv_bytes", sequence.kvBytes}};
}

// Its generated text goes to a terminal: control characters must not.
std::string shownText(std::string_view text) {
    std::string shown;
    while (!text.empty()) {
        const std::size_t newline = text.find('\n');
        shown += printable(text.substr(0, newline), std::string::npos);
        if (newline == std::string_view::npos) break;
        shown += '\n';
        text.remove_prefix(newline + 1);
    }
    return shown;
}

std::string paragraph(const SequenceReport& sequence) {
    return printable(sequence.promptId) + ": " + std::to_string(sequence.promptIds.size()) +
           " prompt tokens, " + std::to_string(sequence.ids.size()) + " generated; layers " +
           layerLetters(sequence.decisions) + "; prefill " + timeText(sequence.prefillSeconds) + ", decode " +
           timeText(sequence.decodeSeconds) + "; KV " + byteText(sequence.kvBytes) + "\n  " +
           shownText(sequence.text) + '\n';
}

std::string progressText(const protocol::ProgressEvent& progress) {
    if (progress.unit == "bytes")
        return progress.stage + ' ' + byteText(progress.done) + " of " + byteText(progress.total);
    std::string text = progress.stage + ' ' + std::to_string(progress.done) + " of " +
                       std::to_string(progress.total) + ' ' + progress.unit;
    if (progress.sequences > 1)
        text = "prompt " + std::to_string(progress.sequence + 1) + " of " +
               std::to_string(progress.sequences) + ", " + text;
    return text;
}

int run(const Options& options, Session& session) {
    HostRun wanted;
    wanted.prompts = promptsFrom(options);
    wanted.sparse = options.attention.sparseForm();
    wanted.maxNew = options.maxNew;
    wanted.raw = options.raw;
    wanted.sampling = options.sampling;
    wanted.seed = options.seed;
    wanted.capture = options.capture;

    EngineHost host(programLine("fluxscope-cli"));
    HostEvents events;
    events.progress = [&session](const protocol::ProgressEvent& progress) {
        session.terminal.progress(progressText(progress));
    };
    const protocol::LoadedEvent loaded = host.load(
        {options.model.folder().string(), options.device.device, options.device.dtype, options.collect},
        events, session.cancel);
    if (loaded.model.untrained)
        session.terminal.note("this model is random and untrained: its text and its routing mean nothing");
    wanted.policy = options.attention.policyFor(loaded.model.routerParameters > 0);
    const RunReport report = host.run(wanted, events, session.cancel);

    if (options.json) {
        json array = json::array();
        for (const SequenceReport& sequence : report.sequences) array.push_back(toJson(sequence));
        session.terminal.resultJson(array);
    } else {
        std::string text;
        for (const SequenceReport& sequence : report.sequences) text += paragraph(sequence);
        session.terminal.result(text);
    }
    if (report.recordingProblem) throw MachineError{"capture", "", *report.recordingProblem, ""};
    if (!options.capture.empty()) session.terminal.note("recorded into " + printable(options.capture, 400));
    return 0;
}

void declareSampling(CLI::App& command, Options& options) {
    constexpr const char* kGroup = "Sampling";
    SamplingOptions& sampling = options.sampling;
    command.add_option("--temperature", sampling.temperature, "0 takes the most probable token")
        ->capture_default_str()
        ->group(kGroup);
    command.add_option("--top-k", sampling.topK, "Draw from the K most probable tokens; 0: from all")
        ->capture_default_str()
        ->group(kGroup);
    command
        .add_option("--top-p", sampling.topP, "Draw from the fewest tokens with this probability together")
        ->capture_default_str()
        ->group(kGroup);
    command
        .add_option("--min-p", sampling.minP, "Draw from tokens at least this times as probable as the first")
        ->capture_default_str()
        ->group(kGroup);
    command.add_option("--repetition-penalty", sampling.repetitionPenalty, "Above 1: say less again")
        ->capture_default_str()
        ->group(kGroup);
    command.add_option("--seed", options.seed, "The same seed draws the same tokens")
        ->capture_default_str()
        ->group(kGroup);
    command.add_option("--stop", sampling.stop, "End the answer before this text; may be given again")
        ->allow_extra_args(false)
        ->group(kGroup);
}

}  // namespace

void addRun(CLI::App& app, Session& session) {
    auto options = std::make_shared<Options>();
    CLI::App& command =
        *app.add_subcommand("run", "Generates from prompts and records what every layer decided and cost");
    options->model.declare(command);
    CLI::App& source = *command.add_option_group("prompts", "what to run, one of");
    source.add_option("--prompt", options->prompt, "A text");
    source.add_option("--prompt-file", options->promptFile, "A file with a text; - is stdin");
    source.add_option("--prompts", options->prompts, "A prompt set: JSON lines with id, kind, text");
    source.require_option(1);
    options->attention.declare(command);
    options->device.declare(command);
    command.add_option("--max-new", options->maxNew, "Tokens to generate at most")
        ->check(CLI::Range(1, std::numeric_limits<std::int32_t>::max()))
        ->capture_default_str();
    command.add_flag(
        "--raw", options->raw,
        "Give the model texts as they are; else a model with a chat template gets each as what a user says");
    declareSampling(command, *options);
    command.add_option("--capture", options->capture,
                       "Record into this .fluxdb file; a run is added when it exists");
    command.add_option("--collect", options->collect, "What to record: auto, or off for the bare run")
        ->check(CLI::IsMember({"auto", "off"}))
        ->capture_default_str();
    command.add_flag("--json", options->json,
                     "An array over prompts: prompt_ids, ids, text, logprobs, decisions (1 is full), "
                     "prefill_s, decode_s, ttft_s, kv_bytes");
    command.footer(
        "Example:\n  fluxscope-cli run sample --prompt 'The key is 7313. Where' --max-new 16 --capture "
        "run.fluxdb\n"
        "One untimed pass over the first prompt comes before, as a warm-up; the capture says so.");
    command.callback(
        [options, &session] { session.chosen = [options, &session] { return run(*options, session); }; });
}

}  // namespace fluxscope::cli
