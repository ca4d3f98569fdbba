// A template's text as tokens: data between tags, and what stands inside tags.
//
// White space around tags is settled here: {%- and -%} strip, a newline after a block goes (trim_blocks), and blanks before a
// block that begins its line go (lstrip_blocks) unless it opens with {%+.
#pragma once

#include "engine/chat/detail/value.h"

#include <string>
#include <string_view>
#include <vector>

namespace fluxscope::jinja {

enum class TokenKind : std::uint8_t {
    Data,
    VariableBegin,
    VariableEnd,
    BlockBegin,
    BlockEnd,
    Name,
    Text,
    Integer,
    Float,
    Operator,
    End
};

struct Token {
    TokenKind kind = TokenKind::End;
    int line = 1;
    std::string text;  // of Data, Name, Text and Operator
    std::int64_t integer = 0;
    double number = 0;
};

std::vector<Token> tokenized(std::string_view text);

}  // namespace fluxscope::jinja
