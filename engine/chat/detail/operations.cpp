#include "engine/chat/detail/operations.h"

#include "engine/chat/detail/python_text.h"

#include <algorithm>
#include <cmath>

namespace fluxscope::jinja {
namespace {

class SequenceIterator : public Iterator {
public:
    explicit SequenceIterator(Value sequence) : sequence_(std::move(sequence)) {}
    std::optional<Value> next(Runtime& /*runtime*/) override {
        if (place_ == sequence_.items().size()) return std::nullopt;
        return sequence_.items()[place_++];
    }

private:
    Value sequence_;
    std::size_t place_ = 0;
};

class KeyIterator : public Iterator {
public:
    explicit KeyIterator(Value dict) : dict_(std::move(dict)) {}
    std::optional<Value> next(Runtime& /*runtime*/) override {
        if (place_ == dict_.asDict().entries.size()) return std::nullopt;
        return dict_.asDict().entries[place_++].first;
    }

private:
    Value dict_;
    std::size_t place_ = 0;
};

class CharacterIterator : public Iterator {
public:
    explicit CharacterIterator(Text text) : text_(std::move(text)) {}
    std::optional<Value> next(Runtime& runtime) override {
        const std::string& bytes = text_.bytes();
        if (place_ == bytes.size()) return std::nullopt;
        std::size_t end = place_ + 1;
        while (end < bytes.size() && (static_cast<unsigned char>(bytes[end]) & 0xC0U) == 0x80) ++end;
        Value character = runtime.text(bytes.substr(place_, end - place_), text_.markup());
        place_ = end;
        return character;
    }

private:
    Text text_;
    std::size_t place_ = 0;
};

class RangeIterator : public Iterator {
public:
    explicit RangeIterator(Range range) : range_(range) {}
    std::optional<Value> next(Runtime& /*runtime*/) override {
        if (place_ == range_.length()) return std::nullopt;
        return Value(range_.at(place_++));
    }

private:
    Range range_;
    std::int64_t place_ = 0;
};

class EmptyIterator : public Iterator {
public:
    std::optional<Value> next(Runtime& /*runtime*/) override { return std::nullopt; }
};

bool equalItems(const std::vector<Value>& a, const std::vector<Value>& b, Runtime& runtime) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](const Value& x, const Value& y) { return same(x, y) || equal(x, y, runtime); });
}

bool equalDicts(const Dict& a, const Dict& b, Runtime& runtime) {
    if (a.entries.size() != b.entries.size()) return false;
    return std::all_of(a.entries.begin(), a.entries.end(), [&](const auto& entry) {
        const Value* const other = b.find(entry.first);
        return other != nullptr && (same(entry.second, *other) || equal(entry.second, *other, runtime));
    });
}

// Exact where a double cannot hold the whole number.
std::partial_ordering compareNumbers(const Value& a, const Value& b) {
    if (a.isWhole() && b.isWhole()) return a.asInt() <=> b.asInt();
    if (a.is(Kind::Float) && b.is(Kind::Float)) return a.asNumber() <=> b.asNumber();
    return static_cast<long double>(a.is(Kind::Float) ? a.asNumber() : 0) +
               (a.isWhole() ? static_cast<long double>(a.asInt()) : 0) <=>
           static_cast<long double>(b.is(Kind::Float) ? b.asNumber() : 0) +
               (b.isWhole() ? static_cast<long double>(b.asInt()) : 0);
}

[[noreturn]] void cannotCompare(const Value& a, const Value& b, const char* sign) {
    requireDefined(a);
    requireDefined(b);
    fail(std::string("'") + sign + "' not supported between instances of '" + a.typeName() + "' and '" +
         b.typeName() + "'");
}

std::string joinedReprs(const std::vector<Value>& items, Runtime& runtime) {
    std::string text;
    for (const Value& item : items) {
        if (!text.empty()) text += ", ";
        runtime.output(text, reprOf(item, runtime));
    }
    return text;
}

