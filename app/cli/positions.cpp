#include "app/cli/positions.h"

#include "engine/contract/error.h"

#include <charconv>
#include <string>

namespace fluxscope::cli {

PositionRange positionsFrom(std::string_view text, std::int64_t tokens) {
    if (text == "all") return {0, tokens};
    if (text == "last") return {tokens - 1, tokens};
    PositionRange range;
    const char* const end = text.data() + text.size();
    const auto first = std::from_chars(text.data(), end, range.begin);
    const bool hasColon = first.ec == std::errc{} && first.ptr != end && *first.ptr == ':';
    const auto second = hasColon ? std::from_chars(first.ptr + 1, end, range.end) : first;
    if (!hasColon || second.ec != std::errc{} || second.ptr != end)
        throw UsageError{"--positions", "", "is '" + printable(text, 40) + "'",
                         "give all, last, or A:B with B excluded"};
    if (range.begin < 0 || range.begin >= range.end || range.end > tokens)
        throw UsageError{"--positions", "",
                         "is " + printable(text, 40) + ", outside 0:" + std::to_string(tokens) + " or empty",
                         "positions count from 0, the last one is excluded"};
    return range;
}

}  // namespace fluxscope::cli
