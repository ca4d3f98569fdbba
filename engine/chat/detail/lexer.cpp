#include "engine/chat/detail/lexer.h"

#include "engine/chat/detail/python_text.h"
#include "engine/tokenizer/utf8.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace fluxscope::jinja {
namespace {

constexpr std::size_t kNowhere = std::string_view::npos;

// One kind of newline, and none at the end.
std::string normalized(std::string_view text) {
    std::string lines;
    lines.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\r') {
            lines += '\n';
            if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
        } else {
            lines += text[i];
        }
    }
    if (!lines.empty() && lines.back() == '\n') lines.pop_back();
    return lines;
}

bool isOneOf(char c, std::string_view set) { return set.find(c) != kNowhere; }
bool isDigitOf(char c, int base) {
    const int value = c >= '0' && c <= '9'                               ? c - '0'
                      : std::isalpha(static_cast<unsigned char>(c)) != 0 ? (c | 0x20) - 'a' + 10
                                                                         : 99;
    return value < base;
}

class Lexer {
public:
    explicit Lexer(std::string_view text) : source_(normalized(text)), text_(source_) {}

    std::vector<Token> run() {
        while (place_ < text_.size()) data();
        push(TokenKind::End, "");
        return std::move(tokens_);
    }

private:
    [[noreturn]] void refuse(const std::string& problem) const {
        throw TemplateError{.line = line_, .problem = problem};
    }

