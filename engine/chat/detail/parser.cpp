#include "engine/chat/detail/parser.h"

#include "engine/chat/detail/expression_parser.h"

#include <algorithm>
#include <initializer_list>

namespace fluxscope::jinja {
namespace {

using Ends = std::initializer_list<std::string_view>;

class Parser {
public:
    explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)), expressions_(tokens_) {}

    Program run() {
        Program program;
        program.body = block({});
        refuseUnknown(0);
        return program;
    }

private:
    // Statements up to a block that begins with one of `ends`, whose name is then next.
    Block block(Ends ends) {
        const ExpressionParser::Level level(expressions_);
        Block body;
        while (!tokens_.at(TokenKind::End)) {
            if (tokens_.at(TokenKind::Data)) {
                Stmt data = statement(StmtKind::Data);
                data.text = tokens_.take().text;
                body.push_back(std::move(data));
            } else if (tokens_.at(TokenKind::VariableBegin)) {
                Stmt output = statement(StmtKind::Output);
                tokens_.take();
                output.exprs.push_back(expressions_.tuple());
                tokens_.expect(TokenKind::VariableEnd, "'}}'");
                body.push_back(std::move(output));
            } else {
                tokens_.expect(TokenKind::BlockBegin, "'{%'");
                if (std::any_of(ends.begin(), ends.end(),
                                [&](std::string_view end) { return tokens_.atName(end); }))
                    return body;
                body.push_back(tagged());
                tokens_.expect(TokenKind::BlockEnd, "'%}'");
            }
        }
        if (ends.size() > 0)
            tokens_.refuse("the template ends where '" + std::string(*(ends.end() - 1)) + "' was expected");
        return body;
    }

    // The body of a statement whose own tag ends here.
    Block body(Ends ends) {
        tokens_.skipSign(":");
        tokens_.expect(TokenKind::BlockEnd, "'%}'");
        return block(ends);
    }
    Block bodyTo(std::string_view end) {
        Block inside = body({end});
        tokens_.take();
        return inside;
    }

    Stmt statement(StmtKind kind) const {
        Stmt made;
        made.kind = kind;
        made.line = tokens_.line();
        return made;
    }

    // What an inner scope holds is compiled as a unit: no condition outside of it excuses an unknown filter.
    void refuseUnknown(std::size_t from) {
        if (expressions_.unknown.size() > from)
            throw TemplateError{.line = expressions_.unknown[from].line,
                                .problem = expressions_.unknown[from].problem};
    }
    template <class Work>
    void inScope(Work work) {
        const std::size_t before = expressions_.unknown.size();
        work();
        refuseUnknown(before);
    }

    Stmt tagged() {
        if (!tokens_.at(TokenKind::Name))
            tokens_.refuse("expected the name of a tag, got " + TokenStream::shown(tokens_.now()));
        const std::string tag = tokens_.now().text;
        if (tag == "for") return forLoop();
        if (tag == "if") return condition();
        if (tag == "set") return assignment();
        if (tag == "macro") return macro();
        if (tag == "call") return callBlock();
        if (tag == "filter") return filterBlock();
        if (tag == "with") return withBlock();
        if (tag == "print") return print();
        if (tag == "generation") return generation();
        if (tag == "break" || tag == "continue") return loopControl();
        for (const char* other : {"block", "extends", "include", "import", "from", "autoescape"})
            if (tag == other) tokens_.refuse("'" + tag + "' is not understood: a template here is one text");
        tokens_.refuse("unknown tag '" + tag.substr(0, 40) + "'");
    }

    Stmt forLoop() {
        Stmt loop = statement(StmtKind::For);
        const int targetsBefore = expressions_.loopTargets;
        tokens_.expectName("for");
        loop.target = expressions_.target();
        tokens_.expectName("in");
        loop.exprs.push_back(expressions_.tuple(false));
        inScope([&] {
            loop.exprs.push_back(tokens_.skipName("if") ? expressions_.expression() : nullptr);
            loop.recursive = tokens_.skipName("recursive");
            ++loops_;
            loop.branches.push_back(body({"else", "endfor"}));
            --loops_;
            if (tokens_.take().text == "else") loop.branches.push_back(bodyTo("endfor"));
        });
        if (expressions_.loopTargets != targetsBefore)
            tokens_.refuse("a loop cannot assign to the name 'loop'");
        return loop;
    }

    Stmt condition() {
        Stmt branches = statement(StmtKind::If);
        const std::size_t guarded = expressions_.unknown.size();
        std::string tag = tokens_.take().text;
        while (tag != "endif") {
            if (tag != "else") branches.exprs.push_back(expressions_.tuple(false));
            branches.branches.push_back(tag == "else" ? body({"endif"}) : body({"elif", "else", "endif"}));
            tag = tokens_.take().text;
        }
        expressions_.unknown.resize(guarded);
        return branches;
    }

