// "▁" for a space: shared by the pre-tokenizer and the decoder of that name.
#pragma once

#include "engine/checkpoint/json_file.h"

#include <string>

namespace fluxscope {

struct Metaspace {
    enum class Prepend { Always, First, Never };

    std::string replacement;  // one character
    Prepend prepend = Prepend::Always;
    bool split = true;

    explicit Metaspace(const JsonFields& step);
};

}  // namespace fluxscope
