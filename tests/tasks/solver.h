// Rule-based solvers: each reads the text of a prompt and nothing else, so that what they get right can be known from the text.
#pragma once

#include <string>
#include <string_view>

namespace fluxscope::tasks {

// The answer to the last question of a prompt of this task ("needle", "ruler:vt").
std::string solve(std::string_view task, std::string_view prompt);

}  // namespace fluxscope::tasks
