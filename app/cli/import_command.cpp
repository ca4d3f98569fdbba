#include "app/cli/commands.h"
#include "app/cli/exchange_progress.h"
#include "profiler/exchange/import.h"

#include <nlohmann/json.hpp>

#include <memory>
#include <string>

namespace fluxscope::cli {
namespace {

struct Options {
    std::string file;
    std::string capture;
    bool json = false;
};

int import(const Options& options, Session& session) {
    const ExchangeSummary summary = importFile(options.file, options.capture, exchangeOptions(session));
    for (const std::string& notice : summary.notices) session.terminal.note(options.file + ": " + notice);
    if (options.json)
        session.terminal.resultJson(
            {{"capture", options.capture}, {"rows", summary.events}, {"notices", summary.notices}});
    session.terminal.clearProgress();
    return 0;
}

}  // namespace

void addImport(CLI::App& app, Session& session) {
    auto options = std::make_shared<Options>();
    CLI::App& command = *app.add_subcommand(
        "import",
        "What another tool recorded, as a run of a capture: Nsight Systems, PyTorch's profiler, decisions");
    command
        .add_option(
            "FILE", options->file,
            "An SQLite export of Nsight Systems, a Chrome trace (.json, .json.gz), or decisions (.jsonl)")
        ->required();
    command.add_option("--out", options->capture, "The capture; one that is there gets one run more")
        ->required();
    command.add_flag("--json", options->json, "{\"capture\",\"rows\",\"notices\":[TEXT]} on stdout");
    command.footer("Example:\n  fluxscope-cli import report.sqlite --out report.fluxdb");
    command.callback(
        [options, &session] { session.chosen = [options, &session] { return import(*options, session); }; });
}

}  // namespace fluxscope::cli
