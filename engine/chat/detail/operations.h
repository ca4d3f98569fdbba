// What Python's operators and built-in functions do with values. Each fails with Python's reason where Python would raise.
#pragma once

#include "engine/chat/detail/runtime.h"
#include "engine/chat/detail/value.h"

#include <compare>

namespace fluxscope::jinja {

std::string textOf(const Value& value, Runtime& runtime);  // str(value)
std::string reprOf(const Value& value, Runtime& runtime);  // repr(value)
bool truthOf(const Value& value, Runtime& runtime);
bool same(const Value& a, const Value& b);  // a is b

bool equal(const Value& a, const Value& b, Runtime& runtime);
bool less(const Value& a, const Value& b, const char* sign, Runtime& runtime);         // a < b
bool lessOrEqual(const Value& a, const Value& b, const char* sign, Runtime& runtime);  // a <= b
bool contains(const Value& container, const Value& item, Runtime& runtime);

Value add(const Value& a, const Value& b, Runtime& runtime);
Value subtract(const Value& a, const Value& b, Runtime& runtime);
Value multiply(const Value& a, const Value& b, Runtime& runtime);
Value divide(const Value& a, const Value& b, Runtime& runtime);
Value floorDivide(const Value& a, const Value& b, Runtime& runtime);
Value modulo(const Value& a, const Value& b, Runtime& runtime);
Value power(const Value& a, const Value& b, Runtime& runtime);
Value negate(const Value& value);
Value plus(const Value& value);

std::optional<std::int64_t> lengthOf(const Value& value, Runtime& runtime);  // absent: it has none
std::shared_ptr<Iterator> iterate(const Value& value, Runtime& runtime);     // fails when it cannot be
bool canIterate(const Value& value, Runtime& runtime);
std::vector<Value> collected(const Value& value, Runtime& runtime);  // list(value)

// value[start:stop:step]; None where a part is left out. Absent when the value has no slices.
std::optional<Value> sliced(const Value& value, const Value& start, const Value& stop, const Value& step,
                            Runtime& runtime);

std::int64_t wholeNumber(double number);  // int(number); fails where it does not fit

// An operation on what is undefined fails with its message.
void requireDefined(const Value& value);

// "%s: %d" % arguments, as Python formats; `"{}".format(...)` likewise.
Value percentFormat(const Text& form, const Value& arguments, Runtime& runtime);
Value braceFormat(const Text& form, const Arguments& arguments, Runtime& runtime);

}  // namespace fluxscope::jinja
