// UTF-8, byte by byte, as the Unicode standard's table of well-formed sequences has it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fluxscope {

struct Utf8Char {
    char32_t codePoint = 0;
    std::size_t length = 0;  // bytes; of an ill-formed sequence those to replace together, at least 1
    bool wellFormed = false;
    bool cutOff = false;  // ill-formed only because the text ends here
};

Utf8Char utf8At(std::string_view text, std::size_t position);  // position < text.size()
std::size_t endOfWellFormed(std::string_view text,
                            std::size_t begin);  // of the run of characters from there on
std::size_t endOfIllFormed(std::string_view text, std::size_t begin);  // of the run of other bytes
void appendUtf8(std::string& text, char32_t codePoint);

}  // namespace fluxscope
