// Filters over texts and numbers, and tojson.
#include "engine/chat/detail/binding.h"
#include "engine/chat/detail/filters.h"
#include "engine/chat/detail/json_text.h"
#include "engine/chat/detail/operations.h"
#include "engine/chat/detail/python_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace fluxscope::jinja {
namespace {

// Jinja2's soft_str: a text stays what it is.
Text softText(const Value& value, Runtime& runtime) {
    if (value.is(Kind::Text)) return value.asText();
    std::string text = textOf(value, runtime);
    runtime.bytes(text.size());
    return Text(std::move(text));
}

template <std::string (*Change)(std::string_view)>
Value changed(Runtime& runtime, const Value& value, const Arguments& arguments) {
    requirePositional(arguments, "the filter", 0, 0);
    const Text text = softText(value, runtime);
    runtime.bytes(4 * text.bytes().size());
    return Text(Change(text.bytes()), text.markup());
}

// Words begin behind blanks, - and opening brackets.
std::string titled(std::string_view text) {
    const auto separates = [](char32_t c) {
        return isSpace(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
    };
    const std::u32string points = toCodePoints(text);
    std::string result;
    for (std::size_t i = 0; i < points.size();) {
        std::size_t end = i;
        while (end < points.size() && separates(points[end]) == separates(points[i])) ++end;
        result += toUpper(toUtf8(points.substr(i, 1))) + toLower(toUtf8(points.substr(i + 1, end - i - 1)));
        i = end;
    }
    return result;
}

Value trim(Runtime& runtime, const Value& value, const Arguments& arguments) {
    const Bound bound(arguments, "trim", {"chars"}, 0);
    const Text text = softText(value, runtime);
    std::optional<std::string_view> characters;
    if (bound.has(0) && !bound.at(0).is(Kind::None)) characters = bound.text(0).bytes();
    return runtime.text(std::string(stripped(text.bytes(), {}, characters)), text.markup());
}

Value string(Runtime& runtime, const Value& value, const Arguments& arguments) {
    requirePositional(arguments, "string", 0, 0);
    return softText(value, runtime);
}

Value escape(Runtime& runtime, const Value& value, const Arguments& arguments) {
    requirePositional(arguments, "escape", 0, 0);
    if (value.is(Kind::Text) && value.asText().markup()) return value;
    const std::string text = textOf(value, runtime);
    return runtime.text(htmlEscaped(text), true);
}

Value forceEscape(Runtime& runtime, const Value& value, const Arguments& arguments) {
    requirePositional(arguments, "forceescape", 0, 0);
    return runtime.text(htmlEscaped(textOf(value, runtime)), true);
}

Value safe(Runtime& runtime, const Value& value, const Arguments& arguments) {
    requirePositional(arguments, "safe", 0, 0);
    return runtime.text(textOf(value, runtime), true);
}

Value replace(Runtime& runtime, const Value& value, const Arguments& arguments) {
    const Bound bound(arguments, "replace", {"old", "new", "count"}, 2);
    const std::string text = textOf(value, runtime);
    const std::string from = textOf(bound.at(0), runtime);
    const std::string to = textOf(bound.at(1), runtime);
    const std::int64_t atMost = bound.has(2) && !bound.at(2).is(Kind::None) ? bound.integer(2, -1) : -1;
    const std::int64_t found = countIn(text, from);
    runtime.bytes(text.size() +
                  static_cast<std::size_t>(atMost < 0 ? found : std::min(found, atMost)) * to.size());
    return Text(replacedIn(text, from, to, atMost));
}

Value indent(Runtime& runtime, const Value& value, const Arguments& arguments) {
    const Bound bound(arguments, "indent", {"width", "first", "blank"}, 0);
    requireDefined(value);
    if (!value.is(Kind::Text)) fail("indent wants a text, not '" + value.typeName() + "'");
    const bool blank = bound.flag(2, false, runtime);
    std::string margin;
    if (bound.has(0) && bound.at(0).is(Kind::Text))
        margin = bound.at(0).asText().bytes();
    else
        margin = multiply(Text(" "), Value(bound.integer(0, 4)), runtime).asText().bytes();
    const std::string text = value.asText().bytes() + "\n";
    std::string result = bound.flag(1, false, runtime) ? margin : "";
    bool begun = false;
    for (const std::string_view line : splitLines(text, false)) {
        if (begun) {
            runtime.output(result, "\n");
            if (blank || !line.empty()) runtime.output(result, margin);
        }
        runtime.output(result, line);
        begun = true;
    }
    return Text(std::move(result), value.asText().markup());
}

Value center(Runtime& runtime, const Value& value, const Arguments& arguments) {
    const Bound bound(arguments, "center", {"width"}, 0);
    const Text text = softText(value, runtime);
    const std::int64_t width = bound.integer(0, 80);
    const std::int64_t missing = width - text.length();
    if (missing <= 0) return text;
    const std::int64_t left = missing / 2 + (missing & width & 1);
    const Value before = multiply(Text(" "), Value(left), runtime);
    const Value after = multiply(Text(" "), Value(missing - left), runtime);
    return runtime.text(before.asText().bytes() + text.bytes() + after.asText().bytes(), text.markup());
}

Value wordcount(Runtime& runtime, const Value& value, const Arguments& arguments) {
    requirePositional(arguments, "wordcount", 0, 0);
    std::int64_t words = 0;
    bool inWord = false;
    for (const char32_t c : toCodePoints(softText(value, runtime).bytes())) {
        const bool isPart = isWordCharacter(c);
        words += isPart && !inWord ? 1 : 0;
        inWord = isPart;
    }
    return words;
}

Value format(Runtime& runtime, const Value& value, const Arguments& arguments) {
    const Text form = softText(value, runtime);
    if (arguments.named.empty()) return percentFormat(form, Value::tuple(arguments.positional), runtime);
    if (!arguments.positional.empty()) fail("can't handle positional and keyword arguments at the same time");
    const auto dict = std::make_shared<Dict>();
    for (const auto& [name, argument] : arguments.named) dict->set(Text(name), argument);
    return percentFormat(form, Value(std::shared_ptr<const Dict>(dict)), runtime);
}

// Python's int(text, base) and float(text): blanks around, single underscores inside.
std::optional<std::string> digitsOf(std::string_view text) {
    std::string digits;
    text = stripped(text, {});
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '_') {
            digits += text[i];
            continue;
        }
        const auto isDigit = [&](std::size_t place) {
            return place < text.size() && std::isalnum(static_cast<unsigned char>(text[place])) != 0;
        };
        if (i == 0 || !isDigit(i - 1) || !isDigit(i + 1)) return std::nullopt;
    }
    if (digits.empty()) return std::nullopt;
    return digits;
}

