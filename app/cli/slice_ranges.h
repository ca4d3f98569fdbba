// `--steps` and `--time` of `capture slice`.
#pragma once

#include "profiler/capture/slice.h"

#include <string>
#include <string_view>
#include <vector>

namespace fluxscope::cli {

// A:B,C:D with the ends excluded; empty: none. Throws UsageError in the name of `option`.
std::vector<SliceRange> stepRangesFrom(const std::string& option, std::string_view text);
// The same in seconds, such as 0:0.25; comes out in nanoseconds.
std::vector<SliceRange> timeRangesFrom(const std::string& option, std::string_view text);

}  // namespace fluxscope::cli
