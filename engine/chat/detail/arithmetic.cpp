// + - * / // % **, as Python computes them, on 64-bit whole numbers.
#include "engine/chat/detail/operations.h"
#include "engine/chat/detail/python_text.h"

#include <cmath>
#include <limits>

namespace fluxscope::jinja {
namespace {

[[noreturn]] void tooLarge() {
    throw TemplateError{
        .problem = "computes a whole number beyond 64 bits", .overLimit = true, .limit = "integers"};
}

[[noreturn]] void unsupported(const char* sign, const Value& a, const Value& b) {
    requireDefined(a);
    requireDefined(b);
    fail(std::string("unsupported operand type(s) for ") + sign + ": '" + a.typeName() + "' and '" +
         b.typeName() + "'");
}

std::string repeated(const std::string& text, std::int64_t times, Runtime& runtime) {
    std::string result;
    if (times <= 0 || text.empty()) return result;
    if (times > (std::int64_t{1} << 40) / static_cast<std::int64_t>(text.size()))
        times = std::int64_t{1} << 40;
    runtime.bytes(text.size() * static_cast<std::size_t>(times));
    result.reserve(text.size() * static_cast<std::size_t>(times));
    for (std::int64_t i = 0; i < times; ++i) result += text;
    return result;
}

Value repeatedItems(const Value& sequence, std::int64_t times, Runtime& runtime) {
    const std::vector<Value>& items = sequence.items();
    std::vector<Value> result;
    if (times > 0 && !items.empty()) {
        times = std::min(times, (std::int64_t{1} << 32) / static_cast<std::int64_t>(items.size()) + 1);
        runtime.bytes(items.size() * static_cast<std::size_t>(times) * sizeof(Value));
        for (std::int64_t i = 0; i < times; ++i) result.insert(result.end(), items.begin(), items.end());
    }
    return sequence.is(Kind::List) ? Value::list(std::move(result)) : Value::tuple(std::move(result));
}

std::int64_t floorQuotient(std::int64_t a, std::int64_t b) {
    if (a == std::numeric_limits<std::int64_t>::min() && b == -1) tooLarge();
    const std::int64_t quotient = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

double floorRemainder(double a, double b) {
    const double rest = std::fmod(a, b);
    if (rest == 0) return std::copysign(0.0, b);
    return (rest < 0) != (b < 0) ? rest + b : rest;
}

double floorQuotient(double a, double b) {
    const double rest = floorRemainder(a, b);
    const double quotient = (a - rest) / b;
    if (quotient == 0) return std::copysign(0.0, a / b);
    const double floored = std::floor(quotient);
    return quotient - floored > 0.5 ? floored + 1 : floored;
}

std::int64_t wholePower(std::int64_t base, std::int64_t exponent) {
    std::int64_t result = 1;
    while (exponent > 0) {
        if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) tooLarge();
        exponent >>= 1;
        if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) tooLarge();
    }
    return result;
}

}  // namespace

std::int64_t wholeNumber(double number) {
    if (std::isnan(number)) fail("cannot convert float NaN to integer");
    if (std::isinf(number)) fail("cannot convert float infinity to integer");
    if (!(number > -9.2e18 && number < 9.2e18)) tooLarge();
    return static_cast<std::int64_t>(number);
}

Value add(const Value& a, const Value& b, Runtime& runtime) {
    if (a.isNumber() && b.isNumber()) {
        if (a.is(Kind::Float) || b.is(Kind::Float)) return a.asNumber() + b.asNumber();
        std::int64_t sum = 0;
        if (__builtin_add_overflow(a.asInt(), b.asInt(), &sum)) tooLarge();
        return sum;
    }
    if (a.is(Kind::Text) && b.is(Kind::Text)) {
        const Text& x = a.asText();
        const Text& y = b.asText();
        const bool markup = x.markup() || y.markup();
        const auto part = [markup](const Text& text) {
            return markup && !text.markup() ? htmlEscaped(text.bytes()) : text.bytes();
        };
        runtime.bytes(x.bytes().size() + y.bytes().size());
        return Text(part(x) + part(y), markup);
    }
    if (a.isSequence() && a.kind() == b.kind()) {
        runtime.bytes((a.items().size() + b.items().size()) * sizeof(Value));
        std::vector<Value> items = a.items();
        items.insert(items.end(), b.items().begin(), b.items().end());
        return a.is(Kind::List) ? Value::list(std::move(items)) : Value::tuple(std::move(items));
    }
    requireDefined(a);
    requireDefined(b);
    if (a.is(Kind::Text) || a.isSequence())
        fail("can only concatenate " + a.typeName() + " (not \"" + b.typeName() + "\") to " + a.typeName());
    unsupported("+", a, b);
}

