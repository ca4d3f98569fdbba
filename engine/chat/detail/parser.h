// Tokens to statements and expressions, by the grammar of Jinja2. Depth is limited here, so that whoever walks the tree may recurse.
#pragma once

#include "engine/chat/detail/lexer.h"
#include "engine/chat/detail/syntax.h"

namespace fluxscope::jinja {

Program parsed(std::vector<Token> tokens);

}  // namespace fluxscope::jinja
