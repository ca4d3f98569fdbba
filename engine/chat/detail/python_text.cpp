#include "engine/chat/detail/python_text.h"

#include "engine/tokenizer/utf8.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

namespace fluxscope::jinja {
namespace {

constexpr std::size_t kNowhere = std::string_view::npos;

// The character at a place of well-formed text.
struct Char {
    char32_t value;
    std::size_t length;
};

Char charAt(std::string_view text, std::size_t place) {
    const auto byte = static_cast<unsigned char>(text[place]);
    if (byte < 0x80) return {byte, 1};
    const Utf8Char c = utf8At(text, place);
    return {c.codePoint, c.length};
}

std::size_t beginOfCharBefore(std::string_view text, std::size_t place) {
    do --place;
    while (place > 0 && (static_cast<unsigned char>(text[place]) & 0xC0U) == 0x80);
    return place;
}

std::size_t endOfSpace(std::string_view text, std::size_t place) {
    while (place < text.size()) {
        const Char c = charAt(text, place);
        if (!isSpace(c.value)) break;
        place += c.length;
    }
    return place;
}

std::size_t endOfWord(std::string_view text, std::size_t place) {
    while (place < text.size()) {
        const Char c = charAt(text, place);
        if (isSpace(c.value)) break;
        place += c.length;
    }
    return place;
}

bool isLineBreak(char32_t c) {
    return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

}  // namespace

std::int64_t codePointsIn(std::string_view text) {
    return std::count_if(text.begin(), text.end(),
                         [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; });
}

std::u32string toCodePoints(std::string_view text) {
    std::u32string points;
    points.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        const Char c = charAt(text, i);
        points.push_back(c.value);
        i += c.length;
    }
    return points;
}

std::string toUtf8(std::u32string_view text) {
    std::string bytes;
    bytes.reserve(text.size());
    for (const char32_t c : text) appendUtf8(bytes, c);
    return bytes;
}

void appendCodePoint(std::string& text, char32_t c) { appendUtf8(text, c); }

bool isUtf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        if (static_cast<unsigned char>(text[i]) < 0x80) {
            ++i;
            continue;
        }
        const Utf8Char c = utf8At(text, i);
        if (!c.wellFormed) return false;
        i += c.length;
    }
    return true;
}

bool isSpace(char32_t c) {
    if (c < 0x80) return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20);
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
           c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

std::string_view stripped(std::string_view text, Ends ends, std::optional<std::string_view> characters) {
    const std::u32string set = characters ? toCodePoints(*characters) : std::u32string();
    const auto goes = [&](char32_t c) { return characters ? set.find(c) != set.npos : isSpace(c); };
    std::size_t begin = 0;
    std::size_t end = text.size();
    while (ends.left && begin < end) {
        const Char c = charAt(text, begin);
        if (!goes(c.value)) break;
        begin += c.length;
    }
    while (ends.right && end > begin) {
        const std::size_t last = beginOfCharBefore(text, end);
        if (!goes(charAt(text, last).value)) break;
        end = last;
    }
    return text.substr(begin, end - begin);
}

std::vector<std::string_view> splitAtSpace(std::string_view text, std::int64_t atMost) {
    std::vector<std::string_view> parts;
    std::size_t place = endOfSpace(text, 0);
    while (place < text.size()) {
        if (atMost != kNoLimit && static_cast<std::int64_t>(parts.size()) >= atMost) {
            parts.push_back(text.substr(place));  // what follows stays as it is, to its end
            break;
        }
        const std::size_t end = endOfWord(text, place);
        parts.push_back(text.substr(place, end - place));
        place = endOfSpace(text, end);
    }
    return parts;
}

std::vector<std::string_view> splitAtSpaceFromRight(std::string_view text, std::int64_t atMost) {
    std::vector<std::string_view> parts;
    text = stripped(text, {.left = false});
    while (!text.empty()) {
        if (atMost != kNoLimit && static_cast<std::int64_t>(parts.size()) >= atMost) {
            parts.push_back(text);
            break;
        }
        std::size_t begin = text.size();
        while (begin > 0) {
            const std::size_t before = beginOfCharBefore(text, begin);
            if (isSpace(charAt(text, before).value)) break;
            begin = before;
        }
        parts.push_back(text.substr(begin));
        text = stripped(text.substr(0, begin), {.left = false});
    }
    std::reverse(parts.begin(), parts.end());
    return parts;
}

std::vector<std::string_view> splitAt(std::string_view text, std::string_view separator,
                                      std::int64_t atMost) {
    std::vector<std::string_view> parts;
    std::size_t begin = 0;
    while (atMost == kNoLimit || static_cast<std::int64_t>(parts.size()) < atMost) {
        const std::size_t found = findIn(text, separator, begin);
        if (found == kNowhere) break;
        parts.push_back(text.substr(begin, found - begin));
        begin = found + separator.size();
    }
    parts.push_back(text.substr(begin));
    return parts;
}

std::vector<std::string_view> splitAtFromRight(std::string_view text, std::string_view separator,
                                               std::int64_t atMost) {
    // Backwards, so that overlapping finds are those of rsplit.
    const std::string backwards(text.rbegin(), text.rend());
    const std::string separatorBackwards(separator.rbegin(), separator.rend());
    std::vector<std::string_view> parts;
    for (const std::string_view part : splitAt(backwards, separatorBackwards, atMost))
        parts.push_back(
            text.substr(text.size() - static_cast<std::size_t>(part.data() - backwards.data()) - part.size(),
                        part.size()));
    std::reverse(parts.begin(), parts.end());
    return parts;
}