Value subtract(const Value& a, const Value& b, Runtime& /*runtime*/) {
    if (!a.isNumber() || !b.isNumber()) unsupported("-", a, b);
    if (a.is(Kind::Float) || b.is(Kind::Float)) return a.asNumber() - b.asNumber();
    std::int64_t difference = 0;
    if (__builtin_sub_overflow(a.asInt(), b.asInt(), &difference)) tooLarge();
    return difference;
}

Value multiply(const Value& a, const Value& b, Runtime& runtime) {
    if (a.isNumber() && b.isNumber()) {
        if (a.is(Kind::Float) || b.is(Kind::Float)) return a.asNumber() * b.asNumber();
        std::int64_t product = 0;
        if (__builtin_mul_overflow(a.asInt(), b.asInt(), &product)) tooLarge();
        return product;
    }
    for (const auto& [many, times] : {std::pair(&a, &b), std::pair(&b, &a)}) {
        if (!times->isWhole()) continue;
        if (many->is(Kind::Text))
            return Text(repeated(many->asText().bytes(), times->asInt(), runtime), many->asText().markup());
        if (many->isSequence()) return repeatedItems(*many, times->asInt(), runtime);
    }
    unsupported("*", a, b);
}

Value divide(const Value& a, const Value& b, Runtime& /*runtime*/) {
    if (!a.isNumber() || !b.isNumber()) unsupported("/", a, b);
    if (b.asNumber() == 0) fail("division by zero");
    if (a.isWhole() && b.isWhole())
        return static_cast<double>(static_cast<long double>(a.asInt()) / static_cast<long double>(b.asInt()));
    return a.asNumber() / b.asNumber();
}

Value floorDivide(const Value& a, const Value& b, Runtime& /*runtime*/) {
    if (!a.isNumber() || !b.isNumber()) unsupported("//", a, b);
    if (b.asNumber() == 0) fail("division by zero");
    if (a.isWhole() && b.isWhole()) return floorQuotient(a.asInt(), b.asInt());
    return floorQuotient(a.asNumber(), b.asNumber());
}

Value modulo(const Value& a, const Value& b, Runtime& runtime) {
    if (a.is(Kind::Text)) return percentFormat(a.asText(), b, runtime);
    if (!a.isNumber() || !b.isNumber()) unsupported("%", a, b);
    if (b.asNumber() == 0) fail("modulo by zero");
    if (a.isWhole() && b.isWhole()) {
        if (b.asInt() == -1) return 0;
        const std::int64_t rest = a.asInt() % b.asInt();
        return rest != 0 && (rest < 0) != (b.asInt() < 0) ? rest + b.asInt() : rest;
    }
    return floorRemainder(a.asNumber(), b.asNumber());
}

Value power(const Value& a, const Value& b, Runtime& /*runtime*/) {
    if (!a.isNumber() || !b.isNumber()) unsupported("** or pow()", a, b);
    if (a.isWhole() && b.isWhole() && b.asInt() >= 0) return wholePower(a.asInt(), b.asInt());
    if (a.asNumber() == 0 && b.asNumber() < 0) fail("0.0 cannot be raised to a negative power");
    if (a.asNumber() < 0 && std::isfinite(a.asNumber()) && std::isfinite(b.asNumber()) &&
        b.asNumber() != std::floor(b.asNumber()))
        fail("a negative number has no real power of a fraction");
    const double result = std::pow(a.asNumber(), b.asNumber());
    if (std::isinf(result) && std::isfinite(a.asNumber()) && std::isfinite(b.asNumber()))
        fail("numerical result out of range");
    return result;
}

Value negate(const Value& value) {
    requireDefined(value);
    if (!value.isNumber()) fail("bad operand type for unary -: '" + value.typeName() + "'");
    if (value.is(Kind::Float)) return -value.asNumber();
    if (value.asInt() == std::numeric_limits<std::int64_t>::min()) tooLarge();
    return -value.asInt();
}

Value plus(const Value& value) {
    requireDefined(value);
    if (!value.isNumber()) fail("bad operand type for unary +: '" + value.typeName() + "'");
    return value.is(Kind::Float) ? value : Value(value.asInt());
}

}  // namespace fluxscope::jinja
