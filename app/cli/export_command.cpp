#include "app/cli/commands.h"
#include "app/cli/exchange_progress.h"
#include "engine/contract/error.h"
#include "profiler/exchange/export.h"

#include <nlohmann/json.hpp>

#include <memory>
#include <string>

namespace fluxscope::cli {
namespace {

struct Options {
    std::string capture;
    std::string perfetto;
    std::string chrome;
    std::string csv;
    std::string jsonFile;
};

using Exporter = ExchangeSummary (*)(const std::filesystem::path&, const std::filesystem::path&,
                                     const ExchangeOptions&);

int exportCapture(const Options& options, Session& session) {
    const std::pair<const std::string&, Exporter> wanted[] = {{options.perfetto, exportPerfetto},
                                                              {options.chrome, exportChrome},
                                                              {options.csv, exportCsv},
                                                              {options.jsonFile, exportJson}};
    bool any = false;
    for (const auto& [file, write] : wanted) {
        if (file.empty()) continue;
        any = true;
        const ExchangeSummary summary = write(options.capture, file, exchangeOptions(session));
        for (std::string notice : summary.notices)
            session.terminal.note(notice.insert(0, ": ").insert(0, file));
    }
    if (!any)
        throw UsageError{"export", "", "says no form to write",
                         "give --perfetto, --chrome, --csv or --json; see fluxscope-cli export --help"};
    session.terminal.clearProgress();
    return 0;
}

}  // namespace

void addExport(CLI::App& app, Session& session) {
    auto options = std::make_shared<Options>();
    CLI::App& command =
        *app.add_subcommand("export", "A capture for other tools: Perfetto, Chrome traces, CSV, JSON");
    command.add_option("CAPTURE", options->capture, "A .fluxdb file")->required();
    command.add_option("--perfetto", options->perfetto,
                       "Write a trace for ui.perfetto.dev to this file (.pftrace)");
    command.add_option(
        "--chrome", options->chrome,
        "Write a Chrome trace with the keys of PyTorch's profiler to this file (.json, .json.gz)");
    command.add_option("--csv", options->csv, "Write the tables as CSV into this folder, a file each");
    command.add_option("--json", options->jsonFile, "Write the tables as JSON to this file");
    command.footer("Example:\n  fluxscope-cli export run.fluxdb --perfetto run.pftrace --csv tables");
    command.callback([options, &session] {
        session.chosen = [options, &session] { return exportCapture(*options, session); };
    });
}

}  // namespace fluxscope::cli
