#include "profiler/exchange/detail/json_text.h"

#include "profiler/figure/utf8.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace fluxscope {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

template <class Each>
void eachCharacter(std::string_view text, Each each) {
    while (!text.empty()) {
        const CodePoint character = firstCodePoint(text);
        each(character.valid ? text.substr(0, character.bytes) : kReplacement);
        text.remove_prefix(character.bytes);
    }
}

}  // namespace

std::string utf8Of(std::string_view text) {
    std::string out;
    eachCharacter(text, [&out](std::string_view character) { out += character; });
    return out;
}

void appendJsonText(std::string& out, std::string_view text) {
    out += '"';
    eachCharacter(text, [&out](std::string_view character) {
        const char c = character.front();
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
            std::array<char, 8> escaped{};
            std::snprintf(escaped.data(), escaped.size(), "\\u%04x", static_cast<unsigned>(c));
            out += escaped.data();
        } else {
            out += character;
        }
    });
    out += '"';
}

void appendJsonNumber(std::string& out, double value) {
    if (!std::isfinite(value)) {
        out += "null";
        return;
    }
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    out.append(digits.data(), end.ptr);
}

}  // namespace fluxscope