std::vector<std::string_view> splitLines(std::string_view text, bool keepEnds) {
    std::vector<std::string_view> lines;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < text.size();) {
        const Char c = charAt(text, i);
        if (!isLineBreak(c.value)) {
            i += c.length;
            continue;
        }
        const std::size_t end = i;
        i += c.length;
        if (c.value == '\r' && i < text.size() && text[i] == '\n') ++i;
        lines.push_back(text.substr(begin, (keepEnds ? i : end) - begin));
        begin = i;
    }
    if (begin < text.size()) lines.push_back(text.substr(begin));
    return lines;
}

std::size_t findIn(std::string_view text, std::string_view wanted, std::size_t from) {
    if (from > text.size()) return kNowhere;
    if (wanted.empty()) return from;
    const void* found = memmem(text.data() + from, text.size() - from, wanted.data(), wanted.size());
    return found == nullptr ? kNowhere
                            : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

std::size_t findLastIn(std::string_view text, std::string_view wanted) {
    if (wanted.size() > text.size()) return kNowhere;
    if (wanted.size() <= 16) return text.rfind(wanted);  // the product of the lengths is small enough
    const std::string reversedText(text.rbegin(), text.rend());
    const std::string reversedWanted(wanted.rbegin(), wanted.rend());
    const std::size_t found = findIn(reversedText, reversedWanted);
    return found == kNowhere ? kNowhere : text.size() - found - wanted.size();
}

std::int64_t countIn(std::string_view text, std::string_view wanted) {
    if (wanted.empty()) return codePointsIn(text) + 1;
    std::int64_t count = 0;
    for (std::size_t at = findIn(text, wanted); at != kNowhere; at = findIn(text, wanted, at + wanted.size()))
        ++count;
    return count;
}

std::string replacedIn(std::string_view text, std::string_view from, std::string_view to,
                       std::int64_t atMost) {
    std::string result;
    std::size_t begin = 0;
    std::int64_t done = 0;
    const auto more = [&] { return atMost < 0 || done < atMost; };
    if (from.empty()) {  // goes between all characters and around them
        for (; begin < text.size() && more(); ++done) {
            const std::size_t length = charAt(text, begin).length;
            result.append(to).append(text.substr(begin, length));
            begin += length;
        }
        if (more()) result += to;
        return result.append(text.substr(begin));
    }
    for (; more(); ++done) {
        const std::size_t found = findIn(text, from, begin);
        if (found == kNowhere) break;
        result.append(text.substr(begin, found - begin)).append(to);
        begin = found + from.size();
    }
    return result.append(text.substr(begin));
}

std::string hexDigits(char32_t value, int digits) {
    std::string hex;
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
        hex += "0123456789abcdef"[(value >> shift) & 0xFU];
    return hex;
}

std::string textRepr(std::string_view text) {
    const bool twoQuotes = text.find('\'') != kNowhere && text.find('"') == kNowhere;
    const char quote = twoQuotes ? '"' : '\'';
    std::string repr(1, quote);
    for (std::size_t i = 0; i < text.size();) {
        const Char c = charAt(text, i);
        if (c.value == static_cast<unsigned char>(quote) || c.value == '\\')
            (repr += '\\') += static_cast<char>(c.value);
        else if (c.value == '\n')
            repr += "\\n";
        else if (c.value == '\r')
            repr += "\\r";
        else if (c.value == '\t')
            repr += "\\t";
        else if (isPrintable(c.value))
            repr += text.substr(i, c.length);
        else {
            const int digits = c.value < 0x100 ? 2 : c.value < 0x10000 ? 4 : 8;
            repr += digits == 2 ? "\\x" : digits == 4 ? "\\u" : "\\U";
            repr += hexDigits(c.value, digits);
        }
        i += c.length;
    }
    return repr + quote;
}

std::string floatRepr(double number) {
    if (std::isnan(number)) return "nan";
    if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
    std::array<char, 32> buffer{};
    const auto end =
        std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::scientific)
            .ptr;
    const std::string text(buffer.data(), end);  // -1.25e+02: the shortest digits that give the number back
    const std::size_t mark = text.find('e');
    const int exponent = std::stoi(text.substr(mark + 1));
    if (exponent < -4 || exponent >= 16) {
        const std::string power = std::to_string(std::abs(exponent));
        return text.substr(0, mark) + (exponent < 0 ? "e-" : "e+") + (power.size() < 2 ? "0" : "") + power;
    }
    const bool negative = text[0] == '-';
    std::string digits = text.substr(negative ? 1 : 0, mark - (negative ? 1 : 0));
    if (digits.size() > 1) digits.erase(1, 1);
    const int point = exponent + 1;  // digits before the point
    if (point <= 0)
        digits = "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
    else if (point >= static_cast<int>(digits.size()))
        digits += std::string(static_cast<std::size_t>(point) - digits.size(), '0') + ".0";
    else
        digits.insert(static_cast<std::size_t>(point), 1, '.');
    return (negative ? "-" : "") + digits;
}

std::string htmlEscaped(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        switch (c) {
            case '&': escaped += "&amp;"; break;
            case '<': escaped += "&lt;"; break;
            case '>': escaped += "&gt;"; break;
            case '\'': escaped += "&#39;"; break;
            case '"': escaped += "&#34;"; break;
            default: escaped += c;
        }
    }
    return escaped;
}

}  // namespace fluxscope::jinja
