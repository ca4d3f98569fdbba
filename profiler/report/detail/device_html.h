// The sections of the page about how a run was recorded and what its device did.
#pragma once

#include "profiler/report/report.h"

#include <string>

namespace fluxscope {

std::string qualitySection(const Report& report);  // collectors, and the checks of each run
// Of one run; empty where there is nothing to show.
std::string kernelTables(const ReportRun& run);
std::string bytesTables(const ReportRun& run);
std::string rooflineSection(const ReportRun& run);
std::string trafficSection(const ReportRun& run);

// A kernel's name as far as a table shows it.
std::string shownName(const std::string& name);

// "run 2 (timeline), run 3 (counters)": whose measured bytes stand in a run's tables. Empty: only its own.
std::string passNames(const ReportRun& run);

}  // namespace fluxscope
