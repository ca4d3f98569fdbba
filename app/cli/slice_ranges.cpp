#include "app/cli/slice_ranges.h"

#include "engine/contract/error.h"

#include <charconv>
#include <cmath>
#include <cstdint>

namespace fluxscope::cli {
namespace {

constexpr double kMostSeconds = 1e9;  // 30 years; still exact enough in nanoseconds

template <class Number>
bool read(std::string_view text, Number& number) {
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failure == std::errc{} && end == text.data() + text.size();
}

bool readSteps(std::string_view text, std::int64_t& step) { return read(text, step); }

bool readSeconds(std::string_view text, std::int64_t& ns) {
    double seconds = 0;
    if (!read(text, seconds) || !std::isfinite(seconds) || std::abs(seconds) > kMostSeconds) return false;
    ns = std::llround(seconds * 1e9);
    return true;
}

std::vector<SliceRange> rangesFrom(const std::string& option, std::string_view text, const char* example,
                                   bool (*readNumber)(std::string_view, std::int64_t&)) {
    std::vector<SliceRange> ranges;
    for (std::string_view rest = text; !text.empty();) {
        const std::string_view one = rest.substr(0, rest.find(','));
        const std::size_t colon = one.find(':');
        SliceRange range;
        const bool isRange = colon != std::string_view::npos &&
                             readNumber(one.substr(0, colon), range.begin) &&
                             readNumber(one.substr(colon + 1), range.end);
        if (!isRange || range.begin < 0 || range.begin >= range.end)
            throw UsageError{
                option, "", "has '" + printable(one, 40) + "', which is no range",
                std::string("give A:B with A below B and B excluded, or several, such as ") + example};
        ranges.push_back(range);
        if (one.size() == rest.size()) break;
        rest.remove_prefix(one.size() + 1);
    }
    return ranges;
}

}  // namespace

std::vector<SliceRange> stepRangesFrom(const std::string& option, std::string_view text) {
    return rangesFrom(option, text, "0:1,8:12", readSteps);
}

std::vector<SliceRange> timeRangesFrom(const std::string& option, std::string_view text) {
    return rangesFrom(option, text, "0:0.25,3:3.1", readSeconds);
}

}  // namespace fluxscope::cli