    bool at(std::string_view wanted) const { return text_.substr(place_).starts_with(wanted); }
    void advanceTo(std::size_t place) {
        line_ += static_cast<int>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(place_),
                                             text_.begin() + static_cast<std::ptrdiff_t>(place), '\n'));
        lineStarting_ = place > 0 && text_[place - 1] == '\n';
        place_ = place;
    }
    std::size_t afterSpace(std::size_t place) const {
        return text_.size() - stripped(text_.substr(place), {.right = false}).size();
    }
    void push(TokenKind kind, std::string text) {
        tokens_.push_back({.kind = kind, .line = line_, .text = std::move(text)});
    }

    // Text up to the next tag, and that tag.
    void data() {
        std::size_t open = place_;
        for (; open != kNowhere; ++open) {
            open = text_.find('{', open);
            if (open == kNowhere || (open + 1 < text_.size() && isOneOf(text_[open + 1], "%{#"))) break;
        }
        if (open == kNowhere) {
            push(TokenKind::Data, std::string(text_.substr(place_)));
            advanceTo(text_.size());
            return;
        }
        const char kind = text_[open + 1];
        const char sign = open + 2 < text_.size() && isOneOf(text_[open + 2], "-+") ? text_[open + 2] : ' ';
        pushData(open, sign, kind != '{');
        const std::size_t inside = open + (sign == ' ' ? 2 : 3);
        advanceTo(inside);
        if (kind == '#')
            comment();
        else if (kind == '{')
            tag(TokenKind::VariableBegin, TokenKind::VariableEnd, "}}");
        else if (const std::size_t body = endOfRawTag(inside); body != kNowhere)
            raw(body);
        else
            tag(TokenKind::BlockBegin, TokenKind::BlockEnd, "%}");
    }

    // The data before a tag that begins at `end`.
    void pushData(std::size_t end, char sign, bool mayStripLine) {
        std::string_view data = text_.substr(place_, end - place_);
        if (sign == '-') {
            data = stripped(data, {.left = false});
        } else if (sign != '+' && mayStripLine) {
            const std::size_t newline = data.rfind('\n');
            const std::size_t line = newline == kNowhere ? 0 : newline + 1;
            const std::string_view blanks = data.substr(line);
            if ((line > 0 || lineStarting_) && !blanks.empty() && stripped(blanks, {}).empty())
                data = data.substr(0, line);
        }
        if (!data.empty()) push(TokenKind::Data, std::string(data));
    }

    void comment() {
        const std::size_t end = text_.find("#}", place_);
        if (end == kNowhere) refuse("a comment has no end");
        const char sign = end > place_ ? text_[end - 1] : ' ';
        closeTag(end + 2, sign);
    }

    // Behind a tag's end: -%} strips, otherwise one newline goes unless +%} keeps it.
    void closeTag(std::size_t place, char sign) {
        if (sign == '-')
            place = afterSpace(place);
        else if (sign != '+' && place < text_.size() && text_[place] == '\n')
            ++place;
        advanceTo(place);
    }

    // Where the text of a raw block begins when the tag that opens here is {% raw %}.
    std::size_t endOfRawTag(std::size_t place) const {
        place = afterSpace(place);
        if (!text_.substr(place).starts_with("raw")) return kNowhere;
        place = afterSpace(place + 3);
        if (text_.substr(place).starts_with("-%}")) return afterSpace(place + 3);
        return text_.substr(place).starts_with("%}") ? place + 2 : kNowhere;
    }

    void raw(std::size_t body) {
        advanceTo(body);
        for (std::size_t open = text_.find("{%", place_); open != kNowhere;
             open = text_.find("{%", open + 1)) {
            std::size_t place = open + 2;
            const char sign = place < text_.size() && isOneOf(text_[place], "-+") ? text_[place++] : ' ';
            place = afterSpace(place);
            if (!text_.substr(place).starts_with("endraw")) continue;
            place = afterSpace(place + 6);
            const char endSign = place < text_.size() && isOneOf(text_[place], "-+") ? text_[place++] : ' ';
            if (!text_.substr(place).starts_with("%}")) continue;
            pushData(open, sign, true);
            closeTag(place + 2, endSign);
            return;
        }
        refuse("a raw block has no end");
    }

    void tag(TokenKind begin, TokenKind end, std::string_view closing) {
        push(begin, "");
        std::string open;  // brackets: inside them no tag ends
        while (true) {
            advanceTo(afterSpace(place_));
            if (place_ == text_.size()) refuse("a tag has no end");
            if (open.empty()) {
                const char sign =
                    isOneOf(text_[place_], end == TokenKind::BlockEnd ? "-+" : "-") ? text_[place_] : ' ';
                const std::size_t close = place_ + (sign == ' ' ? 0 : 1);
                if (text_.substr(close).starts_with(closing)) {
                    push(end, "");
                    closeTag(close + 2, end == TokenKind::VariableEnd && sign == ' ' ? '+' : sign);
                    return;
                }
            }
            token(open);
        }
    }

    void token(std::string& open) {
        const char c = text_[place_];
        if (std::isdigit(static_cast<unsigned char>(c)) != 0) return number();
        if (c == '\'' || c == '"') return quoted(c);
        std::size_t end = place_;
        while (end < text_.size()) {
            const Utf8Char wide = utf8At(text_, end);
            if (!wide.wellFormed || !isWordCharacter(wide.codePoint)) break;
            end += wide.length;
        }
        if (end > place_) {
            push(TokenKind::Name, std::string(text_.substr(place_, end - place_)));
            return advanceTo(end);
        }
        operatorSign(open);
    }

    void operatorSign(std::string& open) {
        static constexpr std::array<std::string_view, 6> kTwo = {"//", "**", "==", "!=", ">=", "<="};
        const auto two =
            std::find_if(kTwo.begin(), kTwo.end(), [this](std::string_view sign) { return at(sign); });
        const std::string sign(text_.substr(place_, two == kTwo.end() ? 1 : 2));
        if (sign.size() == 1 && !isOneOf(sign[0], "+-/*%~[](){}><=.:|,;"))
            refuse("unexpected character " + textRepr(text_.substr(place_, utf8At(text_, place_).length)));
        if (isOneOf(sign[0], "([{")) open += sign[0] == '(' ? ')' : sign[0] == '[' ? ']' : '}';
        if (isOneOf(sign[0], ")]}")) {
            if (open.empty()) refuse("unexpected '" + sign + "'");
            if (open.back() != sign[0]) refuse("unexpected '" + sign + "', expected '" + open.back() + "'");
            open.pop_back();
        }
        push(TokenKind::Operator, sign);
        advanceTo(place_ + sign.size());
    }

    // The end of digits with single underscores between them.
    std::size_t endOfDigits(std::size_t place, int base) const {
        while (place < text_.size()) {
            if (isDigitOf(text_[place], base))
                ++place;
            else if (text_[place] == '_' && place + 1 < text_.size() && isDigitOf(text_[place + 1], base))
                ++place;
            else
                break;
        }
        return place;
    }

    void number() {
        const std::size_t whole = endOfDigits(place_, 10);
        const bool afterDot = place_ > 0 && text_[place_ - 1] == '.';
        std::size_t end = whole;
        if (!afterDot && end + 1 < text_.size() && text_[end] == '.' && isDigitOf(text_[end + 1], 10))
            end = endOfDigits(end + 1, 10);
        if (!afterDot && end < text_.size() && (text_[end] | 0x20) == 'e') {
            std::size_t exponent = end + 1;
            if (exponent < text_.size() && isOneOf(text_[exponent], "+-")) ++exponent;
            if (exponent < text_.size() && isDigitOf(text_[exponent], 10)) end = endOfDigits(exponent, 10);
        }
        if (end != whole) return floatNumber(end);
        integerNumber(whole);
    }

    std::string withoutUnderscores(std::size_t from, std::size_t end) const {
        std::string digits(text_.substr(from, end - from));
        std::erase(digits, '_');
        return digits;
    }

    void floatNumber(std::size_t end) {
        const std::string digits = withoutUnderscores(place_, end);
        Token token{.kind = TokenKind::Float, .line = line_};
        const auto [last, problem] =
            std::from_chars(digits.data(), digits.data() + digits.size(), token.number);
        if (problem != std::errc()) refuse("the number " + digits.substr(0, 40) + " is out of range");
        tokens_.push_back(std::move(token));
        advanceTo(end);
    }

    void integerNumber(std::size_t end) {
        int base = 10;
        std::size_t begin = place_;
        if (text_[place_] == '0') {
            const char mark = place_ + 1 < text_.size() ? static_cast<char>(text_[place_ + 1] | 0x20) : ' ';
            const int other = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 10;
            std::size_t digits = place_ + 2;
            if (other != 10 && digits < text_.size() && text_[digits] == '_') ++digits;
            if (other != 10 && digits < text_.size() && isDigitOf(text_[digits], other)) {
                base = other;
                begin = digits;
                end = endOfDigits(digits, other);
            } else {  // a zero with more digits behind it is two numbers, which no rule takes
                end = place_ + 1;
                while (end < text_.size() &&
                       (text_[end] == '0' ||
                        (text_[end] == '_' && end + 1 < text_.size() && text_[end + 1] == '0')))
                    ++end;
            }
        }
        const std::string digits = withoutUnderscores(begin, end);
        Token token{.kind = TokenKind::Integer, .line = line_};
        const auto [last, problem] =
            std::from_chars(digits.data(), digits.data() + digits.size(), token.integer, base);
        if (problem != std::errc()) refuse("the whole number " + digits.substr(0, 40) + " is beyond 64 bits");
        tokens_.push_back(std::move(token));
        advanceTo(end);
    }

    void quoted(char quote) {
        std::size_t end = place_ + 1;
        while (end < text_.size() && text_[end] != quote) end += text_[end] == '\\' ? 2 : 1;
        if (end >= text_.size()) refuse("a text has no closing quote");
        std::string value;
        for (std::size_t i = place_ + 1; i < end;) {
            if (text_[i] == '\\')
                i = escape(i + 1, value);
            else
                value += text_[i++];
        }
        push(TokenKind::Text, std::move(value));
        advanceTo(end + 1);
    }

    // What a backslash before `place` makes; returns where the text goes on.
    std::size_t escape(std::size_t place, std::string& value) const {
        static constexpr std::string_view kFrom = "\\'\"abfnrtv";
        static constexpr std::string_view kTo = "\\'\"\a\b\f\n\r\t\v";
        const char c = text_[place];
        if (c == '\n') return place + 1;
        if (const std::size_t simple = kFrom.find(c); simple != kNowhere) {
            value += kTo[simple];
            return place + 1;
        }
        if (isDigitOf(c, 8)) return numericEscape(place, 1, 3, 8, value);
        if (c == 'x') return numericEscape(place + 1, 2, 2, 16, value);
        if (c == 'u') return numericEscape(place + 1, 4, 4, 16, value);
        if (c == 'U') return numericEscape(place + 1, 8, 8, 16, value);
        if (c == 'N') refuse("characters by name (\\N{...}) are not understood");
        value += '\\';
        return place;
    }

    std::size_t numericEscape(std::size_t place, std::size_t least, std::size_t most, int base,
                              std::string& value) const {
        char32_t c = 0;
        std::size_t digits = 0;
        for (; digits < most && place + digits < text_.size() && isDigitOf(text_[place + digits], base);
             ++digits) {
            const char digit = text_[place + digits];
            c = c * static_cast<char32_t>(base) +
                static_cast<char32_t>(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
        }
        if (digits < least) refuse("a text has an escape that is cut off");
        if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) refuse("a text has an escape that is no character");
        appendCodePoint(value, c);
        return place + digits;
    }

    std::string source_;
    std::string_view text_;
    std::size_t place_ = 0;
    int line_ = 1;
    bool lineStarting_ = true;
    std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenized(std::string_view text) {
    if (!isUtf8(text)) throw TemplateError{.line = 1, .problem = "is not UTF-8"};
    return Lexer(text).run();
}

}  // namespace fluxscope::jinja
