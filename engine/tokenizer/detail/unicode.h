// What Unicode says of characters, by utf8proc. Its tables are Unicode 15; Hugging Face `tokenizers` normalizes by Unicode 9,
// so that the two differ in characters assigned in between (docs/tokenizers.md).
#pragma once

#include "engine/tokenizer/detail/aligned_text.h"

#include <cstdint>
#include <string_view>

namespace fluxscope {

enum class NormalForm { C, D, KC, KD };

bool isWhiteSpace(char32_t c);     // the property White_Space
bool isWordCharacter(char32_t c);  // \w of regular expressions: letters, marks, digits, connectors, joiners

// False, and `result` untouched, when the text is in that form already. Ill-formed bytes stay as they are.
bool normalized(const AlignedView& text, NormalForm form, AlignedText& result);
bool lowercased(const AlignedView& text, AlignedText& result);

}  // namespace fluxscope
