#include "app/cli/commands.h"
#include "app/serve/serve.h"
#include "app/start/version_text.h"

namespace fluxscope::cli {

void addServe(CLI::App& app, Session& session) {
    CLI::App& command = *app.add_subcommand("serve",
                                            "The engine host: requests as JSON lines on stdin, events on "
                                            "stdout (app/protocol/messages.h); ends when stdin does");
    command.footer(
        "Example:\n  echo '{\"v\":1,\"id\":1,\"do\":\"status\"}' | fluxscope-cli serve\n"
        "  ssh server fluxscope-cli serve        is the engine of another machine");
    command.callback(
        [&session] { session.chosen = [] { return fluxscopeServe(programLine("fluxscope-cli").c_str()); }; });
}

}  // namespace fluxscope::cli
