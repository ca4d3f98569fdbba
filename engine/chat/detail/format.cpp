// "%5.1f" % x and "{:>8}".format(x), as Python formats them.
#include "engine/chat/detail/attributes.h"
#include "engine/chat/detail/operations.h"
#include "engine/chat/detail/python_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <vector>

namespace fluxscope::jinja {
namespace {

constexpr int kWidest = 4096;  // of one field

// How one value is to be laid out; of either language.
struct Layout {
    std::string fill = " ";
    char align = 0;  // < > ^ =, or none
    char sign = '-';
    bool alternate = false;
    char grouping = 0;  // , or _
    int width = 0;
    int precision = -1;
    char type = 0;
};

[[noreturn]] void notUnderstood(const std::string& what) {
    fail("the format '" + what + "' is not understood");
}

std::string grouped(const std::string& digits, char separator, std::size_t every) {
    std::string result;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i > 0 && (digits.size() - i) % every == 0) result += separator;
        result += digits[i];
    }
    return result;
}

std::string laidOut(const std::string& sign, const std::string& body, char usualAlign, const Layout& layout) {
    const std::int64_t missing = layout.width - codePointsIn(sign) - codePointsIn(body);
    if (missing <= 0) return sign + body;
    const auto filled = [&](std::int64_t count) {
        std::string text;
        for (; count > 0; --count) text += layout.fill;
        return text;
    };
    switch (layout.align != 0 ? layout.align : usualAlign) {
        case '<': return sign + body + filled(missing);
        case '^': return filled(missing / 2) + sign + body + filled(missing - missing / 2);
        case '=': return sign + filled(missing) + body;
        default: return filled(missing) + sign + body;
    }
}

std::string signOf(bool negative, char wanted) {
    if (negative) return "-";
    return wanted == '-' ? "" : std::string(1, wanted);
}

std::string wholeField(std::int64_t number, const Layout& layout) {
    const std::uint64_t size =
        number < 0 ? ~static_cast<std::uint64_t>(number) + 1 : static_cast<std::uint64_t>(number);
    const int base = layout.type == 'x' || layout.type == 'X' ? 16
                     : layout.type == 'o'                     ? 8
                     : layout.type == 'b'                     ? 2
                                                              : 10;
    const char* const letters = layout.type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    std::string digits;
    for (std::uint64_t rest = size; rest != 0 || digits.empty(); rest /= static_cast<unsigned>(base))
        digits.insert(digits.begin(), letters[rest % static_cast<unsigned>(base)]);
    if (static_cast<int>(digits.size()) < layout.precision)
        digits.insert(0, static_cast<std::size_t>(layout.precision) - digits.size(), '0');
    if (layout.grouping != 0) {
        if (layout.fill == "0" && layout.align == '=') notUnderstood("0,");
        digits = grouped(digits, layout.grouping, base == 10 ? 3 : 4);
    }
    std::string sign = signOf(number < 0, layout.sign);
    if (layout.alternate && base != 10) (sign += '0') += layout.type;
    return laidOut(sign, digits, '>', layout);
}

std::string floatField(double number, const Layout& layout) {
    const bool negative = std::signbit(number) && !std::isnan(number);
    const double size = std::abs(number);
    const bool percent = layout.type == '%';
    const char type = percent ? 'f' : layout.type;
    std::string body;
    if (type == 0) {
        if (layout.precision >= 0) notUnderstood("precision without a type");
        body = floatRepr(size);
    } else if (!std::isfinite(number)) {
        body = std::isnan(number) ? "nan" : "inf";
        if (type == 'F' || type == 'E' || type == 'G') body = toUpper(body);
    } else {
        if (layout.alternate) notUnderstood("#");
        const char lower = static_cast<char>(type | 0x20);
        const auto kind = lower == 'f'   ? std::chars_format::fixed
                          : lower == 'e' ? std::chars_format::scientific
                                         : std::chars_format::general;
        std::array<char, 512 + kWidest> buffer{};
        const auto written =
            std::to_chars(buffer.data(), buffer.data() + buffer.size(), percent ? size * 100 : size, kind,
                          layout.precision < 0 ? 6 : layout.precision);
        body = std::string(buffer.data(), written.ptr);
        if (lower != type) body = toUpper(body);
    }
    if (layout.grouping != 0) {
        const std::size_t point = std::min(body.find_first_of(".e"), body.size());
        body = grouped(body.substr(0, point), layout.grouping, 3) + body.substr(point);
    }
    return laidOut(signOf(negative, layout.sign), percent ? body + "%" : body, '>', layout);
}

