// `capture info|check|pack|sql`: what is in a file, whether it is sound, one file of two, and questions in SQL.
#include "app/cli/capture_output.h"
#include "app/cli/commands.h"
#include "profiler/capture/check.h"
#include "profiler/capture/info.h"
#include "profiler/capture/pack.h"

#include <nlohmann/json.hpp>

#include <memory>
#include <string>

namespace fluxscope::cli {
namespace {

struct Options {
    std::string capture;
    std::string into;
    std::string sql;
    bool json = false;
};

int info(const Options& options, Session& session) {
    const CaptureInfo info = captureInfo(options.capture);
    if (options.json)
        session.terminal.resultJson(jsonOf(info));
    else
        session.terminal.result(textOf(info));
    return 0;
}

int check(const Options& options, Session& session) {
    const std::vector<Violation> violations = checkCapture(
        options.capture, [&session](const std::string& what) { session.terminal.progress("checking " + what); });
    session.terminal.clearProgress();
    if (options.json) {
        session.terminal.resultJson(jsonOf(violations));
    } else {
        for (const Violation& violation : violations) session.terminal.result(sentenceOf(violation) + '\n');
        if (violations.empty()) session.terminal.result(options.capture + " is sound\n");
    }
    return violations.empty() ? 0 : 1;
}

int pack(const Options& options, Session& session) {
    for (const std::string& note : packCapture(options.capture, options.into)) session.terminal.note(note);
    return 0;
}

int sql(const Options& options, Session& session) {
    writeAnswer(options.capture, options.sql, options.json, session.terminal);
    return 0;
}

CLI::App& add(CLI::App& of, const char* name, const char* says, const std::shared_ptr<Options>& options, Session& session,
              int (*work)(const Options&, Session&)) {
    CLI::App& command = *of.add_subcommand(name, says);
    command.add_option("CAPTURE", options->capture, "A .fluxdb file")->required();
    command.callback([options, &session, work] { session.chosen = [options, &session, work] { return work(*options, session); }; });
    return command;
}

}  // namespace

void addCapture(CLI::App& app, Session& session) {
    auto options = std::make_shared<Options>();
    CLI::App& capture = *app.add_subcommand("capture", "Look into a capture, check it, make one file of it, ask it in SQL");
    capture.require_subcommand(1);
    capture.footer("Example:\n  fluxscope-cli capture check run.fluxdb");

    CLI::App& infos = add(capture, "info", "Its runs, collectors, quality, tables and sizes", options, session, info);
    infos.add_flag("--json", options->json, "Everything, for scripts");
    infos.footer("Example:\n  fluxscope-cli capture info run.fluxdb");

    CLI::App& checks = add(capture, "check", "Does all hold that the schema promises? A line for each rule that does not, and exit code 1",
                           options, session, check);
    checks.add_flag("--json", options->json, "An array of {table, rule, count, example}");
    checks.footer("Example:\n  fluxscope-cli capture check run.fluxdb");

    CLI::App& packs = add(capture, "pack", "One file that travels, of a capture that crashed or is being recorded", options, session, pack);
    packs.add_option("INTO", options->into, "The new file")->required();
    packs.footer("Example:\n  fluxscope-cli capture pack crashed.fluxdb whole.fluxdb");

    CLI::App& asks = add(capture, "sql", "Ask it in SQL: read-only, without the views in the file; rows as tab-separated lines", options,
                         session, sql);
    asks.add_option("SQL", options->sql, "One statement or more")->required();
    asks.add_flag("--json", options->json, "A JSON object a row, a line each");
    asks.footer("Example:\n  fluxscope-cli capture sql run.fluxdb 'SELECT run, policy_name FROM run'");
}

}  // namespace fluxscope::cli