std::string dictRepr(const Dict& dict, Runtime& runtime) {
    std::string text;
    for (const auto& [key, value] : dict.entries) {
        if (!text.empty()) text += ", ";
        runtime.output(text, reprOf(key, runtime) + ": " + reprOf(value, runtime));
    }
    return "{" + text + "}";
}

// Where a slice begins, and how many items it has.
struct SlicePlan {
    std::int64_t start;
    std::int64_t step;
    std::int64_t count;
};

std::int64_t sliceIndex(const Value& value) {
    if (!value.isWhole()) fail("slice indices must be integers or None or have an __index__ method");
    return value.asInt();
}

SlicePlan planOf(std::int64_t length, const Value& start, const Value& stop, const Value& step) {
    constexpr std::int64_t kFar = std::int64_t{1} << 40;  // longer than any value here
    const std::int64_t stride = step.is(Kind::None) ? 1 : std::clamp(sliceIndex(step), -kFar, kFar);
    if (stride == 0) fail("slice step cannot be zero");
    const std::int64_t lowest = stride > 0 ? 0 : -1;
    const std::int64_t highest = stride > 0 ? length : length - 1;
    const auto end = [&](const Value& given, std::int64_t otherwise) {
        if (given.is(Kind::None)) return otherwise;
        const std::int64_t index = std::clamp(sliceIndex(given), -kFar, kFar);
        return std::clamp(index < 0 ? index + length : index, lowest, highest);
    };
    const std::int64_t first = end(start, stride > 0 ? lowest : highest);
    const std::int64_t last = end(stop, stride > 0 ? highest : lowest);
    return {first, stride, Range{first, last, stride}.length()};
}

std::string slicedText(const Text& text, const Value& start, const Value& stop, const Value& step) {
    const std::string& bytes = text.bytes();
    if (text.ascii()) {
        const SlicePlan plan = planOf(static_cast<std::int64_t>(bytes.size()), start, stop, step);
        if (plan.step == 1)
            return bytes.substr(static_cast<std::size_t>(plan.start), static_cast<std::size_t>(plan.count));
        std::string result;
        for (std::int64_t i = 0; i < plan.count; ++i)
            result += bytes[static_cast<std::size_t>(plan.start + i * plan.step)];
        return result;
    }
    const std::u32string points = toCodePoints(bytes);
    const SlicePlan plan = planOf(static_cast<std::int64_t>(points.size()), start, stop, step);
    std::u32string result;
    for (std::int64_t i = 0; i < plan.count; ++i)
        result += points[static_cast<std::size_t>(plan.start + i * plan.step)];
    return toUtf8(result);
}

}  // namespace

void requireDefined(const Value& value) {
    if (value.is(Kind::Undefined)) fail(*value.asUndefined().message);
}

std::string textOf(const Value& value, Runtime& runtime) {
    switch (value.kind()) {
        case Kind::Undefined: return "";
        case Kind::Text: return value.asText().bytes();
        default: return reprOf(value, runtime);
    }
}

std::string reprOf(const Value& value, Runtime& runtime) {
    const Runtime::Level level(runtime);
    runtime.step();
    switch (value.kind()) {
        case Kind::Undefined: return "Undefined";
        case Kind::None: return "None";
        case Kind::Bool: return value.asBool() ? "True" : "False";
        case Kind::Int: return std::to_string(value.asInt());
        case Kind::Float: return floatRepr(value.asNumber());
        case Kind::Text: {
            runtime.bytes(value.asText().bytes().size());
            const std::string repr = textRepr(value.asText().bytes());
            return value.asText().markup() ? "Markup(" + repr + ")" : repr;
        }
        case Kind::List: return "[" + joinedReprs(value.items(), runtime) + "]";
        case Kind::Tuple:
            return "(" + joinedReprs(value.items(), runtime) + (value.items().size() == 1 ? ",)" : ")");
        case Kind::Dict: return dictRepr(value.asDict(), runtime);
        case Kind::Range: {
            const Range& r = value.asRange();
            return "range(" + std::to_string(r.start) + ", " + std::to_string(r.stop) +
                   (r.step == 1 ? "" : ", " + std::to_string(r.step)) + ")";
        }
        case Kind::Object:
            if (std::optional<std::string> repr = value.asObject()->repr(runtime)) return *repr;
    }
    fail("a " + value.typeName() + " has no text of its own");  // Python would write an address of its memory
}

