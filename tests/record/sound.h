// What `capture check` has to say about a recording, whether or not it could be finished.
#pragma once

#include "profiler/capture/check.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace fluxscope::testing {

// But not that a recording which was cut off has its log beside it: so it should.
inline std::vector<std::string> faultsOf(const std::filesystem::path& file) {
    std::vector<std::string> faults;
    for (const Violation& violation : checkCapture(file))
        if (violation.rule != "is whole and at rest") faults.push_back(sentenceOf(violation));
    return faults;
}

inline void expectSound(const std::filesystem::path& file, const std::string& which = {}) {
    for (const std::string& fault : faultsOf(file)) ADD_FAILURE() << which << ": " << fault;
}

}  // namespace fluxscope::testing
