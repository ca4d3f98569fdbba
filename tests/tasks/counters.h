// Stand-ins for a tokenizer.
#pragma once

#include "engine/tasks/tasks.h"

#include <cstdint>
#include <string_view>

namespace fluxscope::tasks {

inline std::int64_t bytesOf(std::string_view text) { return static_cast<std::int64_t>(text.size()); }

inline std::int64_t wordsOf(std::string_view text) {
    std::int64_t words = 0;
    bool inside = false;
    for (const char c : text) {
        const bool blank = c == ' ' || c == '\n';
        if (!blank && !inside) ++words;
        inside = !blank;
    }
    return words;
}

// Words in pieces of up to five letters, digits in threes, everything else by itself: about what a small tokenizer does.
inline std::int64_t piecesOf(std::string_view text) {
    std::int64_t pieces = 0;
    int letters = 0;
    int digits = 0;
    for (const char c : text) {
        const bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        const bool digit = c >= '0' && c <= '9';
        if (letter && letters++ % 5 == 0) ++pieces;
        if (digit && digits++ % 3 == 0) ++pieces;
        if (!letter && !digit && c != ' ') ++pieces;
        if (!letter) letters = 0;
        if (!digit) digits = 0;
    }
    return pieces;
}

inline TaskSpec specOf(std::string_view task, std::int64_t length, std::uint64_t seed = 7,
                       TextForm form = TextForm::Prompt) {
    TaskSpec spec = parseTask(task, "--task");
    spec.length = length;
    spec.seed = seed;
    spec.form = form;
    return spec;
}

}  // namespace fluxscope::tasks
