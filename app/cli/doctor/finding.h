// What `doctor` looks for, one finding each: what is there, whether that is enough, and the remedy where it is not.
#pragma once

#include <string>
#include <vector>

namespace fluxscope::cli {

struct Finding {
    std::string name;
    std::string found;
    bool ok = true;
    std::string remedy;  // empty when ok
};

std::vector<Finding> machineFindings();      // CPU, memory, this build, the sample
std::vector<Finding> acceleratorFindings();  // GPU, driver, and each collector
std::vector<Finding> displayFindings();      // GL, display

}  // namespace fluxscope::cli
