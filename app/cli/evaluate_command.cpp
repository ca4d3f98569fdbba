// `evaluate`: how well a model answers under each policy, and how many of its layers were full.
#include "app/cli/arguments.h"
#include "app/cli/commands.h"
#include "app/cli/evaluate_output.h"
#include "app/cli/whole_file.h"
#include "app/start/version_text.h"
#include "engine/contract/error.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>
#include <ostream>

namespace fluxscope::cli {
namespace {

struct EvaluateOptions {
    ModelOption model;
    DeviceOptions device;
    std::vector<std::string> tasks;
    std::vector<std::int64_t> lengths = {2048};
    std::int64_t samples = 20;
    std::uint64_t seed = 0;
    std::string prompts;
    std::string split;
    std::vector<std::string> policies;
    std::string sparse;
    std::int32_t batch = 8;
    bool fidelity = false;
    std::string capture;
    bool noPromptText = false;
    bool json = false;
    std::string csv;
};

// What was said twice counts once.
template <class Value, class Same>
void add(std::vector<Value>& values, Value value, Same same) {
    if (std::ranges::none_of(values, [&](const Value& before) { return same(before, value); }))
        values.push_back(std::move(value));
}

// What is misspelt is said before a model is loaded.
EvaluationRequest requestFrom(const EvaluateOptions& options, std::vector<std::string>& policyNames) {
    EvaluationRequest request{.lengths = {},
                              .samples = options.samples,
                              .seed = options.seed,
                              .promptFile = options.prompts,
                              .policies = {},
                              .batch = options.batch,
                              .fidelity = options.fidelity,
                              .capture = options.capture,
                              .promptText = !options.noPromptText};
    for (const std::string& task : options.tasks)
        add(request.tasks, tasks::parseTask(task, "--task"),
            [](const auto& a, const auto& b) { return tasks::shortForm(a) == tasks::shortForm(b); });
    for (const std::int64_t length : options.lengths) add(request.lengths, length, std::equal_to{});
    if (options.split == "tune") request.split = PromptSplit::Tune;
    if (options.split == "test") request.split = PromptSplit::Test;
    if (!options.sparse.empty()) request.sparse = parseSparseForm(options.sparse);
    for (const std::string& name : options.policies) {
        const std::size_t before = request.policies.size();
        add(request.policies, parsePolicy(name), std::equal_to{});
        if (request.policies.size() > before) policyNames.push_back(name);
    }
    return request;
}

int evaluate(const EvaluateOptions& options, Session& session) {
    std::vector<std::string> policyNames;
    EvaluationRequest request = requestFrom(options, policyNames);
    EngineHost host(programLine("fluxscope-cli"));
    HostEvents events;
    events.progress = [&session](const protocol::ProgressEvent& at) {
        session.terminal.progress(at.stage + ' ' + byteText(at.done) + " of " + byteText(at.total));
    };
    const std::filesystem::path folder = options.model.folder();
    const protocol::LoadedEvent loaded = host.load(
        {folder.string(), options.device.device, options.device.dtype, "off"}, events, session.cancel);
    if (request.policies.empty()) {
        const bool routes = loaded.model.routerParameters > 0;
        request.policies = {routes ? Policy{RoutedPolicy{}} : Policy{FullPolicy{}}};
        policyNames = {shortForm(request.policies.front())};
    }
    const EvaluationReport report = fluxscope::evaluate(
        host, loaded, folder, request,
        [&session](const EvaluationProgress& at) { session.terminal.progress(progressText(at)); },
        session.cancel);

    if (loaded.model.untrained)
        session.terminal.note("this model is random and untrained: its scores and its routing mean nothing");
    if (options.json)
        session.terminal.resultJson(toJson(report, policyNames));
    else
        session.terminal.result(table(report, policyNames));
    if (!options.csv.empty())
        writeWhole(options.csv, [&](std::ostream& out) { writeCsv(out, report, policyNames); });
    if (report.recordingProblem) throw MachineError{"capture", "", *report.recordingProblem, ""};
    if (!options.capture.empty())
        session.terminal.note(std::to_string(report.answers - report.reused) + " answers recorded into " +
                              printable(options.capture, 400) + ", " + std::to_string(report.reused) +
                              " were there");
    return 0;
}

void declareQuestions(CLI::App& command, EvaluateOptions& options) {
    CLI::App& source = *command.add_option_group("questions", "what to ask, one of");
    CLI::Option* task = source.add_option(
        "--task", options.tasks,
        "Tasks, each with parameters where wanted, such as needle:depth=0.5,facts=4; 'tasks list' has them");
    CLI::Option* prompts =
        source.add_option("--prompts", options.prompts,
                          "A prompt set: each prompt by its own scorer, grouped by kind and split");
    source.require_option(1);
    command
        .add_option("--length", options.lengths, "Tokens of a prompt with the special tokens of a raw text")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 22))
        ->capture_default_str()
        ->excludes(prompts);
    command.add_option("--samples", options.samples, "Questions of each task and length")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}))
        ->capture_default_str()
        ->excludes(prompts);
    command.add_option("--seed", options.seed, "Of the tasks: the same seed asks the same questions")
        ->capture_default_str()
        ->excludes(prompts);
    command.add_option("--split", options.split, "tune or test: only that part of the prompt set")
        ->check(CLI::IsMember({"tune", "test"}))
        ->excludes(task);
}

}  // namespace

void addEvaluate(CLI::App& app, Session& session) {
    auto options = std::make_shared<EvaluateOptions>();
    CLI::App& command = *app.add_subcommand(
        "evaluate", "How well a model answers under each policy: policies x tasks x lengths x samples");
    options->model.declare(command);
    declareQuestions(command, *options);
    command.add_option("--policy", options->policies,
                       std::string("Who decides between full and sparse, one or more of ") + kPolicyForms +
                           ". Without it: routed where the model has routers, else full");
    command.add_option("--sparse", options->sparse, kSparseHelp);
    options->device.declare(command);
    command.add_option("--batch", options->batch, "Questions that go through the layers together")
        ->check(CLI::Range(1, 4096))
        ->capture_default_str();
    command.add_flag("--fidelity", options->fidelity,
                     "Also force what full attention answers on each policy and compare, token by token: KL "
                     "to full, same first choice. Needs no right answers");
    CLI::Option* capture = command.add_option(
        "--capture", options->capture,
        "Record into this .fluxdb file; what it holds of the same evaluation is not run again");
    command
        .add_flag("--no-prompt-text", options->noPromptText,
                  "Record a hash of each prompt, and neither its text, answer nor token ids")
        ->needs(capture);
    command.add_flag("--json", options->json,
                     "{\"results\":[{task, split, length, policy, scorer, samples, score, low, high, "
                     "full_share, loss_nats, mean_kl, same_top1}], ...}");
    command.add_option("--csv", options->csv, "Also write the results into this file");
    command.footer(
        "Example:\n  fluxscope-cli evaluate sample --task needle two-hop prose --length 1024 2048 --policy "
        "full routed "
        "interleaved:1/4 --samples 100 --capture scores.fluxdb\n"
        "  fluxscope-cli evaluate sample --prompts set.jsonl --split test --policy routed:0.35 --fidelity "
        "--json");
    command.callback([options, &session] {
        session.chosen = [options, &session] { return evaluate(*options, session); };
    });
}

}  // namespace fluxscope::cli