bool truthOf(const Value& value, Runtime& runtime) {
    switch (value.kind()) {
        case Kind::Undefined:
        case Kind::None: return false;
        case Kind::Bool:
        case Kind::Int: return value.asInt() != 0;
        case Kind::Float: return value.asNumber() != 0;
        case Kind::Text: return !value.asText().bytes().empty();
        case Kind::List:
        case Kind::Tuple: return !value.items().empty();
        case Kind::Dict: return !value.asDict().entries.empty();
        case Kind::Range: return value.asRange().length() != 0;
        case Kind::Object: return value.asObject()->length(runtime).value_or(1) != 0;
    }
    return false;
}

bool same(const Value& a, const Value& b) {
    if (a.kind() != b.kind()) return false;
    switch (a.kind()) {
        case Kind::None: return true;
        case Kind::Bool: return a.asBool() == b.asBool();
        case Kind::Int: return a.asInt() == b.asInt();  // Python says so of small ones only
        case Kind::Undefined: return a.asUndefined().message == b.asUndefined().message;
        case Kind::Float:
        case Kind::Range: return false;
        default: return a.identity() == b.identity();
    }
}

bool equal(const Value& a, const Value& b, Runtime& runtime) {
    const Runtime::Level level(runtime);
    runtime.step();
    if (a.isNumber() && b.isNumber()) return compareNumbers(a, b) == std::partial_ordering::equivalent;
    if (a.kind() != b.kind()) return false;
    switch (a.kind()) {
        case Kind::Undefined:
        case Kind::None: return true;
        case Kind::Text:
            runtime.step(static_cast<std::int64_t>(a.asText().bytes().size() / 64));
            return a.asText().bytes() == b.asText().bytes();
        case Kind::List:
        case Kind::Tuple: return equalItems(a.items(), b.items(), runtime);
        case Kind::Dict: return equalDicts(a.asDict(), b.asDict(), runtime);
        case Kind::Range: return hashKey(a) == hashKey(b);
        default: return a.identity() == b.identity();
    }
}

bool less(const Value& a, const Value& b, const char* sign, Runtime& runtime) {
    const Runtime::Level level(runtime);
    runtime.step();
    if (a.isNumber() && b.isNumber()) return compareNumbers(a, b) == std::partial_ordering::less;
    if (a.is(Kind::Text) && b.is(Kind::Text)) {
        runtime.step(static_cast<std::int64_t>(a.asText().bytes().size() / 64));
        return a.asText().bytes() < b.asText().bytes();  // UTF-8 keeps the order of code points
    }
    if (!a.isSequence() || a.kind() != b.kind()) cannotCompare(a, b, sign);
    const auto [x, y] = std::mismatch(
        a.items().begin(), a.items().end(), b.items().begin(), b.items().end(),
        [&](const Value& one, const Value& other) { return same(one, other) || equal(one, other, runtime); });
    if (y == b.items().end()) return false;
    return x == a.items().end() || less(*x, *y, sign, runtime);
}

bool lessOrEqual(const Value& a, const Value& b, const char* sign, Runtime& runtime) {
    if (a.isNumber() && b.isNumber()) {
        const auto order = compareNumbers(a, b);
        return order == std::partial_ordering::less || order == std::partial_ordering::equivalent;
    }
    return less(a, b, sign, runtime) || equal(a, b, runtime);
}

