#include "engine/chat/detail/interpreter.h"

#include "engine/chat/detail/globals.h"
#include "engine/chat/detail/loop.h"
#include "engine/chat/detail/operations.h"

#include <algorithm>
#include <functional>

namespace fluxscope::jinja {
namespace {

// A macro as a value: its statement, and the names around it.
class Macro : public Object {
public:
    Macro(Interpreter& interpreter, const Stmt& macro, ScopePtr scope)
        : interpreter_(interpreter), macro_(macro), scope_(std::move(scope)) {}

    std::string typeName() const override { return "Macro"; }
    std::optional<std::string> repr(Runtime& /*runtime*/) override {
        return macro_.name.empty() ? "<Macro anonymous>" : "<Macro '" + macro_.name + "'>";
    }
    std::optional<Value> attribute(const std::string& name, Runtime& /*runtime*/) override {
        if (name == "name") return macro_.name.empty() ? Value() : Value(Text(macro_.name));
        if (name == "arguments") {
            std::vector<Value> names;
            for (const Parameter& parameter : macro_.parameters) names.emplace_back(parameter.name);
            return Value::tuple(std::move(names));
        }
        if (name == "caller") return Value(macro_.takesCaller);
        if (name == "catch_kwargs") return Value(macro_.takesKwargs);
        if (name == "catch_varargs") return Value(macro_.takesVarargs);
        return std::nullopt;
    }
    bool callable() const override { return true; }
    Value call(Runtime& /*runtime*/, const Arguments& arguments) override {
        return interpreter_.callMacro(macro_, scope_, arguments);
    }

private:
    Interpreter& interpreter_;
    const Stmt& macro_;
    ScopePtr scope_;
};

// What a loop with `if` goes through: the values for which the condition holds, each tried when the loop gets there.
class ChosenIterator : public Iterator {
public:
    using Holds = std::function<bool(const Value&)>;
    ChosenIterator(std::shared_ptr<Iterator> values, Holds holds)
        : values_(std::move(values)), holds_(std::move(holds)) {}
    std::optional<Value> next(Runtime& runtime) override {
        while (std::optional<Value> value = values_->next(runtime)) {
            runtime.step();
            if (holds_(*value)) return value;
        }
        return std::nullopt;
    }

private:
    std::shared_ptr<Iterator> values_;
    Holds holds_;
};

}  // namespace

Interpreter::Flow Interpreter::execute(const Block& block, const ScopePtr& scope, std::string& out) {
    for (const Stmt& statement : block)
        if (const Flow flow = execute(statement, scope, out); flow != Flow::Normal) return flow;
    return Flow::Normal;
}

Interpreter::Flow Interpreter::execute(const Stmt& statement, const ScopePtr& scope, std::string& out) {
    const Runtime::Level level(runtime_);
    runtime_.step();
    runtime_.line = statement.line;
    switch (statement.kind) {
        case StmtKind::Data: runtime_.output(out, statement.text); return Flow::Normal;
        case StmtKind::Output:
            for (const ExprPtr& expr : statement.exprs)
                runtime_.output(out, textOf(evaluate(*expr, scope), runtime_));
            return Flow::Normal;
        case StmtKind::If: return condition(statement, scope, out);
        case StmtKind::For: {
            if (statement.recursive) {
                out += loopOver(statement, scope, evaluate(*statement.exprs[0], scope), 0);
                return Flow::Normal;
            }
            return loop(statement, scope, evaluate(*statement.exprs[0], scope), 0, out);
        }
        case StmtKind::Set:
            requireNamespaces(*statement.target, scope);
            assign(*statement.target, evaluate(*statement.exprs[0], scope), scope);
            return Flow::Normal;
        case StmtKind::Macro: scope->set(statement.name, macroOf(statement, scope)); return Flow::Normal;
        case StmtKind::CallBlock: callBlock(statement, scope, out); return Flow::Normal;
        case StmtKind::SetBlock:
        case StmtKind::Filter:
        case StmtKind::Scope: return capture(statement, scope, std::make_shared<Scope>(scope), out);
        case StmtKind::With: {
            const auto inner = std::make_shared<Scope>(scope);
            for (std::size_t i = 0; i < statement.targets.size(); ++i)
                assign(*statement.targets[i], evaluate(*statement.exprs[i], scope), inner);
            return execute(statement.branches[0], inner, out);
        }
        case StmtKind::Break: return Flow::Break;
        case StmtKind::Continue: return Flow::Continue;
    }
    return Flow::Normal;
}

Interpreter::Flow Interpreter::condition(const Stmt& statement, const ScopePtr& scope, std::string& out) {
    for (std::size_t i = 0; i < statement.branches.size(); ++i)
        if (i >= statement.exprs.size() || truthOf(evaluate(*statement.exprs[i], scope), runtime_))
            return execute(statement.branches[i], scope, out);
    return Flow::Normal;
}

// A body that writes into a text of its own, which then goes through a filter, to a name, or out. Left by break or continue, the
// text is lost, as in Jinja2.
Interpreter::Flow Interpreter::capture(const Stmt& statement, const ScopePtr& scope, const ScopePtr& inner,
                                       std::string& out) {
    std::string text;
    if (const Flow flow = execute(statement.branches[0], inner, text); flow != Flow::Normal) return flow;
    Value value = runtime_.text(std::move(text));
    runtime_.line = statement.line;
    if (statement.filter) value = filtered(*statement.filter, inner, &value);
    if (statement.kind == StmtKind::SetBlock) {
        requireNamespaces(*statement.target, scope);
        assign(*statement.target, value, scope);
    } else {
        runtime_.output(out, textOf(value, runtime_));
    }
    return Flow::Normal;
}

std::string Interpreter::loopOver(const Stmt& statement, const ScopePtr& scope, const Value& values,
                                  std::int64_t depth) {
    std::string out;
    loop(statement, scope, values, depth, out);
    return out;
}

Interpreter::Flow Interpreter::loop(const Stmt& statement, const ScopePtr& scope, const Value& values,
                                    std::int64_t depth, std::string& out) {
    const Runtime::Level level(runtime_);
    std::shared_ptr<Iterator> items = iterate(values, runtime_);
    const Expr* const condition = statement.exprs[1].get();
    if (condition != nullptr)
        items = std::make_shared<ChosenIterator>(std::move(items),
                                                 [this, &statement, condition, scope](const Value& value) {
                                                     const auto inner = std::make_shared<Scope>(scope);
                                                     assign(*statement.target, value, inner);
                                                     return truthOf(evaluate(*condition, inner), runtime_);
                                                 });
    const auto context = std::make_shared<LoopContext>(
        std::move(items), condition == nullptr ? std::optional<Value>(values) : std::nullopt, depth);
    if (statement.recursive) context->makeRecursive(*this, statement, scope);

    bool unfinished = true;  // until a body has run to its end
    while (std::optional<Value> value = context->next(runtime_)) {
        runtime_.step();
        const auto inner = std::make_shared<Scope>(scope);
        inner->set("loop", context);
        assign(*statement.target, *value, inner);
        const Flow flow = execute(statement.branches[0], inner, out);
        if (flow == Flow::Break) break;
        if (flow == Flow::Normal) unfinished = false;
    }
    context->forget();  // somebody may still hold it
    if (unfinished && statement.branches.size() > 1)
        return execute(statement.branches[1], std::make_shared<Scope>(scope), out);
    return Flow::Normal;
}

void Interpreter::requireNamespaces(const Expr& target, const ScopePtr& scope) {
    if (target.kind == ExprKind::Field && lookUp(target.name, scope).object<Namespace>() == nullptr)
        fail("cannot assign attribute on non-namespace object");
    if (target.kind == ExprKind::Tuple)
        for (const ExprPtr& item : target.items) requireNamespaces(*item, scope);
}

void Interpreter::assign(const Expr& target, const Value& value, const ScopePtr& scope) {
    switch (target.kind) {
        case ExprKind::Name: scope->set(target.name, value); return;
        case ExprKind::Field: {
            const Value held = lookUp(target.name, scope);
            auto* const space = held.object<Namespace>();
            if (space == nullptr) fail("cannot assign attribute on non-namespace object");
            runtime_.bytes(sizeof(Value));
            space->set(target.attribute, value);
            return;
        }
        default: break;
    }
    const std::vector<Value> values = collected(value, runtime_);
    if (values.size() != target.items.size())
        fail("cannot unpack " + std::to_string(values.size()) + " values into " +
             std::to_string(target.items.size()) + " names");
    for (std::size_t i = 0; i < values.size(); ++i) assign(*target.items[i], values[i], scope);
}

Value Interpreter::macroOf(const Stmt& statement, const ScopePtr& scope) {
    runtime_.bytes(sizeof(Macro));
    runtime_.keep(scope);
    return std::make_shared<Macro>(*this, statement, scope);
}

void Interpreter::callBlock(const Stmt& statement, const ScopePtr& scope, std::string& out) {
    const Value caller = macroOf(statement, scope);
    const Value written = call(*statement.exprs[0], scope, &caller);
    runtime_.output(out, textOf(written, runtime_));
}

Value Interpreter::callMacro(const Stmt& macro, const ScopePtr& definedIn, const Arguments& arguments) {
    const auto scope = std::make_shared<Scope>(definedIn);
    std::vector<std::pair<std::string, Value>> named = arguments.named;
    const auto takeNamed = [&](const std::string& name) -> std::optional<Value> {
        const auto found =
            std::find_if(named.begin(), named.end(), [&](const auto& n) { return n.first == name; });
        if (found == named.end()) return std::nullopt;
        std::optional<Value> value = std::move(found->second);
        named.erase(found);
        return value;
    };
    const std::size_t places = std::min(arguments.positional.size(), macro.parameters.size());
    for (std::size_t i = 0; i < macro.parameters.size(); ++i) {
        const Parameter& parameter = macro.parameters[i];
        std::optional<Value> value =
            i < places ? std::optional<Value>(arguments.positional[i]) : takeNamed(parameter.name);
        if (!value && parameter.otherwise) value = evaluate(*parameter.otherwise, scope);
        scope->set(parameter.name,
                   value ? *value : Value::undefined("parameter '" + parameter.name + "' was not provided"));
    }
    if (macro.takesCaller) {
        const std::optional<Value> caller = takeNamed("caller");
        scope->set("caller",
                   caller && !caller->is(Kind::None) ? *caller : Value::undefined("No caller defined"));
    }
    if (macro.takesKwargs) {
        const auto rest = std::make_shared<Dict>();
        for (const auto& [name, value] : named) rest->set(Text(name), value);
        scope->set("kwargs", Value(std::shared_ptr<const Dict>(rest)));
    } else if (!named.empty()) {
        fail("macro '" + macro.name + "' takes no keyword argument '" + named.front().first + "'");
    }
    if (macro.takesVarargs)
        scope->set("varargs",
                   Value::tuple({arguments.positional.begin() + static_cast<std::ptrdiff_t>(places),
                                 arguments.positional.end()}));
    else if (arguments.positional.size() > macro.parameters.size())
        fail("macro '" + macro.name + "' takes not more than " + std::to_string(macro.parameters.size()) +
             " argument(s)");

    std::string out;
    execute(macro.branches[0], scope, out);
    return runtime_.text(std::move(out));
}

}  // namespace fluxscope::jinja