std::string textField(std::string text, const Layout& layout) {
    if (layout.precision >= 0) {
        std::u32string points = toCodePoints(text);
        if (static_cast<int>(points.size()) > layout.precision) {
            points.resize(static_cast<std::size_t>(layout.precision));
            text = toUtf8(points);
        }
    }
    return laidOut("", text, '<', layout);
}

int boundedNumber(std::string_view form, std::size_t& place) {
    int number = 0;
    while (place < form.size() && form[place] >= '0' && form[place] <= '9') {
        number = number * 10 + (form[place++] - '0');
        if (number > kWidest) fail("a field of a format is wider than " + std::to_string(kWidest));
    }
    return number;
}

class PercentFormat {
public:
    PercentFormat(const Text& form, const Value& arguments, Runtime& runtime)
        : form_(form.bytes()), arguments_(arguments), runtime_(runtime) {}

    std::string run() {
        std::string result;
        while (place_ < form_.size()) {
            const std::size_t sign = std::min(form_.find('%', place_), form_.size());
            runtime_.output(result, form_.substr(place_, sign - place_));
            place_ = sign + 1;
            if (sign < form_.size()) runtime_.output(result, field());
        }
        const bool unused = arguments_.is(Kind::Tuple)
                                ? used_ < arguments_.items().size()
                                : used_ == 0 && !arguments_.is(Kind::Dict) && !arguments_.is(Kind::List);
        if (unused) fail("not all arguments converted during string formatting");
        return result;
    }

private:
    char now() const {
        if (place_ >= form_.size()) fail("incomplete format");
        return form_[place_];
    }

    Value next() {
        if (named_) return *named_;
        if (arguments_.is(Kind::Tuple)) {
            if (used_ >= arguments_.items().size()) fail("not enough arguments for format string");
            return arguments_.items()[used_++];
        }
        if (used_++ > 0) fail("not enough arguments for format string");
        return arguments_;
    }

    int sizeOrStar() {
        if (now() != '*') return boundedNumber(form_, place_);
        ++place_;
        const Value size = next();
        if (!size.is(Kind::Int) || size.asInt() < 0 || size.asInt() > kWidest) fail("* wants int");
        return static_cast<int>(size.asInt());
    }

    std::string field() {
        named_.reset();
        if (now() == '(') {
            if (!arguments_.is(Kind::Dict)) fail("format requires a mapping");
            const std::size_t end = form_.find(')', place_);
            if (end == std::string_view::npos) fail("incomplete format key");
            const std::string name(form_.substr(place_ + 1, end - place_ - 1));
            const Value* const found = arguments_.asDict().find(name);
            if (found == nullptr) fail("the format names '" + name + "', which is not there");
            named_ = *found;
            place_ = end + 1;
        }
        Layout layout;
        bool zero = false;
        for (; std::string_view("#0- +").find(now()) != std::string_view::npos; ++place_) {
            if (now() == '#') layout.alternate = true;
            if (now() == '0') zero = true;
            if (now() == '-') layout.align = '<';
            if (now() == '+' || (now() == ' ' && layout.sign == '-')) layout.sign = now();
        }
        layout.width = sizeOrStar();
        if (now() == '.') {
            ++place_;
            layout.precision = sizeOrStar();
        }
        if (now() == 'l' || now() == 'h' || now() == 'L') ++place_;
        return converted(layout, zero);
    }

