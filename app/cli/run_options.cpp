#include "app/cli/run_options.h"

#include "app/cli/recorded_run.h"
#include "app/cli/token_ids.h"
#include "app/serve/engine_host.h"
#include "engine/contract/error.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace fluxscope::cli {
namespace {

constexpr auto kMost = std::numeric_limits<std::int32_t>::max();

void declareSources(CLI::App& command, RunOptions& options) {
    CLI::App& source = *command.add_option_group("prompts", "what to run, one of");
    CLI::Option* text = source.add_option("--prompt", options.prompt, "A text");
    CLI::Option* file =
        source.add_option("--prompt-file", options.promptFile, "A file with a text; - is stdin");
    CLI::Option* set =
        source.add_option("--prompts", options.prompts, "A prompt set: JSON lines with id, kind, text");
    text->excludes(file)->excludes(set);
    file->excludes(set);
    CLI::Option* replay = source.add_option(
        "--replay", options.replay,
        "A capture: its prompts and turns again, with the token ids and the decisions that were recorded, "
        "those of a probe at their steps");
    source.require_option(1, 2);
    command
        .add_option("--replay-run", options.replayRun,
                    "Which run of the capture, by number; without it the last that finished")
        ->needs(replay);
    for (const char* own : {"--policy", "--sparse"}) command.get_option(own)->excludes(replay);
    command
        .add_option(
            "--force-ids", options.forceIds,
            "Decode these ids, whatever the model would say: JSON, [ids] or {\"ids\":[...]}, or an array "
            "of such, one a prompt, as --json writes it; - is stdin")
        ->excludes(replay);
}

void declareTurns(CLI::App& command, RunOptions& options) {
    CLI::Option* said = command
                            .add_option("--follow-up", options.followUps,
                                        "Say this after the answer, as a further turn; may be given again")
                            ->allow_extra_args(false);
    command
        .add_option(
            "--turns", options.turns,
            "keep: a follow-up goes on from the KV cache under the decisions of the first turn; redo: "
            "the whole conversation is prefilled and routed again")
        ->check(CLI::IsMember({"keep", "redo"}))
        ->capture_default_str()
        ->needs(said);
}

void declareSampling(CLI::App& command, RunOptions& options) {
    constexpr const char* kGroup = "Sampling";
    SamplingFlags& sampling = options.sampling;
    command
        .add_option("--sampling", sampling.from,
                    "greedy: the most probable token always; model: as its makers recommend in "
                    "generation_config.json. The options below replace single fields of either")
        ->check(CLI::IsMember({"greedy", "model"}))
        ->capture_default_str()
        ->group(kGroup);
    command
        .add_option("--temperature", sampling.temperature,
                    "0, the default, takes the most probable token and makes the next three idle")
        ->group(kGroup);
    command
        .add_option("--top-k", sampling.topK,
                    "Draw from the K most probable tokens; 0, the default: from all")
        ->group(kGroup);
    command
        .add_option("--top-p", sampling.topP,
                    "Draw from the fewest tokens with this probability together; the default is 1: all")
        ->group(kGroup);
    command
        .add_option("--min-p", sampling.minP,
                    "Draw from tokens at least this times as probable as the first; the default is 0: all")
        ->group(kGroup);
    command
        .add_option("--repetition-penalty", sampling.repetitionPenalty,
                    "Above 1: say less again; 1, the default, changes nothing")
        ->group(kGroup);
    command.add_option("--seed", options.seed, "The same seed draws the same tokens")
        ->capture_default_str()
        ->group(kGroup);
    command.add_option("--stop", sampling.stop, "End the answer before this text; may be given again")
        ->allow_extra_args(false)
        ->group(kGroup);
}

std::vector<Prompt> promptsFrom(const RunOptions& options) {
    if (!options.prompts.empty()) return readPromptSet(options.prompts).prompts;
    Prompt prompt;
    prompt.id = "prompt-1";
    prompt.kind = "prompt";
    prompt.content = options.promptFile.empty() ? options.prompt : contentOf(options.promptFile);
    return {prompt};
}

SamplingOptions samplingFrom(const SamplingFlags& flags, const std::filesystem::path& folder) {
    if (flags.from != "model") return flags.over({});
    const std::optional<SamplingOptions> recommended = samplingOfModel(folder);
    if (!recommended)
        throw InputError((folder / "generation_config.json").string(), "",
                         "is not there: this model recommends no sampling",
                         "give --temperature and what else you want instead of --sampling model");
    return flags.over(*recommended);
}

// The prompts a capture without their text was recorded with, to be gone through again.
void putPromptsBack(const RunOptions& options, RunRequest& request) {
    std::vector<Prompt> prompts = promptsFrom(options);
    const auto isSame = [](const Prompt& now, const Prompt& then) { return now.id == then.id; };
    if (!std::ranges::equal(prompts, request.prompts, isSame))
        throw UsageError{"--replay", "",
                         "comes with other prompts than " + printable(options.replay) + " was recorded with",
                         "give the same prompts in the same order"};
    request.prompts = std::move(prompts);
    request.raw = options.raw;
}

RunRequest replayed(const RunOptions& options, const ModelFacts& model) {
    RecordedRun recorded =
        recordedRun(options.replay, options.replayRun,
                    options.givesPrompts() ? RecordedPrompts::GivenAgain : RecordedPrompts::Needed);
    if (recorded.modelHash != model.hash)
        throw InputError(options.replay, "", "was recorded with another model than " + printable(model.name),
                         "replay with the model that was recorded");
    if (options.givesPrompts()) putPromptsBack(options, recorded.request);
    return std::move(recorded.request);
}

}  // namespace