bool contains(const Value& container, const Value& item, Runtime& runtime) {
    switch (container.kind()) {
        case Kind::Text:
            if (!item.is(Kind::Text))
                fail("'in <string>' requires string as left operand, not " + item.typeName());
            runtime.step(1 + static_cast<std::int64_t>(container.asText().bytes().size() / 64));
            return findIn(container.asText().bytes(), item.asText().bytes()) != std::string_view::npos;
        case Kind::Dict: return container.asDict().find(item) != nullptr;
        default: break;
    }
    if (!canIterate(container, runtime))
        fail("argument of type '" + container.typeName() + "' is not iterable");
    const std::shared_ptr<Iterator> values = iterate(container, runtime);
    while (const std::optional<Value> value = values->next(runtime))
        if (same(*value, item) || equal(*value, item, runtime)) return true;
    return false;
}

std::optional<std::int64_t> lengthOf(const Value& value, Runtime& runtime) {
    switch (value.kind()) {
        case Kind::Undefined: return 0;
        case Kind::Text: return value.asText().length();
        case Kind::List:
        case Kind::Tuple: return static_cast<std::int64_t>(value.items().size());
        case Kind::Dict: return static_cast<std::int64_t>(value.asDict().entries.size());
        case Kind::Range: return value.asRange().length();
        case Kind::Object: return value.asObject()->length(runtime);
        default: return std::nullopt;
    }
}

bool canIterate(const Value& value, Runtime& runtime) {
    switch (value.kind()) {
        case Kind::None:
        case Kind::Bool:
        case Kind::Int:
        case Kind::Float: return false;
        case Kind::Object: return value.asObject()->iterator(runtime) != nullptr;
        default: return true;
    }
}

std::shared_ptr<Iterator> iterate(const Value& value, Runtime& runtime) {
    switch (value.kind()) {
        case Kind::Undefined: return std::make_shared<EmptyIterator>();
        case Kind::Text: return std::make_shared<CharacterIterator>(value.asText());
        case Kind::List:
        case Kind::Tuple: return std::make_shared<SequenceIterator>(value);
        case Kind::Dict: return std::make_shared<KeyIterator>(value);
        case Kind::Range: return std::make_shared<RangeIterator>(value.asRange());
        case Kind::Object:
            if (std::shared_ptr<Iterator> iterator = value.asObject()->iterator(runtime)) return iterator;
            break;
        default: break;
    }
    fail("'" + value.typeName() + "' object is not iterable");
}

std::vector<Value> collected(const Value& value, Runtime& runtime) {
    std::vector<Value> items;
    const std::shared_ptr<Iterator> values = iterate(value, runtime);
    while (std::optional<Value> item = values->next(runtime)) {
        runtime.bytes(sizeof(Value));
        items.push_back(std::move(*item));
    }
    return items;
}

std::optional<Value> sliced(const Value& value, const Value& start, const Value& stop, const Value& step,
                            Runtime& runtime) {
    switch (value.kind()) {
        case Kind::Text:
            runtime.bytes(value.asText().bytes().size());
            return Text(slicedText(value.asText(), start, stop, step), value.asText().markup());
        case Kind::List:
        case Kind::Tuple: {
            const std::vector<Value>& items = value.items();
            const SlicePlan plan = planOf(static_cast<std::int64_t>(items.size()), start, stop, step);
            runtime.bytes(static_cast<std::size_t>(plan.count) * sizeof(Value));
            std::vector<Value> taken;
            for (std::int64_t i = 0; i < plan.count; ++i)
                taken.push_back(items[static_cast<std::size_t>(plan.start + i * plan.step)]);
            return value.is(Kind::List) ? Value::list(std::move(taken)) : Value::tuple(std::move(taken));
        }
        case Kind::Range: {
            const Range& range = value.asRange();
            const SlicePlan plan = planOf(range.length(), start, stop, step);
            const std::int64_t first = range.at(plan.start);
            const std::int64_t stride = range.step * plan.step;
            return Range{first, first + plan.count * stride, stride};
        }
        default: return std::nullopt;
    }
}

}  // namespace fluxscope::jinja
