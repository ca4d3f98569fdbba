#include "app/desktop/arguments.h"

#include "app/start/version_text.h"
#include "engine/contract/error.h"

#include <CLI/CLI.hpp>

namespace fluxscope {

ParsedArguments parseArguments(int argc, char** argv) {
    ParsedArguments parsed;
    Arguments& arguments = parsed.arguments;
    std::vector<std::string> paths;

    CLI::App app{"Profiles attention routing: what every layer decided, and what that cost.", "fluxscope"};
    app.set_version_flag("--version", versionText("fluxscope"), "What this build is made of");
    app.add_option("PATH", paths,
                   "A model's folder ('sample' is the shipped one), and .fluxdb captures to open");
    app.add_option("--model", arguments.model, "A model's folder");
    app.add_option("--prompts", arguments.prompts, "A prompt set: JSON lines with id, kind, text");
    app.add_option("--device", arguments.device, "Where the engine computes: cpu or cuda")
        ->check(CLI::IsMember({"cpu", "cuda"}))
        ->capture_default_str();
    app.add_option("--capture", arguments.record, "Record runs into this .fluxdb file");
    app.add_flag("--run", arguments.run, "Run as soon as the model is loaded");
    app.add_option("--theme", arguments.theme, "light, dark or system")
        ->check(CLI::IsMember({"light", "dark", "system"}));
    app.add_option("--screenshot", arguments.screenshot,
                   "Write the window to this PNG once nothing moves, and quit");
    app.add_flag("-v,--verbose", arguments.verbose, "Log what happens; FLUXSCOPE_LOG says it finer");
    app.add_flag("--serve", arguments.serve, "Be the engine's process: JSON lines on stdin and stdout")
        ->group("");
    app.footer("Example:\n  fluxscope sample --run\n  fluxscope yesterday.fluxdb");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const bool wrong = error.get_exit_code() != 0;
        app.exit(error);
        parsed.exitCode = wrong ? static_cast<int>(ErrorFamily::Usage) : 0;
        return parsed;
    }
    for (const std::string& path : paths) {
        if (path.ends_with(".fluxdb"))
            arguments.captures.push_back(path);
        else
            arguments.model = path;
    }
    return parsed;
}

}  // namespace fluxscope