ProbeOptions probeFrom(const std::string& text) {
    const std::size_t colon = text.find(':');
    const std::string_view number = std::string_view(text).substr(0, colon);
    ProbeOptions probe;
    const auto [end, failure] = std::from_chars(number.data(), number.data() + number.size(), probe.every);
    const bool acts = colon != std::string::npos;
    if (failure != std::errc{} || end != number.data() + number.size() || probe.every < 1 ||
        (acts && text.substr(colon) != ":act"))
        throw UsageError("--probe", "", "'" + printable(text) + "' is not K or K:act",
                         "give the number of decode steps between two probes, such as 16 or 16:act");
    probe.act = acts;
    return probe;
}

void RunOptions::declare(CLI::App& command) {
    model.declare(command);
    attention.declare(command);
    device.declare(command);
    declareSources(command, *this);
    declareTurns(command, *this);
    command.add_option("--max-new", maxNew, "Tokens to generate at most, in each turn")
        ->check(CLI::Range(1, kMost))
        ->capture_default_str();
    command.add_flag(
        "--raw", raw,
        "Give the model texts as they are; else a model with a chat template gets each as what a user says");
    declareSampling(command, *this);
    command.add_option("--batch", batch, "Prompts that go through the layers together")
        ->check(CLI::Range(1, kMost))
        ->capture_default_str();
    command.add_option(
        "--probe", probe,
        "Ask the routers again every K decode steps; K:act turns a layer from full to sparse when "
        "its router says so, never back");
    command.add_flag("--fidelity", fidelity,
                     "Compare every position of prompt and answer with policy full given the same tokens: "
                     "KL, first choice, "
                     "change of log-probability");
    for (const char* recorded : {"--follow-up", "--max-new", "--probe", "--sampling", "--temperature",
                                 "--top-k", "--top-p", "--min-p", "--repetition-penalty", "--seed", "--stop"})
        command.get_option(recorded)->excludes(command.get_option("--replay"));
    CLI::Option* into = command.add_option("--capture", capture,
                                           "Record into this .fluxdb file; a run is added when it exists");
    command
        .add_flag(
            "--no-prompt-text", noPromptText,
            "Record a hash of each prompt, and neither its text, answer nor token ids; a --replay of such a "
            "capture needs this, and its prompts again")
        ->needs(into);
    command
        .add_option("--collect", collect,
                    "What to record: auto is trace on a GPU and the host's clock on a CPU; timeline reads a "
                    "GPU's counters over "
                    "time (no latency), counters the bytes of each layer (eager, slow); a list of these, or "
                    "all, goes through "
                    "the run once for each; off is the bare run")
        ->capture_default_str();
    command
        .add_option(
            "--record-budget", recordBudget,
            "Kernels, and rows of each other kind, that a run may write one by one, 5000000 unless said: "
            "beyond them the capture has sums by layer, step and time, and all decisions and tokens")
        ->check(CLI::NonNegativeNumber)
        ->needs(into);
    command
        .add_flag("--forecast", forecast,
                  "Do not run: say how much memory the run would need, from all layers sparse to all full")
        ->excludes(into);
    command.add_flag("--top", choices,
                     "With --json: the 32 most probable tokens of each step and what is left for all others");
    command.add_flag(
        "--json", json,
        "An array over prompts: id, prompt_ids, ids, text, logprobs, decisions (1 is full), p_full, "
        "prefill_s, decode_s, ttft_s, kv_bytes, end, and where asked for head_decisions, probes, "
        "fidelity, top, turns");
}

bool RunOptions::givesPrompts() const { return !prompt.empty() || !promptFile.empty() || !prompts.empty(); }

void RunOptions::requireConsistent() const {
    if (!probe.empty()) probeFrom(probe);
    attention.requireReadable();
    if (replay.empty()) return;
    if (givesPrompts() && !noPromptText)
        throw UsageError{"--replay", "", "comes with prompts, and has those that were recorded",
                         "give one of them; with --no-prompt-text both, where the capture has no text"};
    if (raw && !givesPrompts())
        throw UsageError{"--raw", "", "comes with --replay, which repeats the tokens that were recorded",
                         "leave it out"};
}

RunRequest RunOptions::request(const ModelFacts& facts, const std::filesystem::path& folder) const {
    RunRequest request;
    if (!replay.empty()) {
        request = replayed(*this, facts);
    } else {
        request.prompts = promptsFrom(*this);
        request.policy = attention.policyFor(facts.routerParameters > 0);
        request.sparse = attention.sparseForm();
        request.seed = seed;
        request.maxNew = maxNew;
        request.sampling = samplingFrom(sampling, folder);
        request.raw = raw;
        request.followUps = followUps;
        request.turns = turns == "redo" ? TurnMode::Redo : TurnMode::Keep;
        if (!probe.empty()) request.probe = probeFrom(probe);
        if (!forceIds.empty()) request.forcedIds = tokenIdListsFrom(contentOf(forceIds), forceIds);
    }
    request.batch = batch;
    request.fidelity = fidelity;
    return request;
}

SamplingOptions SamplingFlags::over(SamplingOptions options) const {
    options.temperature = temperature.value_or(options.temperature);
    options.topK = topK.value_or(options.topK);
    options.topP = topP.value_or(options.topP);
    options.minP = minP.value_or(options.minP);
    options.repetitionPenalty = repetitionPenalty.value_or(options.repetitionPenalty);
    if (!stop.empty()) options.stop = stop;
    return options;
}

}  // namespace fluxscope::cli
