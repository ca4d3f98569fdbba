#include "engine/chat/detail/tests.h"

#include "engine/chat/detail/binding.h"
#include "engine/chat/detail/filters.h"
#include "engine/chat/detail/operations.h"
#include "engine/chat/detail/python_text.h"

#include <map>

namespace fluxscope::jinja {
namespace {

// A test that looks at the value alone.
template <bool (*Check)(const Value&)>
bool plain(Runtime& /*runtime*/, const Value& value, const Arguments& arguments) {
    requirePositional(arguments, "the test", 0, 0);
    return Check(value);
}

template <Kind Wanted>
bool isKind(const Value& value) {
    return value.is(Wanted);
}

template <bool Wanted>
bool isTruth(const Value& value) {
    return value.is(Kind::Bool) && value.asBool() == Wanted;
}

bool isCallable(const Value& value) {
    return value.is(Kind::Undefined) ||  // Python finds it callable, and the call then fails
           (value.is(Kind::Object) && value.asObject()->callable());
}

bool isSequence(const Value& value) {
    switch (value.kind()) {
        case Kind::Undefined:
        case Kind::Text:
        case Kind::List:
        case Kind::Tuple:
        case Kind::Dict:
        case Kind::Range: return true;
        default: return false;
    }
}

bool isIterable(Runtime& runtime, const Value& value, const Arguments& arguments) {
    requirePositional(arguments, "the test", 0, 0);
    return canIterate(value, runtime);
}

// value % number == 0, by the rules of %.
bool leaves(const Value& value, const Value& number, int rest, Runtime& runtime) {
    return equal(modulo(value, number, runtime), Value(rest), runtime);
}

template <int Rest>
bool isParity(Runtime& runtime, const Value& value, const Arguments& arguments) {
    requirePositional(arguments, "the test", 0, 0);
    return leaves(value, Value(2), Rest, runtime);
}

bool isDivisible(Runtime& runtime, const Value& value, const Arguments& arguments) {
    return leaves(value, Bound(arguments, "divisibleby", {"num"}, 1).at(0), 0, runtime);
}

template <bool (*Wanted)(char32_t), bool (*Unwanted)(char32_t)>
bool isCased(Runtime& runtime, const Value& value, const Arguments& arguments) {
    requirePositional(arguments, "the test", 0, 0);
    bool any = false;
    for (const char32_t c : toCodePoints(textOf(value, runtime))) {
        if (Unwanted(c) || isTitle(c)) return false;
        any = any || Wanted(c);
    }
    return any;
}

enum class Order : std::uint8_t { Less, LessOrEqual, Greater, GreaterOrEqual };

template <Order Wanted>
bool isOrdered(Runtime& runtime, const Value& value, const Arguments& arguments) {
    requirePositional(arguments, "the test", 1, 1);
    const Value& other = arguments.positional[0];
    switch (Wanted) {
        case Order::Less: return less(value, other, "<", runtime);
        case Order::LessOrEqual: return lessOrEqual(value, other, "<=", runtime);
        case Order::Greater: return less(other, value, ">", runtime);
        case Order::GreaterOrEqual: return lessOrEqual(other, value, ">=", runtime);
    }
    return false;
}

template <bool Wanted>
bool isEqual(Runtime& runtime, const Value& value, const Arguments& arguments) {
    requirePositional(arguments, "the test", 1, 1);
    return equal(value, arguments.positional[0], runtime) == Wanted;
}

bool isSame(Runtime& /*runtime*/, const Value& value, const Arguments& arguments) {
    return same(value, Bound(arguments, "sameas", {"other"}, 1).at(0));
}

bool isIn(Runtime& runtime, const Value& value, const Arguments& arguments) {
    return contains(Bound(arguments, "in", {"seq"}, 1).at(0), value, runtime);
}

template <auto Find>
bool isKnown(Runtime& /*runtime*/, const Value& value, const Arguments& arguments) {
    requirePositional(arguments, "the test", 0, 0);
    (void)hashKey(value);
    return value.is(Kind::Text) && Find(value.asText().bytes()) != nullptr;
}

const std::map<std::string_view, TestFunction> kTests = {
    {"defined", plain<[](const Value& v) { return !v.is(Kind::Undefined); }>},
    {"undefined", plain<isKind<Kind::Undefined>>},
    {"none", plain<isKind<Kind::None>>},
    {"boolean", plain<isKind<Kind::Bool>>},
    {"true", plain<isTruth<true>>},
    {"false", plain<isTruth<false>>},
    {"integer", plain<isKind<Kind::Int>>},
    {"float", plain<isKind<Kind::Float>>},
    {"number", plain<[](const Value& v) { return v.isNumber(); }>},
    {"string", plain<isKind<Kind::Text>>},
    {"mapping", plain<isKind<Kind::Dict>>},
    {"sequence", plain<isSequence>},
    {"iterable", isIterable},
    {"callable", plain<isCallable>},
    {"escaped", plain<[](const Value& v) { return v.is(Kind::Text) && v.asText().markup(); }>},
    {"odd", isParity<1>},
    {"even", isParity<0>},
    {"divisibleby", isDivisible},
    {"lower", isCased<isLower, isUpper>},
    {"upper", isCased<isUpper, isLower>},
    {"sameas", isSame},
    {"in", isIn},
    {"filter", isKnown<findFilter>},
    {"test", isKnown<findTest>},
    {"==", isEqual<true>},
    {"eq", isEqual<true>},
    {"equalto", isEqual<true>},
    {"!=", isEqual<false>},
    {"ne", isEqual<false>},
    {"<", isOrdered<Order::Less>},
    {"lt", isOrdered<Order::Less>},
    {"lessthan", isOrdered<Order::Less>},
    {"<=", isOrdered<Order::LessOrEqual>},
    {"le", isOrdered<Order::LessOrEqual>},
    {">", isOrdered<Order::Greater>},
    {"gt", isOrdered<Order::Greater>},
    {"greaterthan", isOrdered<Order::Greater>},
    {">=", isOrdered<Order::GreaterOrEqual>},
    {"ge", isOrdered<Order::GreaterOrEqual>},
};

}  // namespace

TestFunction findTest(std::string_view name) {
    const auto found = kTests.find(name);
    return found == kTests.end() ? nullptr : found->second;
}

std::string unknownTest(const std::string& name) { return "no test is named '" + name.substr(0, 60) + "'"; }

}  // namespace fluxscope::jinja
