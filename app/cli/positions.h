#pragma once

#include <cstdint>
#include <string_view>

namespace fluxscope::cli {

struct PositionRange {
    std::int64_t begin = 0;
    std::int64_t end = 0;  // excluded
};

// all, last or A:B over so many tokens. Throws UsageError: a range is never empty and never reaches beyond them.
PositionRange positionsFrom(std::string_view text, std::int64_t tokens);

}  // namespace fluxscope::cli
