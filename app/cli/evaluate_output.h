// What `evaluate` prints and writes: a row for each task, length and policy.
#pragma once

#include "app/serve/evaluate.h"

#include <nlohmann/json_fwd.hpp>

#include <iosfwd>
#include <string>
#include <vector>

namespace fluxscope::cli {

// `policies` as they were asked for.
std::string table(const EvaluationReport& report, const std::vector<std::string>& policies);
nlohmann::json toJson(const EvaluationReport& report, const std::vector<std::string>& policies);
void writeCsv(std::ostream& out, const EvaluationReport& report, const std::vector<std::string>& policies);

// "12 of 240, 3 min left".
std::string progressText(const EvaluationProgress& progress);

}  // namespace fluxscope::cli
