// What `capture` says, for people and for scripts.
#pragma once

#include "app/cli/terminal.h"
#include "profiler/capture/check.h"
#include "profiler/capture/info.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace fluxscope::cli {

std::string textOf(const CaptureInfo& info);
nlohmann::json jsonOf(const CaptureInfo& info);
nlohmann::json jsonOf(const std::vector<Violation>& violations);

// The rows of a query as they come: tab-separated under a line of names, or an object a line. A tab or newline inside of a value is \t or \n.
void writeAnswer(const std::string& file, const std::string& sql, bool asJson, Terminal& terminal);

}  // namespace fluxscope::cli
