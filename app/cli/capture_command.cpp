// `capture info|check|pack|slice|merge|sql`: what is in a file, whether it is sound, new files of files, and questions in SQL.
#include "app/cli/capture_output.h"
#include "app/cli/commands.h"
#include "app/cli/slice_ranges.h"
#include "engine/contract/error.h"
#include "profiler/capture/check.h"
#include "profiler/capture/info.h"
#include "profiler/capture/merge.h"
#include "profiler/capture/pack.h"
#include "profiler/capture/slice.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace fluxscope::cli {
namespace {

struct Options {
    std::string capture;
    std::string into;
    std::vector<std::string> files;
    std::vector<std::int64_t> runs;
    std::string steps;
    std::string time;
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
    const std::vector<Violation> violations =
        checkCapture(options.capture,
                     [&session](const std::string& what) { session.terminal.progress("checking " + what); });
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

CaptureWork workOf(Session& session) {
    return {.cancel = &session.cancel, .progress = [&session](const std::string& what) {
                session.terminal.progress("copying " + what);
            }};
}

int slice(const Options& options, Session& session) {
    const SliceChoice choice{.runs = options.runs,
                             .steps = stepRangesFrom("--steps", options.steps),
                             .times_ns = timeRangesFrom("--time", options.time)};
    if (choice.runs.empty() && choice.steps.empty() && choice.times_ns.empty())
        throw UsageError{"capture slice", "", "does not say which part",
                         "give --runs, --steps or --time; a whole capture is copied by capture pack"};
    for (const std::string& note : sliceCapture(options.capture, options.into, choice, workOf(session)))
        session.terminal.note(note);
    return 0;
}

int merge(const Options& options, Session& session) {
    for (const std::string& note :
         mergeCaptures(options.into, {options.files.begin(), options.files.end()}, workOf(session)))
        session.terminal.note(note);
    return 0;
}

int sql(const Options& options, Session& session) {
    writeAnswer(options.capture, options.sql, options.json, session.terminal);
    return 0;
}

CLI::App& addBare(CLI::App& of, const char* name, const char* says, const std::shared_ptr<Options>& options,
                  Session& session, int (*work)(const Options&, Session&)) {
    CLI::App& command = *of.add_subcommand(name, says);
    command.callback([options, &session, work] {
        session.chosen = [options, &session, work] { return work(*options, session); };
    });
    return command;
}

CLI::App& add(CLI::App& of, const char* name, const char* says, const std::shared_ptr<Options>& options,
              Session& session, int (*work)(const Options&, Session&)) {
    CLI::App& command = addBare(of, name, says, options, session, work);
    command.add_option("CAPTURE", options->capture, "A .fluxdb file")->required();
    return command;
}

void addSlice(CLI::App& capture, const std::shared_ptr<Options>& options, Session& session) {
    CLI::App& slices =
        add(capture, "slice",
            "A part of it as a capture of its own: whole layers of steps, with all that was decided "
            "and said in their runs",
            options, session, slice);
    slices.add_option("INTO", options->into, "The new file")->required();
    slices.add_option("--runs", options->runs, "These runs, such as 1,3; without it all")
        ->delimiter(',')
        ->allow_extra_args(false);
    slices.add_option("--steps", options->steps,
                      "A:B[,C:D]: these steps, B excluded; 0 is prefill, 1 the first decode step");
    slices.add_option("--time", options->time,
                      "A:B[,C:D] in seconds from a run's beginning: the layers of steps that begin in it");
    slices.footer(
        "Example:\n  fluxscope-cli capture slice run.fluxdb part.fluxdb --runs 1 --steps 0:1,8:12\n"
        "Several options must all hold. Kernels, calls, copies, samples and scopes of the rest are left out; "
        "tokens, "
        "decisions and KV stay.");
}

void addMerge(CLI::App& capture, const std::shared_ptr<Options>& options, Session& session) {
    CLI::App& merges =
        addBare(capture, "merge",
                "One capture of several, of other processes, machines or days; every run keeps its clock",
                options, session, merge);
    merges.add_option("INTO", options->into, "The new file")->required();
    merges.add_option("CAPTURE", options->files, "The .fluxdb files, in the order their runs shall have")
        ->required();
    merges.footer("Example:\n  fluxscope-cli capture merge all.fluxdb monday.fluxdb tuesday.fluxdb");
}

}  // namespace

void addCapture(CLI::App& app, Session& session) {
    auto options = std::make_shared<Options>();
    CLI::App& capture = *app.add_subcommand(
        "capture", "Look into a capture, check it, pack, cut and join captures, ask them in SQL");
    capture.require_subcommand(1);
    capture.footer("Example:\n  fluxscope-cli capture check run.fluxdb");

    CLI::App& infos =
        add(capture, "info", "Its runs, collectors, quality, tables and sizes", options, session, info);
    infos.add_flag("--json", options->json, "Everything, for scripts");
    infos.footer("Example:\n  fluxscope-cli capture info run.fluxdb");

    CLI::App& checks =
        add(capture, "check",
            "Does all hold that the schema promises? A line for each rule that does not, and exit code 1",
            options, session, check);
    checks.add_flag("--json", options->json, "An array of {table, rule, count, example}");
    checks.footer("Example:\n  fluxscope-cli capture check run.fluxdb");

    CLI::App& packs =
        add(capture, "pack", "One file that travels, of a capture that crashed or is being recorded", options,
            session, pack);
    packs.add_option("INTO", options->into, "The new file")->required();
    packs.footer("Example:\n  fluxscope-cli capture pack crashed.fluxdb whole.fluxdb");

    addSlice(capture, options, session);
    addMerge(capture, options, session);

    CLI::App& asks =
        add(capture, "sql",
            "Ask it in SQL: read-only, without the views in the file; rows as tab-separated lines", options,
            session, sql);
    asks.add_option("SQL", options->sql, "One statement or more")->required();
    asks.add_flag("--json", options->json, "A JSON object a row, a line each");
    asks.footer("Example:\n  fluxscope-cli capture sql run.fluxdb 'SELECT run, policy_name FROM run'");
}

}  // namespace fluxscope::cli