    std::string converted(Layout layout, bool zero) {
        const char type = now();
        ++place_;
        if (type == '%') return "%";
        if (std::string_view("sracdiuxXoeEfFgG").find(type) == std::string_view::npos)
            fail("unsupported format character '" + std::string(1, type) + "'");
        const Value value = next();
        if (layout.align == 0) layout.align = '>';
        if (type == 's') return textField(textOf(value, runtime_), layout);
        if (type == 'r') return textField(reprOf(value, runtime_), layout);
        if (type == 'a' || type == 'c') notUnderstood(std::string("%") + type);
        requireDefined(value);
        if (!value.isNumber())
            fail(std::string("%") + type + " format: a number is required, not " + value.typeName());
        if (zero && layout.align != '<') {
            layout.fill = "0";
            layout.align = '=';
        }
        if (std::string_view("diuxXo").find(type) != std::string_view::npos) {
            const bool decimal = type == 'd' || type == 'i' || type == 'u';
            if (!decimal && value.is(Kind::Float))
                fail(std::string("%") + type + " format: an integer is required, not float");
            layout.type = decimal ? 'd' : type;
            return wholeField(value.is(Kind::Float) ? wholeNumber(value.asNumber()) : value.asInt(), layout);
        }
        layout.type = type;
        return floatField(value.asNumber(), layout);
    }

    std::string_view form_;
    const Value& arguments_;
    Runtime& runtime_;
    std::size_t place_ = 0;
    std::size_t used_ = 0;
    std::optional<Value> named_;
};

class BraceFormat {
public:
    BraceFormat(const Text& form, const Arguments& arguments, Runtime& runtime)
        : form_(form.bytes()), arguments_(arguments), runtime_(runtime) {}

    std::string run() {
        std::string result;
        for (std::size_t place = 0; place < form_.size();) {
            const char c = form_[place];
            if (c != '{' && c != '}') {
                const std::size_t end = std::min(form_.find_first_of("{}", place), form_.size());
                runtime_.output(result, form_.substr(place, end - place));
                place = end;
            } else if (place + 1 < form_.size() && form_[place + 1] == c) {
                result += c;
                place += 2;
            } else if (c == '}') {
                fail("Single '}' encountered in format string");
            } else {
                const std::size_t end = form_.find('}', place);
                if (end == std::string_view::npos) fail("Single '{' encountered in format string");
                const std::string_view field = form_.substr(place + 1, end - place - 1);
                if (field.find('{') != std::string_view::npos) notUnderstood(std::string(field));
                runtime_.output(result, formatted(field));
                place = end + 1;
            }
        }
        return result;
    }

private:
    std::string formatted(std::string_view field) {
        const std::size_t colon = std::min(field.find(':'), field.size());
        std::string_view name = field.substr(0, colon);
        const std::string_view spec = colon < field.size() ? field.substr(colon + 1) : std::string_view();
        char conversion = 0;
        if (const std::size_t mark = name.find('!'); mark != std::string_view::npos) {
            if (mark + 2 != name.size() || (name[mark + 1] != 's' && name[mark + 1] != 'r'))
                notUnderstood(std::string(field));
            conversion = name[mark + 1];
            name = name.substr(0, mark);
        }
        Value value = named(name);
        if (conversion != 0)
            value = Text(conversion == 's' ? textOf(value, runtime_) : reprOf(value, runtime_));
        if (spec.empty()) return textOf(value, runtime_);
        return laid(value, layoutOf(spec), std::string(spec));
    }

    Value named(std::string_view path) {
        std::size_t end = std::min(path.find_first_of(".["), path.size());
        Value value = argument(std::string(path.substr(0, end)));
        while (end < path.size()) {
            const std::size_t begin = end + 1;
            if (path[end] == '.') {
                end = std::min(path.find_first_of(".[", begin), path.size());
                value = attributeOf(value, std::string(path.substr(begin, end - begin)), runtime_);
            } else {
                const std::size_t close = path.find(']', begin);
                if (path[end] != '[' || close == std::string_view::npos) fail("Missing ']' in format string");
                value = itemOf(value, keyOf(path.substr(begin, close - begin)), runtime_);
                end = close + 1;
            }
        }
        return value;
    }

