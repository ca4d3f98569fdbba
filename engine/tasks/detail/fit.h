// Reaching a length in tokens with few counts.
#pragma once

#include "engine/tasks/tasks.h"

#include <cstdint>
#include <functional>
#include <string>

namespace fluxscope::tasks {

struct FitGoal {
    std::int64_t tokens = 0;
    TextForm form = TextForm::Prompt;
    std::string task;        // for the refusal
    std::uint64_t seed = 0;  // of what is added where pieces are too large
};

// `compose` makes a sample of about so many bytes; more bytes are more tokens, roughly. The result has at most goal.tokens and
// at least 99 % of them. Throws UsageError when even the shortest is longer.
TaskSample fitted(const FitGoal& goal, const TokenCounter& counter,
                  const std::function<TaskSample(std::int64_t bytes)>& compose);

}  // namespace fluxscope::tasks
