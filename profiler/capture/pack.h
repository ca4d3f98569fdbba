// One file that travels, of a capture that was never finished or is being recorded.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace fluxscope {

// Copies what `from` and its write-ahead log hold at this moment into `to`, which must not exist. Returns what the reader should know,
// a sentence each: a log that is missing, an end that is cut off. Throws InputError and MachineError; there is no `to` then.
std::vector<std::string> packCapture(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace fluxscope
