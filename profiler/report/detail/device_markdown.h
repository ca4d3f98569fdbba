// The parts of the Markdown report about how a run was recorded and what its device did.
#pragma once

#include "profiler/report/report.h"

#include <string>

namespace fluxscope {

std::string qualityInMarkdown(const Report& report);
// Of one run; empty where there is nothing to show.
std::string kernelsInMarkdown(const ReportRun& run);
std::string bytesInMarkdown(const ReportRun& run);
std::string rooflineInMarkdown(const ReportRun& run);

}  // namespace fluxscope
