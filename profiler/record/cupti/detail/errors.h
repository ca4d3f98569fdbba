// What an error of CUPTI means for the user: why a collector is missing, and what to do about it.
#pragma once

#include "profiler/record/cupti/detail/api.h"

#include <string>
#include <string_view>

namespace fluxscope {

// `doing` completes "CUPTI refuses to ...". `holder` is who has subscribed already, where CUPTI said so.
Shortfall shortfallOf(const CuptiApi& api, std::string collector, std::string_view doing, CUptiResult error,
                      std::string_view holder = {});

// A function that this libcupti does not have.
Shortfall shortfallOfSymbol(std::string collector, const char* symbol, std::uint32_t version);

}  // namespace fluxscope
