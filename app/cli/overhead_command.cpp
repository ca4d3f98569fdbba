#include "app/cli/arguments.h"
#include "app/cli/commands.h"
#include "app/cli/overhead_measurement.h"
#include "app/serve/engine_host.h"
#include "engine/contract/error.h"
#include "profiler/figure/number.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace fluxscope::cli {
namespace {

struct OverheadOptions {
    ModelOption model;
    AttentionOptions attention;
    DeviceOptions device;
    std::int32_t length = 1024;
    std::int32_t maxNew = 64;
    std::int64_t pairs = 12;
    std::string collect = "auto";
    bool again = false;
    bool json = false;
};

struct Answer {
    OverheadKey key;
    Overhead overhead;
    std::string collector;  // as a capture named it; empty when the figures were kept
    bool kept = false;
};

// The type that the engine would choose.
std::string dtypeOf(const DeviceOptions& device, const ModelDescription& model) {
    if (!device.dtype.empty()) return device.dtype;
    if (device.device == "cpu") return "fp32";
    // What most of the checkpoint is stored in. The workers are told, so the figures are of this type either way.
    const auto most = std::max_element(model.storedBytes.begin(), model.storedBytes.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (most == model.storedBytes.end() || most->first == "F32") return "fp32";
    return most->first == "F16" ? "fp16" : "bf16";
}

Answer answer(const OverheadOptions& options, Session& session) {
    const std::filesystem::path folder = options.model.folder();
    const ModelDescription model = inspectModel(folder);
    if (options.length > model.context)
        throw UsageError{"--length", "",
                         "is " + std::to_string(options.length) + ", and the model's context holds " +
                             std::to_string(model.context),
                         "give at most that"};
    OverheadPlan plan{.model = folder.string(),
                      .device = options.device.device,
                      .dtype = dtypeOf(options.device, model),
                      .collect = options.collect,
                      .request = {},
                      .pairs = options.pairs};
    RunRequest& request = plan.request;
    request.policy = options.attention.policyFor(model.facts.routerParameters > 0);
    request.sparse = options.attention.sparseForm();
    request.maxNew = options.maxNew;
    request.stopAtEos = false;  // random tokens may make a model end at once, and then nothing is decoded
    request.prompts.resize(1);
    request.prompts.front().id = "synthetic";
    request.prompts.front().kind = "synthetic";
    request.prompts.front().content = syntheticPrompt(options.length, model.facts.vocabulary);

    Answer found{
        .key = overheadKey(thisMachine(plan.device), model.facts, plan.dtype, plan.collect, options.length),
        .overhead = {},
        .collector = {}};
    MachineCache cache = MachineCache::named(kOverheadCache);
    if (cache.damage()) session.terminal.note(*cache.damage());
    const std::string policy = shortForm(request.policy);
    if (const auto kept = overheadIn(cache, found.key);
        kept && !options.again && kept->policy == policy && kept->prefill.pairs >= options.pairs) {
        found.overhead = *kept;
        found.kept = true;
        return found;
    }
    MeasuredOverhead measured = measureOverhead(
        plan, session.cancel, [&session](const std::string& text) { session.terminal.progress(text); });
    found.overhead = std::move(measured.overhead);
    found.collector = std::move(measured.collector);
    try {
        keepOverhead(cache, found.key, found.overhead);
    } catch (const MachineError& error) {
        session.terminal.note(error.what());  // what was measured is worth saying all the same
    }
    return found;
}

std::string row(std::string name, const PairedRatio& ratio) {
    const auto cell = [](std::string text, std::size_t width) {
        text.resize(std::max(width, text.size()), ' ');
        return text;
    };
    const char* verdict = ratio.includesNoChange() ? "includes 0: no cost shown"
                          : ratio.low > 1          ? "excludes 0: slower"
                                                   : "excludes 0: faster";
    return cell(std::move(name), 16) + cell(timeText(ratio.medianWithout), 12) +
           cell(timeText(ratio.medianWith), 12) + changeText(ratio) + ", " + verdict + '\n';
}

std::string text(const OverheadOptions& options, const Answer& answer) {
    const Overhead& overhead = answer.overhead;
    std::string out = printable(options.model.given) + " on " + textOf(answer.key.machine) + '\n' +
                      formattedCount(overhead.promptTokens) + " random tokens, " +
                      formattedCount(overhead.newTokens) + " generated, policy " +
                      printable(overhead.policy) + ", collectors " +
                      printable(answer.collector.empty() ? answer.key.collectors : answer.collector) + '\n';
    out += "                no capture  recorded    change, medians over " +
           std::to_string(overhead.prefill.pairs) + " pairs\n";
    out += row("prefill", overhead.prefill);
    if (overhead.token) out += row("decoded token", *overhead.token);
    out += row("whole run", overhead.whole);
    out += std::string("intervals: ") + kPairedRatioMethod + '\n';
    out += answer.kept ? "measured " + overhead.when + " and kept; --again measures anew\n"
                       : "measured now, and told by captures of such runs from here on\n";
    return out;
}

int overhead(const OverheadOptions& options, Session& session) {
    options.attention.requireReadable();
    const Answer found = answer(options, session);
    if (options.json) {
        nlohmann::json object = toJson(found.overhead);
        object["key"] = toJson(found.key);
        object["kept"] = found.kept;
        session.terminal.resultJson(object);
    } else {
        session.terminal.result(text(options, found));
    }
    return 0;
}

}  // namespace

void addOverhead(CLI::App& app, Session& session) {
    auto options = std::make_shared<OverheadOptions>();
    CLI::App& command = *app.add_subcommand(
        "overhead", "What recording costs on this machine: runs without a capture against recorded ones");
    options->model.declare(command);
    options->attention.declare(command);
    options->device.declare(command);
    command.add_option("--length", options->length, "Tokens of the prompt; random ones, always the same")
        ->check(CLI::Range(1, 1 << 24))
        ->capture_default_str();
    command.add_option("--max-new", options->maxNew, "Tokens to generate")
        ->check(CLI::Range(1, 1 << 20))
        ->capture_default_str();
    command.add_option("--pairs", options->pairs, "Pairs of runs; more make the interval narrower")
        ->check(CLI::Range(kFewestPairs, std::int64_t{10'000}))
        ->capture_default_str();
    command
        .add_option(
            "--collect", options->collect,
            "What the recorded runs record, as in run; off is a capture of decisions and tokens alone")
        ->check(CLI::IsMember({"auto", "off", "trace", "timeline", "counters"}))
        ->capture_default_str();
    command.add_flag("--again", options->again,
                     "Measure anew, even when this machine has figures for such a run");
    command.add_flag("--json", options->json,
                     "prefill, token, whole: pairs, without_s, with_s, ratio, low, high, coverage, "
                     "includes_no_change; method, policy, key, measured, kept");
    command.footer(
        "Example:\n  fluxscope-cli overhead sample --length 1024 --max-new 64\n"
        "  fluxscope-cli overhead models/Qwen3-8B --device cuda --length 32768 --pairs 12 --again\n"
        "Two workers hold the model, one that records nothing and one that writes a capture; their runs "
        "alternate, after one each\n"
        "that does not count. The figures are kept for this machine, model shape, collectors and length "
        "(rounded up to a\n"
        "power of two), in $XDG_CACHE_HOME/fluxscope/overhead.json, and captures of such runs tell them.");
    command.callback([options, &session] {
        session.chosen = [options, &session] { return overhead(*options, session); };
    });
}

}  // namespace fluxscope::cli
