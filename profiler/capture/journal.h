// Is a capture one file at rest, or does part of it lie beside it?
#pragma once

#include <filesystem>
#include <string>

namespace fluxscope {

// Empty, or what to do about it, a sentence without a full stop: a write-ahead log that must travel along, or one that is missing.
// What is being written right now has no problem.
std::string journalProblem(const std::filesystem::path& file);

}  // namespace fluxscope
