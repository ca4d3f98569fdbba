#include "app/cli/commands.h"
#include "app/serve/ceilings.h"
#include "engine/contract/error.h"
#include "profiler/figure/number.h"

#include <nlohmann/json.hpp>

namespace fluxscope::cli {
namespace {

struct CeilingsOptions {
    std::string device = "cpu";
    bool again = false;
    bool json = false;
};

struct Answer {
    MachineKey machine;
    KeptCeilings ceilings;
    bool kept = false;
};

Answer answer(const CeilingsOptions& options, Session& session) {
    Answer found{.machine = thisMachine(options.device), .ceilings = {}};
    MachineCache cache = MachineCache::named(kCeilingsCache);
    if (cache.damage()) session.terminal.note(*cache.damage());
    if (const auto kept = ceilingsIn(cache, found.machine); kept && !options.again) {
        found.ceilings = *kept;
        found.kept = true;
        return found;
    }
    found.ceilings =
        measureCeilings(options.device, session.cancel,
                        [&session](const std::string& what, std::int64_t done, std::int64_t total) {
                            session.terminal.progress("measuring " + what + ", " + std::to_string(done + 1) +
                                                      " of " + std::to_string(total));
                        });
    try {
        keepCeilings(cache, found.machine, found.ceilings);
    } catch (const MachineError& error) {
        session.terminal.note(error.what());  // what was measured is worth saying all the same
    }
    return found;
}

std::string rows(const std::vector<CeilingRate>& rates, Unit unit, const std::string& kind) {
    std::string text;
    for (const CeilingRate& rate : rates) {
        const auto cell = [&text](std::string words, std::size_t width) {
            words.resize(std::max(width, words.size()), ' ');
            text += words;
        };
        const CeilingRate* best = fastest(rates, unit == Unit::FlopsPerSecond ? rate.what : std::string());
        cell(kind + ' ' + rate.what, 16);
        cell(formatted(rate.best, unit) + (best == &rate ? " *" : ""), 17);
        cell("median " + formatted(rate.median, unit) + ", least " + formatted(rate.least, unit) + " of " +
                 std::to_string(rate.repeats),
             54);
        text += printable(rate.how) + '\n';
    }
    return text;
}

std::string text(const Answer& answer) {
    const MeasuredCeilings& measured = answer.ceilings.measured;
    std::string out = textOf(answer.machine) + '\n' + rows(measured.bytes, Unit::BytesPerSecond, "memory") +
                      rows(measured.flops, Unit::FlopsPerSecond, "products");
    out += "* the ceiling: the best repeat of the fastest way\n";
    out += answer.kept ? "measured " + answer.ceilings.when + " and kept; --again measures anew\n"
                       : "measured now, and told by captures from here on\n";
    return out;
}

nlohmann::json json(const Answer& answer) {
    const MeasuredCeilings& measured = answer.ceilings.measured;
    nlohmann::json object = toJson(measured);
    object["machine"] = toJson(answer.machine);
    object["measured"] = answer.ceilings.when;
    object["kept"] = answer.kept;
    if (const CeilingRate* best = fastest(measured.bytes)) object["bytes_per_second"] = best->best;
    for (const CeilingRate& rate : measured.flops)
        object["flops_per_second"][rate.what] = fastest(measured.flops, rate.what)->best;
    return object;
}

int ceilings(const CeilingsOptions& options, Session& session) {
    const Answer found = answer(options, session);
    if (options.json)
        session.terminal.resultJson(json(found));
    else
        session.terminal.result(text(found));
    return 0;
}

}  // namespace

void addCeilings(CLI::App& app, Session& session) {
    auto options = std::make_shared<CeilingsOptions>();
    CLI::App& command = *app.add_subcommand(
        "ceilings",
        "What this machine can reach: bytes a second of its memory, FLOP/s of its matrix products");
    command.add_option("--device", options->device, "cpu or cuda")
        ->check(CLI::IsMember({"cpu", "cuda"}))
        ->capture_default_str();
    command.add_flag("--again", options->again, "Measure anew, even when this machine has figures");
    command.add_flag("--json", options->json,
                     "bytes_per_second, flops_per_second by dtype; bandwidth, products: what, how, amount, "
                     "repeats, best, median, least; machine, measured, kept");
    command.footer(
        "Example:\n  fluxscope-cli ceilings\n  fluxscope-cli ceilings --device cuda --json\n"
        "About ten seconds, during which the machine should do nothing else. The figures are kept for this "
        "machine in\n"
        "$XDG_CACHE_HOME/fluxscope/ceilings.json, and captures tell them: the roofline is drawn under them.");
    command.callback([options, &session] {
        session.chosen = [options, &session] { return ceilings(*options, session); };
    });
}

}  // namespace fluxscope::cli
