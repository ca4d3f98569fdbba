// What attachCupti and openCounters do once libcupti has been found: with a table of a test's own, as with the real one.
#pragma once

#include "profiler/record/cupti/counters.h"
#include "profiler/record/cupti/detail/api.h"
#include "profiler/record/cupti/session.h"

namespace fluxscope {

CuptiSession attachTo(const CuptiApi& api, const CuptiOptions& options);

OpenedCounters openCountersOf(const CuptiApi& api, Clock clock, RecordSink& records, DeviceSink& device,
                              const CountersOptions& options);

}  // namespace fluxscope