std::optional<std::int64_t> wholeOf(std::string_view text, std::int64_t base) {
    std::optional<std::string> digits = digitsOf(text);
    if (!digits) return std::nullopt;
    std::string_view rest = *digits;
    const bool negative = rest[0] == '-';
    if (rest[0] == '-' || rest[0] == '+') rest.remove_prefix(1);
    if (rest.size() > 2 && rest[0] == '0') {
        const char mark = static_cast<char>(rest[1] | 0x20);
        const std::int64_t marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
        if (marked != 0 && (base == 0 || base == marked)) {
            base = marked;
            rest.remove_prefix(2);
        }
    }
    if (base == 0) {
        if (rest.size() > 1 && rest[0] == '0' && rest.find_first_not_of('0') != std::string_view::npos)
            return std::nullopt;
        base = 10;
    }
    std::uint64_t size = 0;
    const auto [end, problem] =
        std::from_chars(rest.data(), rest.data() + rest.size(), size, static_cast<int>(base));
    if (rest.empty() || end != rest.data() + rest.size()) return std::nullopt;
    if (problem != std::errc() || size > static_cast<std::uint64_t>(INT64_MAX))
        throw TemplateError{
            .problem = "computes a whole number beyond 64 bits", .overLimit = true, .limit = "integers"};
    return negative ? -static_cast<std::int64_t>(size) : static_cast<std::int64_t>(size);
}

