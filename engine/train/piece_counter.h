// Counts the tokens of a text nearly: word by word, each tokenized once and remembered. A tokenizer that joins words would count less;
// who needs the exact number encodes the text.
#pragma once

#include "engine/tokenizer/tokenizer.h"

#include <cstdint>
#include <string_view>

namespace fluxscope::train {

// A space belongs to the word behind it, a line's end to the word before it. Each thread remembers its own words.
std::int64_t nearCount(const Tokenizer& tokenizer, std::string_view text);

}  // namespace fluxscope::train
