// The desktop's command line, read before Qt is: --serve never sets it up.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace fluxscope {

struct Arguments {
    bool serve = false;
    bool verbose = false;
    bool run = false;     // as soon as the model is loaded
    std::string model;    // empty: the one used last, else the sample
    std::string prompts;  // a prompt set; empty: the sample's
    std::vector<std::string> captures;
    std::string device = "cpu";  // where the worker computes: "cpu" or "cuda"
    std::string record;          // runs go here instead of into the user's folder
    std::string theme;           // "light", "dark", "system"; empty: as chosen last
    std::string screenshot;      // write the window to this PNG once it rests, and quit
    std::string worker;  // the program that serves; empty: this one. Not on the command line: for tests
};

struct ParsedArguments {
    Arguments arguments;
    std::optional<int> exitCode;  // --help, --version, or wrong usage, which has been said
};

ParsedArguments parseArguments(int argc, char** argv);

}  // namespace fluxscope
