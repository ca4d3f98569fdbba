#include "app/cli/commands.h"
#include "engine/contract/error.h"
#include "profiler/capture/capture_feed.h"
#include "profiler/report/report.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>

namespace fluxscope::cli {
namespace {

struct Options {
    std::string capture;
    std::string html;
    std::string markdown;
    bool json = false;
};

// Whole or not at all: a report that is cut off looks like one that is not.
void writeFile(const std::filesystem::path& file, const std::string& content) {
    std::filesystem::path unfinished = file;
    unfinished += ".part" + std::to_string(::getpid());
    std::ofstream out(unfinished, std::ios::binary);
    out << content;
    out.close();
    std::error_code failed;
    if (out) std::filesystem::rename(unfinished, file, failed);
    if (!out || failed) {
        std::error_code ignored;
        std::filesystem::remove(unfinished, ignored);
        throw MachineError{file.string(), "", "cannot be written",
                           "check that its folder exists and the disk has room"};
    }
}

int report(const Options& options, Session& session) {
    session.terminal.progress("reading " + options.capture);
    const SnapshotPtr snapshot = readCapture(options.capture);
    for (const std::string& problem : snapshot->problems) session.terminal.note(problem);
    const Report made = buildReport(*snapshot);
    if (!options.html.empty()) writeFile(options.html, htmlReport(made));
    if (!options.markdown.empty()) writeFile(options.markdown, markdownReport(made));
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
