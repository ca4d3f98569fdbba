#include "engine/chat/detail/attributes.h"
#include "engine/chat/detail/filters.h"
#include "engine/chat/detail/globals.h"
#include "engine/chat/detail/interpreter.h"
#include "engine/chat/detail/operations.h"
#include "engine/chat/detail/tests.h"

#include <algorithm>

namespace fluxscope::jinja {

Value Interpreter::evaluate(const Expr& expr, const ScopePtr& scope) {
    const Runtime::Level level(runtime_);
    runtime_.step();
    runtime_.line = expr.line;
    const auto part = [&](std::size_t i) { return evaluate(*expr.items[i], scope); };
    switch (expr.kind) {
        case ExprKind::Constant: return expr.value;
        case ExprKind::Name: return lookUp(expr.name, scope);
        case ExprKind::Field: return attributeOf(lookUp(expr.name, scope), expr.attribute, runtime_);
        case ExprKind::List: return runtime_.list(evaluateAll(expr.items, scope));
        case ExprKind::Tuple: return Value::tuple(evaluateAll(expr.items, scope));
        case ExprKind::Dict: return dict(expr, scope);
        case ExprKind::Attribute: {
            const Value value = part(0);
            runtime_.line = expr.line;
            return attributeOf(value, expr.attribute, runtime_);
        }
        case ExprKind::Item: return item(expr, scope);
        case ExprKind::Slice: fail("a slice stands alone in square brackets");
        case ExprKind::Call: return call(expr, scope, nullptr);
        case ExprKind::Filter: return filtered(expr, scope, nullptr);
        case ExprKind::Test: {
            const TestFunction test = findTest(expr.name);
            if (test == nullptr) fail(unknownTest(expr.name));
            const Value value = part(0);
            return test(runtime_, value, arguments(expr.call, scope));
        }
        case ExprKind::Not: return !truthOf(part(0), runtime_);
        case ExprKind::Negative: return negate(part(0));
        case ExprKind::Positive: return plus(part(0));
        case ExprKind::Binary: return binary(expr, scope);
        case ExprKind::Concat: {
            std::string text;
            for (const Value& value : evaluateAll(expr.items, scope))
                runtime_.output(text, textOf(value, runtime_));
            return Text(std::move(text));
        }
        case ExprKind::Compare: return compare(expr, scope);
        case ExprKind::And: {
            Value left = part(0);
            return truthOf(left, runtime_) ? part(1) : left;
        }
        case ExprKind::Or: {
            Value left = part(0);
            return truthOf(left, runtime_) ? left : part(1);
        }
        case ExprKind::Conditional:
            if (truthOf(part(1), runtime_)) return part(0);
            if (expr.items[2]) return part(2);
            return Value::undefined(
                "the inline if-expression evaluated to false and no else section was defined.");
    }
    return {};
}

Value Interpreter::lookUp(const std::string& name, const ScopePtr& scope) const {
    if (const Value* const found = scope->find(name)) return *found;
    if (const auto global = globalFunctions().find(name); global != globalFunctions().end())
        return global->second;
    if (name == "self") fail("'self', the template as an object, is not understood");
    return Value::undefined("'" + name + "' is undefined");
}

Value Interpreter::binary(const Expr& expr, const ScopePtr& scope) {
    const Value a = evaluate(*expr.items[0], scope);
    const Value b = evaluate(*expr.items[1], scope);
    runtime_.line = expr.line;
    switch (expr.signs[0]) {
        case Sign::Add: return add(a, b, runtime_);
        case Sign::Subtract: return subtract(a, b, runtime_);
        case Sign::Multiply: return multiply(a, b, runtime_);
        case Sign::Divide: return divide(a, b, runtime_);
        case Sign::FloorDivide: return floorDivide(a, b, runtime_);
        case Sign::Modulo: return modulo(a, b, runtime_);
        default: return power(a, b, runtime_);
    }
}

Value Interpreter::compare(const Expr& expr, const ScopePtr& scope) {
    Value a = evaluate(*expr.items[0], scope);
    for (std::size_t i = 0; i < expr.signs.size(); ++i) {
        Value b = evaluate(*expr.items[i + 1], scope);
        const auto holds = [&] {
            switch (expr.signs[i]) {
                case Sign::Equal: return equal(a, b, runtime_);
                case Sign::NotEqual: return !equal(a, b, runtime_);
                case Sign::Less: return less(a, b, "<", runtime_);
                case Sign::LessOrEqual: return lessOrEqual(a, b, "<=", runtime_);
                case Sign::Greater: return less(b, a, ">", runtime_);
                case Sign::GreaterOrEqual: return lessOrEqual(b, a, ">=", runtime_);
                case Sign::NotIn: return !contains(b, a, runtime_);
                default: return contains(b, a, runtime_);
            }
        };
        if (!holds()) return false;
        a = std::move(b);
    }
    return true;
}

Value Interpreter::item(const Expr& expr, const ScopePtr& scope) {
    const Value value = evaluate(*expr.items[0], scope);
    const Expr& key = *expr.items[1];
    if (key.kind != ExprKind::Slice) return itemOf(value, evaluate(key, scope), runtime_);
    const auto part = [&](std::size_t i) { return key.items[i] ? evaluate(*key.items[i], scope) : Value(); };
    const Value start = part(0);
    const Value stop = part(1);
    const Value step = part(2);
    requireDefined(value);
    if (std::optional<Value> slice = sliced(value, start, stop, step, runtime_)) return *slice;
    fail("'" + value.typeName() + "' object has no slices");
}

Value Interpreter::dict(const Expr& expr, const ScopePtr& scope) {
    const auto made = std::make_shared<Dict>();
    runtime_.bytes(expr.items.size() * sizeof(Value));
    for (std::size_t i = 0; i < expr.items.size(); i += 2) {
        const Value key = evaluate(*expr.items[i], scope);
        made->set(key, evaluate(*expr.items[i + 1], scope));
    }
    return Value(std::shared_ptr<const Dict>(made));
}

Value Interpreter::call(const Expr& expr, const ScopePtr& scope, const Value* caller) {
    const Value callee = evaluate(*expr.items[0], scope);
    Arguments given = arguments(expr.call, scope);
    if (caller != nullptr) given.named.emplace_back("caller", *caller);
    runtime_.line = expr.line;
    requireDefined(callee);
    if (!callee.is(Kind::Object) || !callee.asObject()->callable())
        fail("'" + callee.typeName() + "' object is not callable");
    Value result = callee.asObject()->call(runtime_, given);
    runtime_.line = expr.line;
    return result;
}

Value Interpreter::filtered(const Expr& expr, const ScopePtr& scope, const Value* captured) {
    const FilterFunction filter = findFilter(expr.name);
    if (filter == nullptr) fail(unknownFilter(expr.name));
    const Value value = !expr.items[0]                            ? *captured
                        : expr.items[0]->kind == ExprKind::Filter ? filtered(*expr.items[0], scope, captured)
                                                                  : evaluate(*expr.items[0], scope);
    const Arguments given = arguments(expr.call, scope);
    runtime_.line = expr.line;
    return filter(runtime_, value, given);
}

std::vector<Value> Interpreter::evaluateAll(const std::vector<ExprPtr>& exprs, const ScopePtr& scope) {
    std::vector<Value> values;
    values.reserve(exprs.size());
    for (const ExprPtr& expr : exprs) values.push_back(evaluate(*expr, scope));
    return values;
}

Arguments Interpreter::arguments(const CallArguments& call, const ScopePtr& scope) {
    Arguments given;
    given.positional = evaluateAll(call.positional, scope);
    for (const auto& [name, expr] : call.named) given.named.emplace_back(name, evaluate(*expr, scope));
    if (call.rest) {
        const std::vector<Value> rest = collected(evaluate(*call.rest, scope), runtime_);
        given.positional.insert(given.positional.end(), rest.begin(), rest.end());
    }
    if (call.restNamed) {
        const Value rest = evaluate(*call.restNamed, scope);
        if (!rest.is(Kind::Dict))
            fail("the argument behind ** must be a dictionary, not '" + rest.typeName() + "'");
        for (const auto& [key, value] : rest.asDict().entries) {
            if (!key.is(Kind::Text)) fail("keywords must be strings");
            const std::string& name = key.asText().bytes();
            if (std::any_of(given.named.begin(), given.named.end(),
                            [&](const auto& n) { return n.first == name; }))
                fail("got multiple values for keyword argument '" + name + "'");
            given.named.emplace_back(name, value);
        }
    }
    return given;
}

}  // namespace fluxscope::jinja
