// Is a capture what resources/schema.sql says it is? Reads everything, changes nothing, trusts nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace fluxscope {

struct Violation {
    std::string table;
    std::string rule;        // what should hold, in words
    std::int64_t count = 0;  // how many rows break it; 1 for the file itself
    std::string example;     // the first of them
};

std::string sentenceOf(const Violation& violation);

using CheckProgress = std::function<void(const std::string& what)>;

// Throws InputError as readCapture does when the file is no capture at all.
std::vector<Violation> checkCapture(const std::filesystem::path& file, const CheckProgress& progress = {});

}  // namespace fluxscope