    Stmt assignment() {
        Stmt set = statement(StmtKind::Set);
        tokens_.expectName("set");
        set.target = expressions_.target(true);
        if (tokens_.skipSign("=")) {
            set.exprs.push_back(expressions_.tuple());
            return set;
        }
        set.kind = StmtKind::SetBlock;
        inScope([&] {
            if (tokens_.atSign("|")) set.filter = expressions_.filters(nullptr);
            set.branches.push_back(bodyTo("endset"));
        });
        return set;
    }

    void signature(Stmt& macro) {
        tokens_.expectSign("(");
        bool defaults = false;
        while (!tokens_.atSign(")")) {
            if (!macro.parameters.empty()) tokens_.expectSign(",");
            Parameter parameter{.name = expressions_.nameTarget(), .otherwise = nullptr};
            if (tokens_.skipSign("=")) {
                parameter.otherwise = expressions_.expression();
                defaults = true;
            } else if (defaults) {
                tokens_.refuse("a parameter without a default follows one with a default");
            }
            macro.parameters.push_back(std::move(parameter));
        }
        tokens_.expectSign(")");
    }

    // A body that is a function of its own: no loop outside of it can be left from inside.
    void functionBody(Stmt& macro, std::string_view end) {
        std::set<std::string> outside;
        std::swap(outside, expressions_.names);
        const int loops = std::exchange(loops_, 0);
        macro.branches.push_back(bodyTo(end));
        loops_ = loops;
        macro.takesCaller = expressions_.names.contains("caller");
        macro.takesVarargs = expressions_.names.contains("varargs");
        macro.takesKwargs = expressions_.names.contains("kwargs");
        for (const Parameter& parameter : macro.parameters) {
            if (parameter.name == "caller" && macro.takesCaller && !parameter.otherwise)
                tokens_.refuse("the parameter 'caller' needs a default");
            if (parameter.name == "caller") macro.takesCaller = false;
            if (parameter.name == "varargs") macro.takesVarargs = false;
            if (parameter.name == "kwargs") macro.takesKwargs = false;
        }
        expressions_.names.merge(outside);
    }

    Stmt macro() {
        Stmt macro = statement(StmtKind::Macro);
        tokens_.expectName("macro");
        macro.name = expressions_.nameTarget();
        inScope([&] {
            signature(macro);
            functionBody(macro, "endmacro");
        });
        return macro;
    }

    Stmt callBlock() {
        Stmt call = statement(StmtKind::CallBlock);
        tokens_.expectName("call");
        inScope([&] {
            if (tokens_.atSign("(")) signature(call);
            call.exprs.push_back(expressions_.unary());
            if (call.exprs.back()->kind != ExprKind::Call) tokens_.refuse("expected a call");
            functionBody(call, "endcall");
        });
        return call;
    }

    Stmt generation() {
        Stmt scope = statement(StmtKind::Scope);
        tokens_.take();
        inScope([&] { functionBody(scope, "endgeneration"); });
        return scope;
    }

    Stmt filterBlock() {
        Stmt filter = statement(StmtKind::Filter);
        tokens_.take();
        inScope([&] {
            filter.filter = expressions_.filterChain();
            filter.branches.push_back(bodyTo("endfilter"));
        });
        return filter;
    }

    Stmt withBlock() {
        Stmt with = statement(StmtKind::With);
        tokens_.take();
        inScope([&] {
            while (!tokens_.at(TokenKind::BlockEnd)) {
                if (!with.targets.empty()) tokens_.expectSign(",");
                with.targets.push_back(expressions_.target());
                tokens_.expectSign("=");
                with.exprs.push_back(expressions_.expression());
            }
            with.branches.push_back(bodyTo("endwith"));
        });
        return with;
    }

    Stmt print() {
        Stmt output = statement(StmtKind::Output);
        tokens_.take();
        while (!tokens_.at(TokenKind::BlockEnd)) {
            if (!output.exprs.empty()) tokens_.expectSign(",");
            output.exprs.push_back(expressions_.expression());
        }
        return output;
    }

    Stmt loopControl() {
        if (loops_ == 0) tokens_.refuse("'" + tokens_.now().text + "' outside of a loop");
        Stmt control = statement(tokens_.atName("break") ? StmtKind::Break : StmtKind::Continue);
        tokens_.take();
        return control;
    }

    TokenStream tokens_;
    ExpressionParser expressions_;
    int loops_ = 0;
};

}  // namespace

Program parsed(std::vector<Token> tokens) { return Parser(std::move(tokens)).run(); }

}  // namespace fluxscope::jinja
