// A regular expression of tokenizer.json. They are written for Oniguruma and matched by PCRE2: where the two read a pattern
// differently it is translated (\s, \w, \h), or refused when that is not possible.
#pragma once

#include "engine/checkpoint/json_file.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace fluxscope {

class Expression {
public:
    // `literal`: the pattern stands for itself. Throws InputError naming `where`'s field "pattern".
    Expression(const std::string& pattern, bool literal, const JsonFields& where);

    using Match = std::pair<std::size_t, std::size_t>;  // begin, end
    // Goes over the matches of a well-formed text from left to right. An empty match right behind the one before is none.
    class Matches {
    public:
        Matches(const Expression& expression, std::string_view text);
        std::optional<Match> next();

    private:
        const Expression& expression_;
        std::string_view text_;
        std::shared_ptr<void> state_;  // pcre2_match_data
        std::size_t from_ = 0;
        std::optional<std::size_t> lastEnd_;
    };

private:
    std::shared_ptr<void> code_;  // pcre2_code
    std::string file_;
};

}  // namespace fluxscope
