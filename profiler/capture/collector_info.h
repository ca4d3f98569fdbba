// A collector that was asked for, and what became of it.
#pragma once

#include "engine/contract/index.h"

#include <cstdint>
#include <string>

namespace fluxscope {

struct CollectorInfo {
    ProcessIndex process;
    std::int64_t run = -1;  // -1: before any run
    std::string name;
    std::string state;   // "running", "stopped", "missing"
    std::string reason;  // of what is missing, whole or in part
    std::string remedy;
};

// "timeline of run 2: missing, REASON; REMEDY"
std::string sentenceOf(const CollectorInfo& collector);

}  // namespace fluxscope
