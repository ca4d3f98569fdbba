// Several captures as one: of several processes, machines or days. Every run keeps the clock of its process.
#pragma once

#include "profiler/capture/work.h"

#include <filesystem>
#include <string>
#include <vector>

namespace fluxscope {

// Into `into`, which must not exist, run after run in the order given, with new numbers. Models of one hash, prompts of one id and hash,
// and processes that are the same become one. Returns what the reader should know, a sentence each. Throws InputError, also when a file
// is being recorded or two have the same run; MachineError and CancelledError. There is no `into` then.
std::vector<std::string> mergeCaptures(const std::filesystem::path& into,
                                       const std::vector<std::filesystem::path>& files,
                                       const CaptureWork& work = {});

}  // namespace fluxscope
