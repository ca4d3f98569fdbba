// `sample` as a MODEL, and the prompts that go with it. Both are found from the program's own place, so that a clone, a
// build folder and an unpacked bundle all work.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace fluxscope {

std::filesystem::path programFolder();  // of the running program

// The folder that a MODEL argument names. `sample` is FLUXSCOPE_SAMPLE_MODEL, else sample_data/model. Throws InputError when there is
// none.
std::filesystem::path modelFolder(const std::string& argument);

std::optional<std::filesystem::path> samplePrompts();  // sample_data/prompts/routing.jsonl

}  // namespace fluxscope
