// The parts of `tasks`, a file each.
#pragma once

#include "app/cli/commands.h"

namespace fluxscope::cli {

void addTasksScore(CLI::App& tasks, Session& session);
void addTasksGenerate(CLI::App& tasks, Session& session);  // where the engine was built: it has the tokenizer

}  // namespace fluxscope::cli
