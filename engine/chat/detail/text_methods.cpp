// The methods of Python's str.
#include "engine/chat/detail/attributes.h"
#include "engine/chat/detail/binding.h"
#include "engine/chat/detail/operations.h"
#include "engine/chat/detail/python_text.h"

#include <algorithm>
#include <map>

namespace fluxscope::jinja {
namespace {

constexpr std::size_t kNowhere = std::string_view::npos;

const std::string& bytesOf(const Value& self) { return self.asText().bytes(); }

Value made(Runtime& runtime, const Value& self, std::string text) {
    return runtime.text(std::move(text), self.asText().markup());
}

template <std::string (*Change)(std::string_view)>
Value changed(Runtime& runtime, const Value& self, const Arguments& arguments) {
    requirePositional(arguments, "the method", 0, 0);
    runtime.bytes(4 * bytesOf(self).size());
    return made(runtime, self, Change(bytesOf(self)));
}

template <Ends Which>
Value strip(Runtime& runtime, const Value& self, const Arguments& arguments) {
    requirePositional(arguments, "strip", 0, 1);
    std::optional<std::string_view> characters;
    if (!arguments.positional.empty() && !arguments.positional[0].is(Kind::None)) {
        requireDefined(arguments.positional[0]);
        if (!arguments.positional[0].is(Kind::Text)) fail("strip arg must be None or str");
        characters = arguments.positional[0].asText().bytes();
        runtime.step(static_cast<std::int64_t>(bytesOf(self).size() * (1 + characters->size() / 64) / 16));
    }
    return made(runtime, self, std::string(stripped(bytesOf(self), Which, characters)));
}

Value listOf(Runtime& runtime, const Value& self, const std::vector<std::string_view>& parts) {
    runtime.bytes(parts.size() * sizeof(Value));
    std::vector<Value> items;
    for (const std::string_view part : parts) items.push_back(made(runtime, self, std::string(part)));
    return Value::list(std::move(items));
}

template <bool FromRight>
Value split(Runtime& runtime, const Value& self, const Arguments& arguments) {
    const Bound bound(arguments, "split", {"sep", "maxsplit"}, 0);
    const std::int64_t atMost = std::max(bound.integer(1, kNoLimit), kNoLimit);
    runtime.bytes(bytesOf(self).size());
    if (!bound.has(0) || bound.at(0).is(Kind::None))
        return listOf(
            runtime, self,
            FromRight ? splitAtSpaceFromRight(bytesOf(self), atMost) : splitAtSpace(bytesOf(self), atMost));
    const std::string& separator = bound.text(0).bytes();
    if (separator.empty()) fail("empty separator");
    return listOf(runtime, self,
                  FromRight ? splitAtFromRight(bytesOf(self), separator, atMost)
                            : splitAt(bytesOf(self), separator, atMost));
}

Value splitlines(Runtime& runtime, const Value& self, const Arguments& arguments) {
    const Bound bound(arguments, "splitlines", {"keepends"}, 0);
    return listOf(runtime, self, splitLines(bytesOf(self), bound.flag(0, false, runtime)));
}

template <bool FromRight>
Value partition(Runtime& runtime, const Value& self, const Arguments& arguments) {
    requirePositional(arguments, "partition", 1, 1);
    const std::string separator = Bound(arguments, "partition", {"sep"}, 1).text(0).bytes();
    if (separator.empty()) fail("empty separator");
    const auto parts =
        FromRight ? splitAtFromRight(bytesOf(self), separator, 1) : splitAt(bytesOf(self), separator, 1);
    const auto text = [&](std::string_view part) { return made(runtime, self, std::string(part)); };
    if (parts.size() == 2) return Value::tuple({text(parts[0]), text(separator), text(parts[1])});
    if (FromRight) return Value::tuple({text(""), text(""), self});
    return Value::tuple({self, text(""), text("")});
}

// The bytes that [start, end) of the characters cover; absent when there are none such, so that nothing is found.
std::optional<std::string_view> window(const Value& self, const Arguments& arguments) {
    const Text& text = self.asText();
    const std::int64_t length = text.length();
    const auto place = [&](std::size_t argument, std::int64_t otherwise) {
        if (arguments.positional.size() <= argument || arguments.positional[argument].is(Kind::None))
            return otherwise;
        const Value& given = arguments.positional[argument];
        if (!given.isWhole()) fail("slice indices must be integers or None or have an __index__ method");
        return given.asInt() < 0 ? std::max<std::int64_t>(given.asInt() + length, 0) : given.asInt();
    };
    const std::int64_t start = place(1, 0);
    const std::int64_t end = std::min(place(2, length), length);
    if (start > length || start > end) return std::nullopt;
    const auto byteAt = [&](std::int64_t character) {
        if (text.ascii()) return static_cast<std::size_t>(character);
        std::size_t byte = 0;
        for (; byte < text.bytes().size(); ++byte)
            if ((static_cast<unsigned char>(text.bytes()[byte]) & 0xC0U) != 0x80 && character-- == 0) break;
        return byte;
    };
    const std::size_t first = byteAt(start);
    return std::string_view(text.bytes()).substr(first, byteAt(end) - first);
}

template <bool FromRight, bool MustBeThere>
Value find(Runtime& runtime, const Value& self, const Arguments& arguments) {
    requirePositional(arguments, "find", 1, 3);
    requireDefined(arguments.positional[0]);
    if (!arguments.positional[0].is(Kind::Text))
        fail("must be str, not " + arguments.positional[0].typeName());
    const std::string& wanted = bytesOf(arguments.positional[0]);
    runtime.bytes(bytesOf(self).size());
    const std::optional<std::string_view> inside = window(self, arguments);
    const std::size_t found = !inside     ? kNowhere
                              : FromRight ? findLastIn(*inside, wanted)
                                          : findIn(*inside, wanted);
    if (found != kNowhere)
        return codePointsIn(std::string_view(bytesOf(self).data(), inside->data() + found));
    if (MustBeThere) fail("substring not found");
    return -1;
}

Value count(Runtime& runtime, const Value& self, const Arguments& arguments) {
    requirePositional(arguments, "count", 1, 3);
    requireDefined(arguments.positional[0]);
    if (!arguments.positional[0].is(Kind::Text))
        fail("must be str, not " + arguments.positional[0].typeName());
    runtime.bytes(bytesOf(self).size());
    const std::optional<std::string_view> inside = window(self, arguments);
    return inside ? countIn(*inside, bytesOf(arguments.positional[0])) : 0;
}

template <bool AtEnd>
Value startsOrEnds(Runtime& runtime, const Value& self, const Arguments& arguments) {
    requirePositional(arguments, AtEnd ? "endswith" : "startswith", 1, 3);
    const Value& wanted = arguments.positional[0];
    requireDefined(wanted);
    const std::optional<std::string_view> inside = window(self, arguments);
    const auto fits = [&](const Value& one) {
        if (!one.is(Kind::Text))
            fail("startswith and endswith want a str or a tuple of str, not " + one.typeName());
        runtime.step(1 + static_cast<std::int64_t>(bytesOf(one).size() / 64));
        if (!inside) return false;
        return AtEnd ? inside->ends_with(bytesOf(one)) : inside->starts_with(bytesOf(one));
    };
    if (wanted.is(Kind::Tuple)) return std::any_of(wanted.items().begin(), wanted.items().end(), fits);
    return fits(wanted);
}

Value replace(Runtime& runtime, const Value& self, const Arguments& arguments) {
    requirePositional(arguments, "replace", 2, 3);
    for (const std::size_t i : {0, 1}) {
        requireDefined(arguments.positional[i]);
        if (!arguments.positional[i].is(Kind::Text))
            fail("replace() argument must be str, not " + arguments.positional[i].typeName());
    }
    std::int64_t atMost = -1;
    if (arguments.positional.size() == 3) {
        if (!arguments.positional[2].isWhole())
            fail("'" + arguments.positional[2].typeName() + "' object cannot be interpreted as an integer");
        atMost = arguments.positional[2].asInt();
    }
    const std::string& from = bytesOf(arguments.positional[0]);
    const std::string& to = bytesOf(arguments.positional[1]);
    const std::int64_t found = countIn(bytesOf(self), from);
    runtime.bytes(bytesOf(self).size() +
                  static_cast<std::size_t>(atMost < 0 ? found : std::min(found, atMost)) * to.size());
    return Text(replacedIn(bytesOf(self), from, to, atMost), self.asText().markup());
}

Value join(Runtime& runtime, const Value& self, const Arguments& arguments) {
    requirePositional(arguments, "join", 1, 1);
    std::string joined;
    std::size_t place = 0;
    const std::shared_ptr<Iterator> items = iterate(arguments.positional[0], runtime);
    while (const std::optional<Value> item = items->next(runtime)) {
        if (!item->is(Kind::Text))
            fail("sequence item " + std::to_string(place) + ": expected str instance, " + item->typeName() +
                 " found");
        if (place++ > 0) runtime.output(joined, bytesOf(self));
        runtime.output(joined, bytesOf(*item));
    }
    return Text(std::move(joined), self.asText().markup());
}

template <bool (*Check)(char32_t)>
Value every(Runtime& runtime, const Value& self, const Arguments& arguments) {
    requirePositional(arguments, "the method", 0, 0);
    runtime.bytes(bytesOf(self).size());
    const std::u32string points = toCodePoints(bytesOf(self));
    return !points.empty() && std::all_of(points.begin(), points.end(), Check);
}

Value isascii(Runtime& /*runtime*/, const Value& self, const Arguments& arguments) {
    requirePositional(arguments, "isascii", 0, 0);
    return self.asText().ascii();
}

Value isprintable(Runtime& /*runtime*/, const Value& self, const Arguments& arguments) {
    requirePositional(arguments, "isprintable", 0, 0);
    const std::u32string points = toCodePoints(bytesOf(self));
    return std::all_of(points.begin(), points.end(), isPrintable);
}

template <bool (*Wanted)(char32_t), bool (*Unwanted)(char32_t)>
Value cased(Runtime& runtime, const Value& self, const Arguments& arguments) {
    requirePositional(arguments, "the method", 0, 0);
    runtime.bytes(bytesOf(self).size());
    bool any = false;
    for (const char32_t c : toCodePoints(bytesOf(self))) {
        if (Unwanted(c) || isTitle(c)) return false;
        any = any || Wanted(c);
    }
    return any;
}

Value istitle(Runtime& runtime, const Value& self, const Arguments& arguments) {
    requirePositional(arguments, "istitle", 0, 0);
    runtime.bytes(bytesOf(self).size());
    bool any = false;
    bool inWord = false;
    for (const char32_t c : toCodePoints(bytesOf(self))) {
        const bool begins = isUpper(c) || isTitle(c);
        if (begins ? inWord : isLower(c) && !inWord) return false;
        inWord = begins || isLower(c);
        any = any || inWord;
    }
    return any;
}

enum class Side : std::uint8_t { Left, Right, Middle };

template <Side Where>
Value justified(Runtime& runtime, const Value& self, const Arguments& arguments) {
    requirePositional(arguments, "the method", 1, 2);
    const Bound bound(arguments, "the method", {"width", "fillchar"}, 1);
    std::string fill = " ";
    if (bound.has(1)) {
        if (bound.text(1).length() != 1) fail("The fill character must be exactly one character long");
        fill = bound.text(1).bytes();
    }
    const std::int64_t width = bound.integer(0, 0);
    const std::int64_t missing = width - self.asText().length();
    if (missing <= 0) return self;
    const std::int64_t left = Where == Side::Left    ? 0
                              : Where == Side::Right ? missing
                                                     : missing / 2 + (missing & width & 1);
    const Value before = multiply(Text(fill), Value(left), runtime);
    const Value after = multiply(Text(fill), Value(missing - left), runtime);
    return made(runtime, self, bytesOf(before) + bytesOf(self) + bytesOf(after));
}

Value zfill(Runtime& runtime, const Value& self, const Arguments& arguments) {
    requirePositional(arguments, "zfill", 1, 1);
    const std::int64_t missing =
        Bound(arguments, "zfill", {"width"}, 1).integer(0, 0) - self.asText().length();
    if (missing <= 0) return self;
    const std::string& text = bytesOf(self);
    const std::size_t sign = !text.empty() && (text[0] == '+' || text[0] == '-') ? 1 : 0;
    const Value zeros = multiply(Text("0"), Value(missing), runtime);
    return made(runtime, self, text.substr(0, sign) + bytesOf(zeros) + text.substr(sign));
}

template <bool AtEnd>
Value without(Runtime& runtime, const Value& self, const Arguments& arguments) {
    requirePositional(arguments, "the method", 1, 1);
    const std::string& part = Bound(arguments, "the method", {"part"}, 1).text(0).bytes();
    std::string_view text = bytesOf(self);
    if (AtEnd && text.ends_with(part)) text.remove_suffix(part.size());
    if (!AtEnd && text.starts_with(part)) text.remove_prefix(part.size());
    return made(runtime, self, std::string(text));
}

Value format(Runtime& runtime, const Value& self, const Arguments& arguments) {
    return braceFormat(self.asText(), arguments, runtime);
}

const std::map<std::string_view, Method> kMethods = {
    {"capitalize", changed<toCapitalized>},
    {"center", justified<Side::Middle>},
    {"count", count},
    {"endswith", startsOrEnds<true>},
    {"find", find<false, false>},
    {"format", format},
    {"index", find<false, true>},
    {"isalnum", every<[](char32_t c) { return isAlpha(c) || isDecimal(c) || isDigit(c) || isNumeric(c); }>},
    {"isalpha", every<isAlpha>},
    {"isascii", isascii},
    {"isdecimal", every<isDecimal>},
    {"isdigit", every<isDigit>},
    {"islower", cased<isLower, isUpper>},
    {"isnumeric", every<isNumeric>},
    {"isprintable", isprintable},
    {"isspace", every<isSpace>},
    {"istitle", istitle},
    {"isupper", cased<isUpper, isLower>},
    {"join", join},
    {"ljust", justified<Side::Left>},
    {"lower", changed<toLower>},
    {"lstrip", strip<Ends{true, false}>},
    {"partition", partition<false>},
    {"removeprefix", without<false>},
    {"removesuffix", without<true>},
    {"replace", replace},
    {"rfind", find<true, false>},
    {"rindex", find<true, true>},
    {"rjust", justified<Side::Right>},
    {"rpartition", partition<true>},
    {"rsplit", split<true>},
    {"rstrip", strip<Ends{false, true}>},
    {"split", split<false>},
    {"splitlines", splitlines},
    {"startswith", startsOrEnds<false>},
    {"strip", strip<Ends{true, true}>},
    {"swapcase", changed<toSwappedCase>},
    {"title", changed<toTitle>},
    {"upper", changed<toUpper>},
    {"zfill", zfill},
};

}  // namespace

Method textMethod(std::string_view name) {
    const auto found = kMethods.find(name);
    return found == kMethods.end() ? nullptr : found->second;
}

}  // namespace fluxscope::jinja
