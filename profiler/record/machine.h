// What the numbers of a capture depend on, as far as the recorder can learn it by itself.
#pragma once

#include "profiler/store/records.h"

#include <string>
#include <vector>

namespace fluxscope {

std::string hostName();
std::vector<EnvironmentFact> machineFacts();

}  // namespace fluxscope
