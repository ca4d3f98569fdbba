// What Python knows of characters: sets as ranges, and changes of case. Written by tools/unicode_tables.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace fluxscope::jinja {

struct CharRange {
    char32_t first;
    char32_t last;
};
struct CharChange {  // every stride-th character of the range moves by the difference
    char32_t first;
    char32_t last;
    std::int32_t stride;
    std::int32_t difference;
};
struct CharExpansion {
    char32_t from;
    std::u32string_view to;
};

extern const std::vector<CharRange> kUnprintable, kAlpha, kDecimal, kDigit, kNumeric, kUpper, kLower, kTitle,
    kCaseIgnorable;
extern const std::vector<CharChange> kToLower, kToUpper, kToTitle;
extern const std::vector<CharExpansion> kToLowerSeveral, kToUpperSeveral, kToTitleSeveral;

}  // namespace fluxscope::jinja
