#include "app/cli/commands.h"
#include "app/cli/whole_file.h"
#include "profiler/report/report.h"
#include "profiler/store/overview_rows.h"

#include <filesystem>
#include <ostream>
#include <string>

namespace fluxscope::cli {
namespace {

struct Options {
    std::string capture;
    std::string html;
    std::string markdown;
    bool json = false;
};

void writeText(const std::filesystem::path& file, const std::string& text) {
    writeWhole(file, [&text](std::ostream& out) { out << text; });
}

// A report is worth reading without them.
void makeMissingOverviews(const std::string& capture, Terminal& terminal) {
    try {
        buildOverviews(capture, [&](std::int64_t run) {
            terminal.progress("summing up " + capture + ": run " + std::to_string(run));
        });
    } catch (const std::exception& error) {
        terminal.note("some runs have no overview of their time, and it cannot be made: " +
                      std::string(error.what()));
    }
}

int report(const Options& options, Session& session) {
    session.terminal.progress("reading " + options.capture);
    makeMissingOverviews(options.capture, session.terminal);
    const ReportSources sources = readReportSources(options.capture, [&](RunIndex run) {
        session.terminal.progress("reading " + options.capture + ": run " + std::to_string(run.value()));
    });
    for (const auto* problems : {&sources.snapshot->problems, &sources.facts.problems, &sources.problems})
        for (const std::string& problem : *problems) session.terminal.note(problem);
    const Report made = buildReport(sources);
    if (!options.html.empty()) writeText(options.html, htmlReport(made));
    if (!options.markdown.empty()) writeText(options.markdown, markdownReport(made));
    if (options.json)
        session.terminal.result(jsonReport(made) + '\n');
    else if (options.html.empty() && options.markdown.empty())
        session.terminal.result(markdownReport(made));
    return 0;
}

}  // namespace

void addReport(CLI::App& app, Session& session) {
    auto options = std::make_shared<Options>();
    CLI::App& command = *app.add_subcommand("report", "A report of a capture, as HTML, Markdown or JSON");
    command.add_option("CAPTURE", options->capture, "A .fluxdb file")->required();
    command.add_option("--html", options->html, "Write one self-contained page to this file");
    command.add_option("--md", options->markdown,
                       "Write Markdown to this file; without --html, --md and --json it goes to stdout");
    command.add_flag("--json", options->json, "Everything a script may want, on stdout");
    command.footer("Example:\n  fluxscope-cli report run.fluxdb --html run.html");
    command.callback(
        [options, &session] { session.chosen = [options, &session] { return report(*options, session); }; });
}

}  // namespace fluxscope::cli
