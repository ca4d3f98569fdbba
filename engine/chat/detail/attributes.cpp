#include "engine/chat/detail/attributes.h"

#include "engine/chat/detail/operations.h"
#include "engine/chat/detail/python_text.h"

#include <algorithm>
#include <array>

namespace fluxscope::jinja {
namespace {

class Function : public Object {
public:
    Function(std::string name, Value self, Method method)
        : name_(std::move(name)), self_(std::move(self)), method_(method) {}
    std::string typeName() const override { return "builtin_function_or_method"; }
    bool callable() const override { return true; }
    Value call(Runtime& runtime, const Arguments& arguments) override {
        return method_(runtime, self_, arguments);
    }
    int depth() const override { return self_.depth() + 1; }

private:
    std::string name_;
    Value self_;
    Method method_;
};

// What Python's types have beyond what is understood here. The first would change the value, which the sandbox refuses when it is
// called; the second is refused at once, with its name.
bool changes(Kind kind, std::string_view name) {
    static constexpr std::array<std::string_view, 8> kList = {"append", "clear", "pop",    "reverse",
                                                              "insert", "sort",  "extend", "remove"};
    static constexpr std::array<std::string_view, 5> kDict = {"clear", "pop", "popitem", "setdefault",
                                                              "update"};
    if (kind == Kind::List) return std::find(kList.begin(), kList.end(), name) != kList.end();
    return kind == Kind::Dict && std::find(kDict.begin(), kDict.end(), name) != kDict.end();
}

bool isBeyond(const Value& value, std::string_view name) {
    const auto among = [name](std::initializer_list<std::string_view> names) {
        return std::find(names.begin(), names.end(), name) != names.end();
    };
    switch (value.kind()) {
        case Kind::Text:
            return among(
                {"casefold", "encode", "expandtabs", "format_map", "maketrans", "translate", "isidentifier"});
        case Kind::Dict: return among({"fromkeys"});
        case Kind::Bool:
        case Kind::Int:
            return among({"as_integer_ratio", "bit_count", "bit_length", "conjugate", "denominator",
                          "from_bytes", "imag", "numerator", "real", "to_bytes"});
        case Kind::Float:
            return among({"as_integer_ratio", "conjugate", "fromhex", "hex", "imag", "is_integer", "real"});
        case Kind::Range: return among({"count", "index"});
        default: return false;
    }
}

std::optional<Value> ownItem(const Value& value, const Value& key, Runtime& runtime) {
    if (value.is(Kind::Dict)) {
        if (key.is(Kind::List) || key.is(Kind::Dict)) return std::nullopt;
        const Value* const found = value.asDict().find(key);
        return found == nullptr ? std::nullopt : std::optional<Value>(*found);
    }
    if (value.is(Kind::Object)) return value.asObject()->item(key, runtime);
    if (!key.isWhole() || !(value.is(Kind::Text) || value.isSequence() || value.is(Kind::Range)))
        return std::nullopt;
    const std::int64_t length = lengthOf(value, runtime).value_or(0);
    const std::int64_t index = key.asInt() < 0 ? key.asInt() + length : key.asInt();
    if (index < 0 || index >= length) return std::nullopt;
    if (value.is(Kind::Range)) return Value(value.asRange().at(index));
    if (value.is(Kind::Text)) return sliced(value, Value(index), Value(index + 1), Value(), runtime);
    return value.items()[static_cast<std::size_t>(index)];
}

Value missing(const Value& value, const std::string& shown, const char* what) {
    return Value::undefined("'" + value.typeName() + " object' has no " + what + " " + shown);
}

}  // namespace

std::shared_ptr<Object> functionOf(std::string name, Value self, Method method) {
    return std::make_shared<Function>(std::move(name), std::move(self), method);
}

std::optional<Value> ownAttribute(const Value& value, const std::string& name, Runtime& runtime) {
    if (value.is(Kind::Object)) return value.asObject()->attribute(name, runtime);
    if (changes(value.kind(), name))
        return Value::undefined("access to attribute '" + name + "' of '" + value.typeName() +
                                "' object is unsafe");
    if (isBeyond(value, name))
        fail("the method '" + name + "' of '" + value.typeName() + "' is not understood");
    if (value.is(Kind::Range)) {
        const Range& range = value.asRange();
        if (name == "start") return Value(range.start);
        if (name == "stop") return Value(range.stop);
        if (name == "step") return Value(range.step);
    }
    const Method method = value.is(Kind::Text) ? textMethod(name) : containerMethod(value.kind(), name);
    if (method == nullptr) return std::nullopt;
    return Value(functionOf(name, value, method));
}

Value attributeOf(const Value& value, const std::string& name, Runtime& runtime) {
    requireDefined(value);
    if (std::optional<Value> own = ownAttribute(value, name, runtime)) return *own;
    if (std::optional<Value> item = ownItem(value, Text(name), runtime)) return *item;
    return missing(value, "'" + name + "'", "attribute");
}

Value itemOf(const Value& value, const Value& key, Runtime& runtime) {
    requireDefined(value);
    if (std::optional<Value> item = ownItem(value, key, runtime)) return *item;
    if (key.is(Kind::Text)) {
        if (std::optional<Value> own = ownAttribute(value, key.asText().bytes(), runtime)) return *own;
        return missing(value, "'" + key.asText().bytes() + "'", "attribute");
    }
    return missing(value, key.is(Kind::Int) ? std::to_string(key.asInt()) : "of that key", "element");
}

}  // namespace fluxscope::jinja
