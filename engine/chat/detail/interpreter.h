// Walks a template's tree: statements write, expressions give values. Expressions in expressions.cpp, statements in
// interpreter.cpp, loops and macros as values in loop.h and macro.h.
#pragma once

#include "engine/chat/detail/runtime.h"
#include "engine/chat/detail/scope.h"
#include "engine/chat/detail/syntax.h"

namespace fluxscope::jinja {

class LoopContext;

class Interpreter {
public:
    explicit Interpreter(Runtime& runtime) : runtime_(runtime) {}

    void run(const Block& block, const ScopePtr& scope, std::string& out) { execute(block, scope, out); }
    Value evaluate(const Expr& expr, const ScopePtr& scope);
    // What a macro or a call block's body writes, its parameters bound.
    Value callMacro(const Stmt& macro, const ScopePtr& definedIn, const Arguments& arguments);
    // What a recursive loop writes over `values`.
    std::string loopOver(const Stmt& loop, const ScopePtr& scope, const Value& values, std::int64_t depth);

private:
    enum class Flow : std::uint8_t { Normal, Break, Continue };

    Flow execute(const Block& block, const ScopePtr& scope, std::string& out);
    Flow execute(const Stmt& statement, const ScopePtr& scope, std::string& out);
    Flow condition(const Stmt& statement, const ScopePtr& scope, std::string& out);
    Flow loop(const Stmt& statement, const ScopePtr& scope, const Value& values, std::int64_t depth,
              std::string& out);
    Flow capture(const Stmt& statement, const ScopePtr& scope, const ScopePtr& inner, std::string& out);
    void callBlock(const Stmt& statement, const ScopePtr& scope, std::string& out);
    void assign(const Expr& target, const Value& value, const ScopePtr& scope);
    void requireNamespaces(const Expr& target, const ScopePtr& scope);
    Value macroOf(const Stmt& statement, const ScopePtr& scope);

    Value lookUp(const std::string& name, const ScopePtr& scope) const;
    Value binary(const Expr& expr, const ScopePtr& scope);
    Value compare(const Expr& expr, const ScopePtr& scope);
    Value item(const Expr& expr, const ScopePtr& scope);
    Value dict(const Expr& expr, const ScopePtr& scope);
    Value call(const Expr& expr, const ScopePtr& scope, const Value* caller);
    Value filtered(const Expr& expr, const ScopePtr& scope, const Value* captured);
    std::vector<Value> evaluateAll(const std::vector<ExprPtr>& exprs, const ScopePtr& scope);
    Arguments arguments(const CallArguments& call, const ScopePtr& scope);

    Runtime& runtime_;
};

}  // namespace fluxscope::jinja
