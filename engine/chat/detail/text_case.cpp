// Kinds of characters and changes of case, from the tables of tools/unicode_tables.
#include "engine/chat/detail/python_text.h"
#include "engine/chat/detail/unicode_tables.h"

#include <algorithm>

namespace fluxscope::jinja {
namespace {

bool holds(const std::vector<CharRange>& ranges, char32_t c) {
    const auto after = std::upper_bound(ranges.begin(), ranges.end(), c,
                                        [](char32_t value, const CharRange& r) { return value < r.first; });
    return after != ranges.begin() && c <= std::prev(after)->last;
}

void appendChanged(std::u32string& to, char32_t c, const std::vector<CharChange>& changes,
                   const std::vector<CharExpansion>& several) {
    const auto expansion =
        std::lower_bound(several.begin(), several.end(), c,
                         [](const CharExpansion& e, char32_t value) { return e.from < value; });
    if (expansion != several.end() && expansion->from == c) {
        to += expansion->to;
        return;
    }
    const auto after = std::upper_bound(changes.begin(), changes.end(), c,
                                        [](char32_t value, const CharChange& r) { return value < r.first; });
    if (after != changes.begin()) {
        const CharChange& change = *std::prev(after);
        if (c <= change.last && (c - change.first) % static_cast<char32_t>(change.stride) == 0)
            c = static_cast<char32_t>(static_cast<std::int32_t>(c) + change.difference);
    }
    to += c;
}

bool isCased(char32_t c) { return isUpper(c) || isLower(c) || isTitle(c); }

constexpr char32_t kSigma = 0x3A3;

// A capital sigma becomes another small letter at the end of a word.
void appendLower(std::u32string& to, std::u32string_view text, std::size_t i) {
    if (text[i] != kSigma) return appendChanged(to, text[i], kToLower, kToLowerSeveral);
    std::size_t before = i;
    while (before > 0 && holds(kCaseIgnorable, text[before - 1])) --before;
    std::size_t after = i + 1;
    while (after < text.size() && holds(kCaseIgnorable, text[after])) ++after;
    const bool atEnd =
        before > 0 && isCased(text[before - 1]) && (after == text.size() || !isCased(text[after]));
    to += atEnd ? char32_t{0x3C2} : char32_t{0x3C3};
}

template <class Change>
std::string changed(std::string_view text, Change change) {
    const std::u32string points = toCodePoints(text);
    std::u32string result;
    result.reserve(points.size());
    for (std::size_t i = 0; i < points.size(); ++i) change(result, points, i);
    return toUtf8(result);
}

}  // namespace

bool isAlpha(char32_t c) { return holds(kAlpha, c); }
bool isDecimal(char32_t c) { return holds(kDecimal, c); }
bool isDigit(char32_t c) { return holds(kDigit, c); }
bool isNumeric(char32_t c) { return holds(kNumeric, c); }
bool isUpper(char32_t c) { return holds(kUpper, c); }
bool isLower(char32_t c) { return holds(kLower, c); }
bool isTitle(char32_t c) { return holds(kTitle, c); }
bool isPrintable(char32_t c) { return !holds(kUnprintable, c); }
bool isWordCharacter(char32_t c) { return c == '_' || isAlpha(c) || isNumeric(c) || isDecimal(c); }

std::string toLower(std::string_view text) { return changed(text, appendLower); }

std::string toUpper(std::string_view text) {
    return changed(text, [](std::u32string& to, std::u32string_view points, std::size_t i) {
        appendChanged(to, points[i], kToUpper, kToUpperSeveral);
    });
}

std::string toTitle(std::string_view text) {
    return changed(text, [](std::u32string& to, std::u32string_view points, std::size_t i) {
        if (i > 0 && isCased(points[i - 1]))
            appendLower(to, points, i);
        else
            appendChanged(to, points[i], kToTitle, kToTitleSeveral);
    });
}

std::string toCapitalized(std::string_view text) {
    return changed(text, [](std::u32string& to, std::u32string_view points, std::size_t i) {
        if (i == 0)
            appendChanged(to, points[i], kToTitle, kToTitleSeveral);
        else
            appendLower(to, points, i);
    });
}

std::string toSwappedCase(std::string_view text) {
    return changed(text, [](std::u32string& to, std::u32string_view points, std::size_t i) {
        if (isUpper(points[i]))
            appendLower(to, points, i);
        else if (isLower(points[i]))
            appendChanged(to, points[i], kToUpper, kToUpperSeveral);
        else
            to += points[i];
    });
}

}  // namespace fluxscope::jinja
