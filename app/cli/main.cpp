// fluxscope-cli: every job of FluxScope without a screen. DESIGN section 6 is its contract.
//
// Exit codes: 0 fine, 1 an assertion or comparison failed, 2 wrong usage, 3 bad input file, 4 not possible on this machine,
// 5 cancelled, 6 a fault of ours or a lost worker.
#include "app/cli/commands.h"
#include "app/cli/interrupt.h"
#include "app/start/failure.h"
#include "app/start/log.h"
#include "app/start/threads.h"
#include "app/start/version_text.h"

#include <csignal>
#include <string>

namespace {

using namespace fluxscope;

// Commands that never start the engine's threads, and would start twice as slowly for it.
bool computes(const std::string& command) {
    return command != "doctor" && command != "info" && command != "tokenize" && command != "report" &&
           command != "capture" && command != "export" && command != "import" && command != "tasks";
}

int fail(cli::Session& session, const Failure& failure) {
    session.terminal.note(failure.message);
    return static_cast<int>(failure.family);
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);  // `| head` is an error to report, not a death
    cli::Session session;
    bool verbose = false;

    CLI::App app{
        "Profiles attention routing: runs prompts through a model and records what each layer decided and "
        "cost.",
        "fluxscope-cli"};
    app.set_version_flag("--version", versionText("fluxscope-cli"), "What this build is made of");
    app.add_flag("-v,--verbose", verbose,
                 "Log what happens, to stderr; FLUXSCOPE_LOG=trace|debug|info|warn|error|off says it finer");
    app.require_subcommand(1);
    app.fallthrough();
    app.footer(
        "'fluxscope-cli COMMAND --help' has an example of each.\n"
        "Exit codes: 0 fine, 1 a check failed, 2 wrong usage, 3 bad input file, 4 not possible on this "
        "machine, 5 cancelled, 6 "
        "a fault of ours.");
    cli::addDoctor(app, session);
#ifdef FLUXSCOPE_ENGINE
    cli::addInfo(app, session);
    cli::addTokenize(app, session);
    cli::addForward(app, session);
    cli::addRun(app, session);
    cli::addEvaluate(app, session);
#endif
    cli::addReport(app, session);
    cli::addCapture(app, session);
    cli::addExport(app, session);
    cli::addImport(app, session);
    cli::addTasks(app, session);
#ifdef FLUXSCOPE_ENGINE
    cli::addTrain(app, session);
    cli::addOverhead(app, session);
    cli::addCeilings(app, session);
    cli::addServe(app, session);
#endif

    try {
        app.parse(argc, argv);
        if (computes(app.get_subcommands().front()->get_name())) restartWithThreadsThatSleep(argv);
        startLogging("fluxscope-cli", verbose);
        if (verbose) session.terminal.beVerbose();
        cli::cancelOnInterrupt(session.cancel);
        return session.chosen();
    } catch (const CLI::ParseError& asked) {
        if (asked.get_exit_code() == 0) return app.exit(asked);  // --help, --version
        const auto chosen = app.get_subcommands();
        const std::string help =
            chosen.empty() ? "fluxscope-cli" : "fluxscope-cli " + chosen.front()->get_name();
        return fail(session,
                    {ErrorFamily::Usage, printable(asked.what(), 400) + "; see " + help + " --help"});
    } catch (...) {
        return fail(session, currentFailure());
    }
}
