// What `--collect` asks for, as passes: a process is attached to its GPU for one kind of recording and no other (docs/collectors.md),
// so each pass is a process of its own. The first does what was asked; the others go through what it recorded once more.
#pragma once

#include "app/cli/run_options.h"

#include <string>
#include <string_view>
#include <vector>

namespace fluxscope::cli {

// "auto" and "off" are one pass, "all" is trace, timeline and counters; a list is taken in that order. Throws UsageError.
std::vector<std::string> passesOf(std::string_view collect);

// Several: runs them one after the other and returns the first exit code that is not 0.
int runPasses(const std::vector<std::string>& passes, const RunOptions& options);

}  // namespace fluxscope::cli
