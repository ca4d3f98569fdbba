// Texts as Python has them: counted in code points, split, stripped, cased and shown by its rules. Text is UTF-8.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxscope::jinja {

std::int64_t codePointsIn(std::string_view text);
std::u32string toCodePoints(std::string_view text);
std::string toUtf8(std::u32string_view text);
void appendCodePoint(std::string& text, char32_t c);
bool isUtf8(std::string_view text);

bool isSpace(char32_t c);
bool isAlpha(char32_t c);
bool isDecimal(char32_t c);
bool isDigit(char32_t c);
bool isNumeric(char32_t c);
bool isUpper(char32_t c);
bool isLower(char32_t c);
bool isTitle(char32_t c);
bool isPrintable(char32_t c);
bool isWordCharacter(char32_t c);  // \w

std::string toLower(std::string_view text);
std::string toUpper(std::string_view text);
std::string toTitle(std::string_view text);
std::string toCapitalized(std::string_view text);
std::string toSwappedCase(std::string_view text);

// Which ends; `characters` are those to take off, white space when absent.
struct Ends {
    bool left = true;
    bool right = true;
};
std::string_view stripped(std::string_view text, Ends ends,
                          std::optional<std::string_view> characters = std::nullopt);

inline constexpr std::int64_t kNoLimit = -1;
std::vector<std::string_view> splitAtSpace(std::string_view text, std::int64_t atMost);
std::vector<std::string_view> splitAtSpaceFromRight(std::string_view text, std::int64_t atMost);
// The separator is not empty.
std::vector<std::string_view> splitAt(std::string_view text, std::string_view separator, std::int64_t atMost);
std::vector<std::string_view> splitAtFromRight(std::string_view text, std::string_view separator,
                                               std::int64_t atMost);
std::vector<std::string_view> splitLines(std::string_view text, bool keepEnds);

// Linear in both lengths, whatever the texts: they may be somebody's attack.
std::size_t findIn(std::string_view text, std::string_view wanted, std::size_t from = 0);
std::size_t findLastIn(std::string_view text, std::string_view wanted);
std::int64_t countIn(std::string_view text, std::string_view wanted);
std::string replacedIn(std::string_view text, std::string_view from, std::string_view to,
                       std::int64_t atMost);

std::string textRepr(std::string_view text);  // 'it\'s'
std::string hexDigits(char32_t value, int digits);
std::string floatRepr(double number);  // 1.0, 1e-05, inf
std::string htmlEscaped(std::string_view text);

}  // namespace fluxscope::jinja
