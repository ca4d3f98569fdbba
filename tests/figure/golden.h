// Golden files live in tests/golden. FLUXSCOPE_UPDATE_GOLDEN=1 writes them anew; git diff then shows what changed.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace fluxscope::testing {

inline void expectGolden(const std::string& name, const std::string& actual) {
    const std::filesystem::path file = std::filesystem::path(FLUXSCOPE_SOURCE_DIR) / "tests/golden" / name;
    const char* update = std::getenv("FLUXSCOPE_UPDATE_GOLDEN");
    if (update != nullptr && std::string(update) == "1") {
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << actual;
        return;
    }
    std::ifstream in(file, std::ios::binary);
    ASSERT_TRUE(in) << file << " is missing: run with FLUXSCOPE_UPDATE_GOLDEN=1 and look at what it wrote";
    std::stringstream expected;
    expected << in.rdbuf();
    if (expected.str() == actual) return;

    // The first line that differs says more than two pages side by side.
    std::istringstream was(expected.str());
    std::istringstream is(actual);
    std::string wasLine;
    std::string isLine;
    for (int line = 1;; ++line) {
        const bool hasWas = static_cast<bool>(std::getline(was, wasLine));
        const bool hasIs = static_cast<bool>(std::getline(is, isLine));
        if (hasWas != hasIs || wasLine != isLine) {
            FAIL() << file << ":" << line << "\n  expected: " << (hasWas ? wasLine : "(end)")
                   << "\n  actual:   " << (hasIs ? isLine : "(end)")
                   << "\nIf this is meant, run with FLUXSCOPE_UPDATE_GOLDEN=1 and review the diff.";
        }
        if (!hasWas) break;
    }
}

}  // namespace fluxscope::testing
