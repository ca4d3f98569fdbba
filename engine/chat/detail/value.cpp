#include "engine/chat/detail/value.h"

#include "engine/chat/detail/python_text.h"

#include <algorithm>
#include <cmath>

namespace fluxscope::jinja {
namespace {

int deepened(int depth) {
    if (depth > kDeepestValue)
        throw TemplateError{
            .problem = "nests lists or dictionaries deeper than " + std::to_string(kDeepestValue) + " levels",
            .overLimit = true,
            .limit = "nesting"};
    return depth;
}

std::shared_ptr<const Sequence> sequenceOf(std::vector<Value> items) {
    int depth = 0;
    for (const Value& item : items) depth = std::max(depth, item.depth());
    return std::make_shared<const Sequence>(Sequence{std::move(items), deepened(depth + 1)});
}

}  // namespace

void fail(const std::string& problem) { throw TemplateError{.problem = problem}; }

Text::Text(std::string bytes, bool markup)
    : bytes_(std::make_shared<const std::string>(std::move(bytes))),
      markup_(markup),
      ascii_(std::all_of(bytes_->begin(), bytes_->end(), [](char c) { return (c & 0x80) == 0; })) {}

std::int64_t Text::length() const {
    return ascii_ ? static_cast<std::int64_t>(bytes_->size()) : codePointsIn(*bytes_);
}

std::int64_t Range::length() const {
    // Ends are kept within 2^62 (globals.cpp), so the difference fits.
    if (step > 0) return start < stop ? (stop - start - 1) / step + 1 : 0;
    return start > stop ? (start - stop - 1) / -step + 1 : 0;
}

std::optional<Value> Object::attribute(const std::string& /*name*/, Runtime& /*runtime*/) {
    return std::nullopt;
}
Value Object::call(Runtime& /*runtime*/, const Arguments& /*arguments*/) {
    fail("'" + typeName() + "' object is not callable");
}
std::optional<Value> Object::item(const Value& /*key*/, Runtime& /*runtime*/) { return std::nullopt; }

Value Value::list(std::vector<Value> items) {
    Value value;
    value.data_ = List{sequenceOf(std::move(items))};
    return value;
}

Value Value::tuple(std::vector<Value> items) {
    Value value;
    value.data_ = Tuple{sequenceOf(std::move(items))};
    return value;
}

Value Value::undefined(std::string message) {
    return Undefined{std::make_shared<const std::string>(std::move(message))};
}

std::int64_t Value::asInt() const {
    return is(Kind::Bool) ? std::int64_t{asBool()} : std::get<std::int64_t>(data_);
}

double Value::asNumber() const {
    return is(Kind::Float) ? std::get<double>(data_) : static_cast<double>(asInt());
}

const std::vector<Value>& Value::items() const {
    return is(Kind::List) ? std::get<List>(data_).sequence->items : std::get<Tuple>(data_).sequence->items;
}

const void* Value::identity() const {
    switch (kind()) {
        case Kind::List: return std::get<List>(data_).sequence.get();
        case Kind::Tuple: return std::get<Tuple>(data_).sequence.get();
        case Kind::Dict: return &asDict();
        case Kind::Text: return &asText().bytes();
        case Kind::Object: return asObject().get();
        default: return nullptr;
    }
}

int Value::depth() const {
    switch (kind()) {
        case Kind::List: return std::get<List>(data_).sequence->depth;
        case Kind::Tuple: return std::get<Tuple>(data_).sequence->depth;
        case Kind::Dict: return asDict().depth;
        case Kind::Object: return asObject()->depth();
        default: return 0;
    }
}

std::string Value::typeName() const {
    switch (kind()) {
        case Kind::Undefined: return "Undefined";
        case Kind::None: return "NoneType";
        case Kind::Bool: return "bool";
        case Kind::Int: return "int";
        case Kind::Float: return "float";
        case Kind::Text: return asText().markup() ? "Markup" : "str";
        case Kind::List: return "list";
        case Kind::Tuple: return "tuple";
        case Kind::Dict: return "dict";
        case Kind::Range: return "range";
        case Kind::Object: return asObject()->typeName();
    }
    return "";
}

std::string hashKey(const Value& value) {
    switch (value.kind()) {
        case Kind::Undefined: return "u";
        case Kind::None: return "n";
        case Kind::Bool:
        case Kind::Int: return "i" + std::to_string(value.asInt());
        case Kind::Float: {
            const double number = value.asNumber();
            if (number == std::floor(number) && std::abs(number) < 9e18)
                return "i" + std::to_string(static_cast<std::int64_t>(number));
            return "f" + floatRepr(number);
        }
        case Kind::Text: return "s" + value.asText().bytes();
        case Kind::Tuple: {
            std::string key = "t";
            for (const Value& item : value.items()) {
                const std::string inner = hashKey(item);
                key += std::to_string(inner.size()) + ':' + inner;
            }
            return key;
        }
        case Kind::Range: {
            const Range& range = value.asRange();
            const std::int64_t length = range.length();
            return "r" + std::to_string(length) + ',' + std::to_string(length > 0 ? range.start : 0) + ',' +
                   std::to_string(length > 1 ? range.step : 0);
        }
        case Kind::Object:
            return "o" + std::to_string(reinterpret_cast<std::uintptr_t>(value.asObject().get()));
        case Kind::List:
        case Kind::Dict: break;
    }
    fail("unhashable type: '" + value.typeName() + "'");
}

void Dict::set(const Value& key, const Value& value) {
    depth = std::max(depth, deepened(1 + std::max(key.depth(), value.depth())));
    const auto [place, added] = places.try_emplace(hashKey(key), entries.size());
    if (added)
        entries.emplace_back(key, value);
    else
        entries[place->second].second = value;
}

const Value* Dict::find(const Value& key) const {
    const auto place = places.find(hashKey(key));
    return place == places.end() ? nullptr : &entries[place->second].second;
}

const Value* Dict::find(const std::string& name) const {
    const auto place = places.find("s" + name);
    return place == places.end() ? nullptr : &entries[place->second].second;
}

}  // namespace fluxscope::jinja