std::optional<double> floatOf(std::string_view text) {
    std::optional<std::string> digits = digitsOf(text);
    if (!digits) return std::nullopt;
    std::string_view rest = *digits;
    const bool negative = rest[0] == '-';
    if (rest[0] == '-' || rest[0] == '+') rest.remove_prefix(1);
    const std::string word = toLower(rest);
    if (word == "inf" || word == "infinity") return negative ? -HUGE_VAL : HUGE_VAL;
    if (word == "nan") return std::nan("");
    if (rest.empty() || std::isalpha(static_cast<unsigned char>(rest[0])) != 0 || rest[0] == '-')
        return std::nullopt;
    double number = 0;
    const auto [end, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (end != rest.data() + rest.size()) return std::nullopt;
    if (problem == std::errc::result_out_of_range) number = std::strtod(std::string(rest).c_str(), nullptr);
    return negative ? -number : number;
}

Value toInt(Runtime& /*runtime*/, const Value& value, const Arguments& arguments) {
    const Bound bound(arguments, "int", {"default", "base"}, 0);
    requireDefined(value);
    if (value.isWhole()) return value.asInt();
    if (value.is(Kind::Float) && !std::isnan(value.asNumber())) return wholeNumber(value.asNumber());
    if (value.is(Kind::Text)) {
        const std::int64_t base = bound.integer(1, 10);
        if (base == 0 || (base >= 2 && base <= 36))
            if (const std::optional<std::int64_t> whole = wholeOf(value.asText().bytes(), base))
                return *whole;
        const std::optional<double> number = floatOf(value.asText().bytes());
        if (number && std::isfinite(*number)) return wholeNumber(*number);
    }
    return bound.get(0, Value(0));
}

Value toFloat(Runtime& /*runtime*/, const Value& value, const Arguments& arguments) {
    const Bound bound(arguments, "float", {"default"}, 0);
    requireDefined(value);
    if (value.isNumber()) return value.asNumber();
    if (value.is(Kind::Text))
        if (const std::optional<double> number = floatOf(value.asText().bytes())) return *number;
    return bound.get(0, Value(0.0));
}

Value absolute(Runtime& /*runtime*/, const Value& value, const Arguments& arguments) {
    requirePositional(arguments, "abs", 0, 0);
    if (!value.isNumber()) fail("bad operand type for abs(): '" + value.typeName() + "'");
    if (value.is(Kind::Float)) return std::abs(value.asNumber());
    return value.asInt() < 0 ? negate(value) : plus(value);
}

// To so many decimals, halves of the exact binary value to even, as Python's round does.
double rounded(double number, std::int64_t decimals) {
    std::array<char, 512> digits{};
    std::snprintf(digits.data(), digits.size(), "%.*f", static_cast<int>(decimals), number);
    return std::strtod(digits.data(), nullptr);
}

Value round(Runtime& /*runtime*/, const Value& value, const Arguments& arguments) {
    const Bound bound(arguments, "round", {"precision", "method"}, 0);
    const std::string method = bound.has(1) ? bound.text(1).bytes() : "common";
    if (method != "common" && method != "ceil" && method != "floor")
        fail("method must be common, ceil or floor");
    const std::int64_t precision = bound.integer(0, 0);
    requireDefined(value);
    if (!value.isNumber()) fail("type " + value.typeName() + " doesn't define __round__ method");
    if (precision < 0 || precision > 100) fail("round understands 0 to 100 decimals");
    if (method == "common") {
        if (value.isWhole()) return value.asInt();
        if (!std::isfinite(value.asNumber())) return value;
        return rounded(value.asNumber(), precision);
    }
    const double scale = std::pow(10.0, static_cast<double>(precision));
    const double scaled = value.asNumber() * scale;
    (void)wholeNumber(scaled);
    return (method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale;
}

Value tojson(Runtime& runtime, const Value& value, const Arguments& arguments) {
    const Bound bound(arguments, "tojson", {"ensure_ascii", "indent", "separators", "sort_keys"}, 0);
    JsonStyle style{.ensureAscii = bound.flag(0, false, runtime), .sortKeys = bound.flag(3, false, runtime)};
    if (bound.has(1) && !bound.at(1).is(Kind::None)) {
        style.indent = bound.at(1).is(Kind::Text)
                           ? bound.at(1).asText().bytes()
                           : multiply(Text(" "), Value(bound.integer(1, 0)), runtime).asText().bytes();
        style.itemSeparator = ",";
    }
    if (bound.has(2) && !bound.at(2).is(Kind::None)) {
        const std::vector<Value> pair = collected(bound.at(2), runtime);
        if (pair.size() != 2 || !pair[0].is(Kind::Text) || !pair[1].is(Kind::Text))
            fail("separators want two texts");
        style.itemSeparator = pair[0].asText().bytes();
        style.keySeparator = pair[1].asText().bytes();
    }
    return Text(jsonOf(value, style, runtime));
}

const FilterTable kFilters = {
    {"abs", absolute},
    {"capitalize", changed<toCapitalized>},
    {"center", center},
    {"e", escape},
    {"escape", escape},
    {"float", toFloat},
    {"forceescape", forceEscape},
    {"format", format},
    {"indent", indent},
    {"int", toInt},
    {"lower", changed<toLower>},
    {"replace", replace},
    {"round", round},
    {"safe", safe},
    {"string", string},
    {"title", changed<titled>},
    {"tojson", tojson},
    {"trim", trim},
    {"upper", changed<toUpper>},
    {"wordcount", wordcount},
};

}  // namespace

const FilterTable& textFilters() { return kFilters; }

}  // namespace fluxscope::jinja
