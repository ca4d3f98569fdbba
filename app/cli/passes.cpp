#include "app/cli/passes.h"

#include "engine/contract/error.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

namespace fluxscope::cli {
namespace {

constexpr std::array<std::string_view, 3> kPasses{"trace", "timeline", "counters"};

UsageError unknown(std::string_view text) {
    return UsageError{"--collect", "", "does not know '" + printable(text, 40) + "'",
                      "give auto, off, all, or a list of trace, timeline and counters"};
}

// As this program was called.
std::vector<std::string> ownArguments() {
    std::ifstream in("/proc/self/cmdline", std::ios::binary);
    std::vector<std::string> arguments;
    for (std::string one; std::getline(in, one, '\0');) arguments.push_back(one);
    return arguments;
}

void setCollect(std::vector<std::string>& arguments, const std::string& pass) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i].starts_with("--collect=")) arguments[i] = "--collect=" + pass;
        if (arguments[i] == "--collect" && i + 1 < arguments.size()) arguments[i + 1] = pass;
    }
}

std::vector<std::string> again(const std::string& pass, const RunOptions& options) {
    std::vector<std::string> arguments{"fluxscope-cli",
                                       "run",
                                       options.model.folder().string(),
                                       "--replay",
                                       options.capture,
                                       "--capture",
                                       options.capture,
                                       "--collect",
                                       pass,
                                       "--device",
                                       options.device.device};
    const auto add = [&arguments](const char* option, const std::string& value) {
        if (!value.empty()) arguments.insert(arguments.end(), {option, value});
    };
    add("--dtype", options.device.dtype);
    if (options.recordBudget) add("--record-budget", std::to_string(*options.recordBudget));
    if (!options.noPromptText) return arguments;
    // The capture does not have the prompts: they are given again.
    arguments.emplace_back("--no-prompt-text");
    add("--prompt", options.prompt);
    add("--prompt-file", options.promptFile);
    add("--prompts", options.prompts);
    if (options.raw) arguments.emplace_back("--raw");
    return arguments;
}

int exitCodeOf(std::vector<std::string> arguments, bool quiet) {
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    if (quiet) ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t child = 0;
    const int error = ::posix_spawn(&child, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    int status = 0;
    if (error != 0 || ::waitpid(child, &status, 0) != child)
        throw FaultError{"run", "", "cannot start the process of a pass", "free memory and try again"};
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    throw FaultError{"run", "", "lost the process of a pass to signal " + std::to_string(WTERMSIG(status)),
                     "the capture has the passes before it"};
}

}  // namespace

std::vector<std::string> passesOf(std::string_view collect) {
    if (collect == "auto" || collect == "off") return {std::string(collect)};
    if (collect == "all") return {kPasses.begin(), kPasses.end()};
    std::vector<std::string> wanted;
    for (std::size_t begin = 0; begin <= collect.size();) {
        const std::size_t end = std::min(collect.find(',', begin), collect.size());
        wanted.emplace_back(collect.substr(begin, end - begin));
        begin = end + 1;
    }
    for (const std::string& one : wanted)
        if (std::find(kPasses.begin(), kPasses.end(), one) == kPasses.end()) throw unknown(one);
    std::vector<std::string> passes;
    for (const std::string_view pass : kPasses)
        if (std::find(wanted.begin(), wanted.end(), pass) != wanted.end()) passes.emplace_back(pass);
    return passes;
}

int runPasses(const std::vector<std::string>& passes, const RunOptions& options) {
    if (options.capture.empty())
        throw UsageError{"--collect", "", "has several passes over one run, which is kept in a capture",
                         "give --capture FILE.fluxdb"};
    if (options.device.device == "cpu")
        throw UsageError{"--collect", "", "has passes for a GPU, and the model runs on the CPU",
                         "give --device cuda"};
    if (options.noPromptText && !options.followUps.empty())
        throw UsageError{
            "--no-prompt-text", "",
            "comes with follow-ups and several passes, of which the later ones need what was said",
            "leave it out, or collect one thing"};
    if (options.noPromptText && (options.promptFile == "-" || options.prompts == "-"))
        throw UsageError{"--no-prompt-text", "", "comes with several passes, and stdin can be read only once",
                         "give a file"};
    std::vector<std::string> first = ownArguments();
    setCollect(first, passes.front());
    int code = exitCodeOf(std::move(first), false);
    for (std::size_t i = 1; i < passes.size() && code == 0; ++i)
        code = exitCodeOf(again(passes[i], options), true);
    return code;
}

}  // namespace fluxscope::cli