    static Value keyOf(std::string_view text) {
        std::size_t place = 0;
        const int number = boundedNumber(text, place);
        return !text.empty() && place == text.size() ? Value(number) : Value(Text(std::string(text)));
    }

    Value argument(const std::string& name) {
        const Value key = keyOf(name);
        if (key.is(Kind::Text) && !name.empty()) {
            for (const auto& [given, value] : arguments_.named)
                if (given == name) return value;
            fail("the format names '" + name + "', which is not given");
        }
        if (numbered_ && *numbered_ != name.empty())
            fail("cannot switch between automatic and manual field numbering");
        numbered_ = name.empty();
        const std::size_t place = name.empty() ? next_++ : static_cast<std::size_t>(key.asInt());
        if (place >= arguments_.positional.size())
            fail("Replacement index out of range for positional args tuple");
        return arguments_.positional[place];
    }

    static Layout layoutOf(std::string_view spec) {
        Layout layout;
        const std::u32string points = toCodePoints(spec);
        const auto isAlign = [](char32_t c) { return c == '<' || c == '>' || c == '^' || c == '='; };
        std::size_t place = 0;
        if (points.size() > 1 && isAlign(points[1])) {
            layout.fill = toUtf8(points.substr(0, 1));
            layout.align = static_cast<char>(points[1]);
            place = layout.fill.size() + 1;
        } else if (isAlign(points[0])) {
            layout.align = static_cast<char>(points[0]);
            place = 1;
        }
        const auto at = [&](std::string_view set) {
            return place < spec.size() && set.find(spec[place]) != std::string_view::npos;
        };
        if (at("+- ")) layout.sign = spec[place++];
        if (at("#")) layout.alternate = ++place > 0;
        if (at("0")) {
            ++place;
            if (layout.align == 0) {
                layout.fill = "0";
                layout.align = '=';
            }
        }
        layout.width = boundedNumber(spec, place);
        if (at(",_")) layout.grouping = spec[place++];
        if (at(".")) {
            ++place;
            if (!at("0123456789")) fail("Format specifier missing precision");
            layout.precision = boundedNumber(spec, place);
        }
        if (at("sdxXobeEfFgG%")) layout.type = spec[place++];
        if (place != spec.size()) notUnderstood(std::string(spec));
        return layout;
    }

    std::string laid(const Value& value, const Layout& layout, const std::string& spec) {
        const std::string_view wholeTypes = "dxXob";
        if (value.is(Kind::Text)) {
            if ((layout.type != 0 && layout.type != 's') || layout.align == '=' || layout.sign != '-' ||
                layout.grouping != 0)
                fail("the format '" + spec + "' is not one for a str");
            return textField(value.asText().bytes(), layout);
        }
        const bool wholeType = layout.type != 0 && wholeTypes.find(layout.type) != std::string_view::npos;
        if (value.isWhole() && (wholeType || (layout.type == 0 && value.is(Kind::Int)))) {
            if (layout.precision >= 0) fail("Precision not allowed in integer format specifier");
            return wholeField(value.asInt(), layout);
        }
        if (value.isNumber() && !wholeType && layout.type != 's' &&
            (layout.type != 0 || value.is(Kind::Float)))
            return floatField(value.asNumber(), layout);
        if (value.isNumber()) notUnderstood(spec);
        fail("unsupported format string passed to " + value.typeName());
    }

    std::string_view form_;
    const Arguments& arguments_;
    Runtime& runtime_;
    std::size_t next_ = 0;
    std::optional<bool> numbered_;  // by itself, rather than by hand
};

}  // namespace

Value percentFormat(const Text& form, const Value& arguments, Runtime& runtime) {
    if (form.markup()) notUnderstood("% of a text marked safe");
    return Text(PercentFormat(form, arguments, runtime).run());
}

Value braceFormat(const Text& form, const Arguments& arguments, Runtime& runtime) {
    if (form.markup()) notUnderstood("format of a text marked safe");
    return Text(BraceFormat(form, arguments, runtime).run());
}

}  // namespace fluxscope::jinja
