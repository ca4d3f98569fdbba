// Runs a Python script over one text; whatever it asserts is what the test asserts. Files are left for a reader of a failure.
#pragma once

#include <cstdlib>
#include <fstream>
#include <string>

namespace fluxscope::testing {

inline bool pythonAccepts(const std::string& script, const std::string& text, const std::string& name) {
    std::ofstream(name, std::ios::binary) << text;
    std::ofstream(name + ".py", std::ios::binary) << script;
    const std::string command = std::string(FLUXSCOPE_PYTHON) + " " + name + ".py " + name;
    return std::system(command.c_str()) == 0;  // NOLINT(bugprone-command-processor): our own words only
}

}  // namespace fluxscope::testing
