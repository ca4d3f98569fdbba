// fluxscope-cli's subcommands, one file each. add*() declares a subcommand with its options and says, once it was chosen, what to
// carry out; that returns the exit code or throws.
#pragma once

#include "app/cli/terminal.h"
#include "engine/contract/cancel.h"

#include <CLI/CLI.hpp>

#include <functional>

namespace fluxscope::cli {

struct Session {
    Terminal terminal;
    CancelToken cancel;           // Ctrl-C
    std::function<int()> chosen;  // set by the subcommand on the command line
};

void addDoctor(CLI::App& app, Session& session);
void addCapture(CLI::App& app, Session& session);
void addReport(CLI::App& app, Session& session);
void addExport(CLI::App& app, Session& session);
void addImport(CLI::App& app, Session& session);
void addTasks(CLI::App& app, Session& session);  // generates only where the engine was built
// Present where the engine was built.
void addInfo(CLI::App& app, Session& session);
void addTokenize(CLI::App& app, Session& session);
void addForward(CLI::App& app, Session& session);
void addRun(CLI::App& app, Session& session);
void addTrain(CLI::App& app, Session& session);
void addEvaluate(CLI::App& app, Session& session);
void addOverhead(CLI::App& app, Session& session);
void addCeilings(CLI::App& app, Session& session);
void addServe(CLI::App& app, Session& session);

}  // namespace fluxscope::cli
