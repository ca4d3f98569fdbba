#include "engine/tokenizer/detail/expression.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include "engine/contract/error.h"
#include "engine/tokenizer/utf8.h"

#include <pcre2.h>

#include <algorithm>
#include <array>

namespace fluxscope {
namespace {

const char* const kRemedy = "use a tokenizer.json whose expressions are of the GPT-2, Llama 3 or Qwen kind";

// White space as Oniguruma has it: Unicode's White_Space. PCRE2's \s also has U+180E, which left that set in Unicode 6.3.
const char* const kSpaces =
    R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";
// \w likewise: marks, connectors, letters in circles and squares. PCRE2 counts marks only since 10.43.
const char* const kWord =
    R"(\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{24b6}-\x{24e9}\x{1f130}-\x{1f149}\x{1f150}-\x{1f169}\x{1f170}-\x{1f189})";
const char* const kHex = "0-9a-fA-F";  // PCRE2's \h is a space

// Reads a pattern from left to right and says it in PCRE2's words, or what cannot be said in them.
class Translation {
public:
    explicit Translation(std::string_view text) : rest_(text) {
        while (!rest_.empty()) {
            if (rest_.front() == '\\' && rest_.size() > 1)
                escape();
            else if (inClass_)
                insideClass();
            else
                outsideClass();
        }
    }
    std::string pattern;
    const char* obstacle = nullptr;

private:
    void take(std::size_t count) {
        pattern += rest_.substr(0, count);
        rest_.remove_prefix(std::min(count, rest_.size()));
    }
    void escape() {
        const char letter = rest_[1];
        const char small = static_cast<char>(letter | 0x20);
        const bool negated = letter != small;
        const char* set = small == 's' ? kSpaces : small == 'w' ? kWord : small == 'h' ? kHex : nullptr;
        if (set && negated && inClass_) {
            if (small != 's') obstacle = "\\W or \\H in a class";
            set = nullptr;
        }
        if (small == 'b' && !inClass_) {
            const std::string word = "[" + std::string(kWord) + "]";
            pattern += "(?:(?<=" + word + (negated ? ")(?=" : ")(?!") + word + ")|(?<!" + word +
                       (negated ? ")(?!" : ")(?=") + word + "))";
            rest_.remove_prefix(2);
        } else if (set) {
            pattern += inClass_ ? set : (negated ? "[^" : "[") + std::string(set) + "]";
            rest_.remove_prefix(2);
        } else {
            // The braces of \p{N} count nothing.
            const bool braced = rest_.size() > 2 && rest_[2] == '{';
            take(braced ? std::min(rest_.find('}'), rest_.size() - 1) + 1 : 2);
        }
    }
    void insideClass() {
        if (rest_.starts_with("[:")) {  // [:alpha:], whose own brackets open and close nothing
            const std::size_t end = rest_.find(":]");
            if (end == std::string_view::npos) obstacle = "an unfinished [:class:]";
            return take(end == std::string_view::npos ? rest_.size() : end + 2);
        }
        if (rest_.starts_with("&&")) obstacle = "an intersection of classes";
        if (rest_.front() == '[') obstacle = "a class in a class";
        if (rest_.front() == ']') inClass_ = false;
        take(1);
    }
    void outsideClass() {
        if (rest_.front() == '[') {
            inClass_ = true;
            take(rest_.starts_with("[^") ? 2 : 1);
            if (rest_.starts_with("]")) take(1);  // first in a class it stands for itself
            return;
        }
        // In Oniguruma the + repeats the interval, in PCRE2 it makes it possessive.
        if (rest_.front() == '{' && rest_.size() > 1 && rest_[1] >= '0' && rest_[1] <= '9') {
            const std::size_t end = rest_.find('}');
            if (end != std::string_view::npos && rest_.substr(end).starts_with("}+"))
                obstacle = "an interval {n,m} that is repeated";
        }
        // There (?m) is what is (?s) here.
        if (rest_.starts_with("(?")) {
            const std::size_t end = rest_.find_first_not_of("imx-", 2);
            if (rest_.substr(0, end).find('m') != std::string_view::npos) obstacle = "the option (?m)";
        }
        take(1);
    }

    std::string_view rest_;
    bool inClass_ = false;
};

std::string messageOf(int error) {
    std::array<PCRE2_UCHAR, 200> text{};
    pcre2_get_error_message(error, text.data(), text.size());
    return {text.begin(), std::find(text.begin(), text.end(), PCRE2_UCHAR{0})};
}

pcre2_code* codeOf(const std::shared_ptr<void>& code) { return static_cast<pcre2_code*>(code.get()); }

}  // namespace

Expression::Expression(const std::string& pattern, bool literal, const JsonFields& where)
    : file_(where.file()) {
    const auto refuse = [&where](const std::string& why) {
        where.refuse("pattern", "is not a regular expression that can be read (" + why + ")", kRemedy);
    };
    if (pattern.empty()) refuse("it is empty");
    const Translation translation(literal ? std::string_view{} : pattern);
    if (translation.obstacle) refuse(std::string("it has ") + translation.obstacle);
    const std::string& text = literal ? pattern : translation.pattern;
    int error = 0;
    PCRE2_SIZE at = 0;
    // MULTILINE: ^ and $ are Ruby's, which see lines.
    const std::uint32_t options =
        PCRE2_UTF | (literal ? PCRE2_LITERAL : PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C);
    // PCRE2 counts in its own unsigned char; the bytes are the same.
    pcre2_code* code =
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), options, &error, &at, nullptr);
    if (!code) refuse(messageOf(error));
    code_ = std::shared_ptr<void>(code, [](void* c) { pcre2_code_free(static_cast<pcre2_code*>(c)); });
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // where it fails, matching interprets
}

Expression::Matches::Matches(const Expression& expression, std::string_view text)
    : expression_(expression),
      text_(text),
      state_(pcre2_match_data_create_from_pattern(codeOf(expression.code_), nullptr),
             [](void* state) { pcre2_match_data_free(static_cast<pcre2_match_data*>(state)); }) {}

std::optional<Expression::Match> Expression::Matches::next() {
    auto* state = static_cast<pcre2_match_data*>(state_.get());
    const auto find = [&](std::uint32_t options) {
        return pcre2_match(codeOf(expression_.code_), reinterpret_cast<PCRE2_SPTR>(text_.data()),
                           text_.size(), from_, PCRE2_NO_UTF_CHECK | options, state, nullptr);
    };
    while (from_ <= text_.size()) {
        int found = find(0);
        if (found == PCRE2_ERROR_JIT_STACKLIMIT) found = find(PCRE2_NO_JIT);
        if (found == PCRE2_ERROR_NOMATCH) return std::nullopt;
        if (found < 0)
            throw InputError(expression_.file_, "",
                             "has a regular expression that gives up on this text (" + messageOf(found) + ")",
                             kRemedy);
        const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(state);
        const Match match{ends[0], std::max(ends[0], ends[1])};  // \K may put the begin behind the end
        const bool empty = match.first == match.second;
        if (match.first < from_ || (empty && lastEnd_ == match.first)) {
            if (from_ == text_.size()) return std::nullopt;
            from_ += utf8At(text_, from_).length;
            continue;
        }
        lastEnd_ = from_ = match.second;
        return match;
    }
    return std::nullopt;
}

}  // namespace fluxscope
