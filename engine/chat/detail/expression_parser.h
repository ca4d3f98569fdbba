// The expressions of a template, from `a if b else c` down to names and literals.
#pragma once

#include "engine/chat/detail/syntax.h"
#include "engine/chat/detail/token_stream.h"

#include <set>

namespace fluxscope::jinja {

inline constexpr int kDeepestSyntax = 120;  // Python's own parser of templates gives up a little earlier

class ExpressionParser {
public:
    explicit ExpressionParser(TokenStream& tokens) : tokens_(tokens) {}

    ExprPtr expression();                    // one
    ExprPtr tuple(bool conditional = true);  // one, or several with commas
    ExprPtr target(bool fields = false);     // what can be assigned to
    std::string nameTarget();
    ExprPtr filters(ExprPtr base);           // |a|b, base may be null
    ExprPtr filterChain();                   // a|b, of a block
    ExprPtr call(ExprPtr callee);            // (...)
    ExprPtr unary(bool withFilters = true);  // of a call block

    // Filters and tests that are not known, with their lines. Unknown ones may stand where a condition guards them, as in Jinja2;
    // whoever opens and closes such places says which are kept.
    struct Unknown {
        int line;
        std::string problem;
    };
    std::vector<Unknown> unknown;
    std::set<std::string> names;  // spoken of, since whoever cares emptied it
    int loopTargets = 0;          // assignments to the name "loop"

    // Everything that recurses stands on one of these.
    class Level {
    public:
        explicit Level(ExpressionParser& parser) : parser_(parser) {
            if (++parser_.depth_ > kDeepestSyntax) {
                --parser_.depth_;
                parser_.tooDeep();
            }
        }
        ~Level() { --parser_.depth_; }
        Level(const Level&) = delete;
        Level& operator=(const Level&) = delete;

    private:
        ExpressionParser& parser_;
    };

private:
    [[noreturn]] void tooDeep() const {
        throw TemplateError{.line = tokens_.line(),
                            .problem = "nests deeper than " + std::to_string(kDeepestSyntax) + " levels",
                            .overLimit = true,
                            .limit = "nesting"};
    }
    ExprPtr make(ExprKind kind, int line) const;
    ExprPtr closed(ExprPtr expr) const;  // with its depth, once its parts are in
    template <class... Parts>
    ExprPtr node(ExprKind kind, int line, Parts... parts) const {
        ExprPtr expr = make(kind, line);
        (expr->items.push_back(std::move(parts)), ...);
        return closed(std::move(expr));
    }

    ExprPtr orOperation();
    ExprPtr andOperation();
    ExprPtr notOperation();
    ExprPtr comparison();
    ExprPtr sum();
    ExprPtr concatenation();
    ExprPtr product();
    ExprPtr powerOperation();
    ExprPtr primary(bool fields = false);
    ExprPtr tupleOf(bool simple, bool conditional, bool parenthesized, bool fields);
    ExprPtr listLiteral();
    ExprPtr dictLiteral();
    ExprPtr postfix(ExprPtr expr);
    ExprPtr filtered(ExprPtr expr);
    ExprPtr subscript(ExprPtr expr);
    ExprPtr subscripted();
    CallArguments arguments();
    ExprPtr filter(ExprPtr base);
    ExprPtr test(ExprPtr expr);
    void requireAssignable(const Expr& expr);

    TokenStream& tokens_;
    int depth_ = 0;
};

}  // namespace fluxscope::jinja
