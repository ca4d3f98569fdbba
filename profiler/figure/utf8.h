// UTF-8 that may be broken: prompts and tokens come from files, and a generated token may be half a character.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fluxscope {

struct CodePoint {
    char32_t value = 0;
    std::size_t bytes = 1;  // a byte that belongs to no character stands alone
    bool valid = false;
};

// text must not be empty. Overlong forms, surrogates and values past U+10FFFF are not valid.
CodePoint firstCodePoint(std::string_view text);

std::size_t countCodePoints(std::string_view utf8);

}  // namespace fluxscope
