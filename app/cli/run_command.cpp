#include "app/cli/commands.h"
#include "app/cli/passes.h"
#include "app/cli/run_options.h"
#include "app/cli/run_output.h"
#include "app/serve/engine_host.h"
#include "app/start/version_text.h"

#include <nlohmann/json.hpp>

namespace fluxscope::cli {
namespace {

using nlohmann::json;

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

int forecast(const RunOptions& options, const Forecast& forecast, Terminal& terminal) {
    if (options.json)
        terminal.resultJson(toJson(forecast));
    else
        terminal.result(table(forecast));
    return 0;
}

int run(const RunOptions& options, Session& session) {
    options.requireConsistent();
    const std::vector<std::string> passes = passesOf(options.collect);
    if (passes.size() > 1) return runPasses(passes, options);

    EngineHost host(programLine("fluxscope-cli"));
    HostEvents events;
    events.progress = [&session](const protocol::ProgressEvent& progress) {
        session.terminal.progress(progressText(progress));
    };
    const protocol::LoadedEvent loaded = host.load(
        {options.model.folder().string(), options.device.device, options.device.dtype, passes.front()},
        events, session.cancel);
    session.terminal.detail(loadText(loaded));
    const HostRun wanted{.request = options.request(loaded.model, options.model.folder()),
                         .capture = options.capture,
                         .promptText = !options.noPromptText,
                         .recordBudget = options.recordBudget};
    if (options.forecast) return forecast(options, host.forecast(wanted.request), session.terminal);
    const RunReport report = host.run(wanted, events, session.cancel);
    if (loaded.model.untrained)
        session.terminal.note("this model is random and untrained: its text and its routing mean nothing");

    if (options.json) {
        const RunShape shape{.kvHeads = loaded.model.kvHeads,
                             .byHead = wanted.request.policy.decidesByHead(),
                             .choices = options.choices};
        json array = json::array();
        for (const SequenceResult& sequence : report.sequences) array.push_back(toJson(sequence, shape));
        session.terminal.resultJson(array);
    } else {
        std::string text;
        for (const SequenceResult& sequence : report.sequences) text += paragraph(sequence);
        session.terminal.result(text);
    }
    for (const std::string& missing : report.missing)
        session.terminal.note("recording: " + printable(missing, 600));
    if (report.recordingProblem) throw MachineError{"capture", "", *report.recordingProblem, ""};
    if (!options.capture.empty()) session.terminal.note("recorded into " + printable(options.capture, 400));
    return 0;
}

}  // namespace

void addRun(CLI::App& app, Session& session) {
    auto options = std::make_shared<RunOptions>();
    CLI::App& command =
        *app.add_subcommand("run", "Generates from prompts and records what every layer decided and cost");
    options->declare(command);
    command.footer(
        "Example:\n  fluxscope-cli run sample --prompt 'The key is 7313. Where' --max-new 16 --capture "
        "run.fluxdb\n"
        "  fluxscope-cli run sample --prompts set.jsonl --policy routed:0.35 --fidelity --json\n"
        "  fluxscope-cli run models/Qwen3-8B --prompt 'Tell a story' --sampling model --top-p 0.9 --seed 7\n"
        "  fluxscope-cli run sample --replay run.fluxdb --capture again.fluxdb\n"
        "One untimed pass over the first prompt comes before, as a warm-up; the capture says so.");
    command.callback(
        [options, &session] { session.chosen = [options, &session] { return run(*options, session); }; });
}

}  // namespace fluxscope::cli
