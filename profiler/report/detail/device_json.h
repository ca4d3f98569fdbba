// The parts of the JSON report about how a run was recorded and what its device did (report.h has their form).
#pragma once

#include "profiler/report/report.h"

#include <nlohmann/json.hpp>

namespace fluxscope {

nlohmann::ordered_json qualityJson(const ReportRun& run);
nlohmann::ordered_json kernelsJson(const ReportRun& run);
nlohmann::ordered_json rooflineJson(const Roofline& roofline);
nlohmann::ordered_json trafficJson(const ReportRun& run);

}  // namespace fluxscope
