#include "engine/chat/detail/expression_parser.h"

#include "engine/chat/detail/filters.h"
#include "engine/chat/detail/tests.h"

#include <algorithm>
#include <array>

namespace fluxscope::jinja {
namespace {

using NamedSign = std::pair<std::string_view, Sign>;

constexpr std::array<NamedSign, 6> kComparisons = {{{"==", Sign::Equal},
                                                    {"!=", Sign::NotEqual},
                                                    {"<", Sign::Less},
                                                    {"<=", Sign::LessOrEqual},
                                                    {">", Sign::Greater},
                                                    {">=", Sign::GreaterOrEqual}}};
constexpr std::array<NamedSign, 2> kSums = {{{"+", Sign::Add}, {"-", Sign::Subtract}}};
constexpr std::array<NamedSign, 4> kProducts = {
    {{"*", Sign::Multiply}, {"/", Sign::Divide}, {"//", Sign::FloorDivide}, {"%", Sign::Modulo}}};
constexpr std::array<NamedSign, 1> kPowers = {{{"**", Sign::Power}}};

template <std::size_t N>
std::optional<Sign> takeSign(TokenStream& tokens, const std::array<NamedSign, N>& signs) {
    for (const auto& [text, sign] : signs)
        if (tokens.skipSign(text)) return sign;
    return std::nullopt;
}

}  // namespace

ExprPtr ExpressionParser::make(ExprKind kind, int line) const {
    auto expr = std::make_unique<Expr>();
    expr->kind = kind;
    expr->line = line;
    return expr;
}

ExprPtr ExpressionParser::closed(ExprPtr expr) const {
    const auto deepen = [&](const ExprPtr& part) {
        if (part) expr->depth = std::max(expr->depth, part->depth + 1);
    };
    for (const ExprPtr& item : expr->items) deepen(item);
    for (const ExprPtr& argument : expr->call.positional) deepen(argument);
    for (const auto& [name, argument] : expr->call.named) deepen(argument);
    deepen(expr->call.rest);
    deepen(expr->call.restNamed);
    if (expr->depth > 2 * kDeepestSyntax) tooDeep();
    return expr;
}

ExprPtr ExpressionParser::expression() {
    const Level level(*this);
    const std::size_t unguarded = unknown.size();
    int line = tokens_.line();
    ExprPtr expr = orOperation();
    while (tokens_.skipName("if")) {
        ExprPtr condition = orOperation();
        ExprPtr otherwise = tokens_.skipName("else") ? expression() : nullptr;
        unknown.resize(unguarded);
        expr = node(ExprKind::Conditional, line, std::move(expr), std::move(condition), std::move(otherwise));
        line = tokens_.line();
    }
    return expr;
}

ExprPtr ExpressionParser::orOperation() {
    const int line = tokens_.line();
    ExprPtr left = andOperation();
    while (tokens_.skipName("or")) left = node(ExprKind::Or, line, std::move(left), andOperation());
    return left;
}

ExprPtr ExpressionParser::andOperation() {
    const int line = tokens_.line();
    ExprPtr left = notOperation();
    while (tokens_.skipName("and")) left = node(ExprKind::And, line, std::move(left), notOperation());
    return left;
}

ExprPtr ExpressionParser::notOperation() {
    const Level level(*this);
    const int line = tokens_.line();
    if (tokens_.skipName("not")) return node(ExprKind::Not, line, notOperation());
    return comparison();
}

ExprPtr ExpressionParser::comparison() {
    ExprPtr compare = make(ExprKind::Compare, tokens_.line());
    compare->items.push_back(sum());
    while (true) {
        if (const std::optional<Sign> sign = takeSign(tokens_, kComparisons)) {
            compare->signs.push_back(*sign);
        } else if (tokens_.skipName("in")) {
            compare->signs.push_back(Sign::In);
        } else if (tokens_.atName("not") && tokens_.ahead().kind == TokenKind::Name &&
                   tokens_.ahead().text == "in") {
            tokens_.take();
            tokens_.take();
            compare->signs.push_back(Sign::NotIn);
        } else {
            break;
        }
        compare->items.push_back(sum());
    }
    if (compare->signs.empty()) return std::move(compare->items.front());
    return closed(std::move(compare));
}

ExprPtr ExpressionParser::sum() {
    const int line = tokens_.line();
    ExprPtr left = concatenation();
    while (const std::optional<Sign> sign = takeSign(tokens_, kSums)) {
        left = node(ExprKind::Binary, line, std::move(left), concatenation());
        left->signs.push_back(*sign);
    }
    return left;
}

ExprPtr ExpressionParser::concatenation() {
    ExprPtr concat = make(ExprKind::Concat, tokens_.line());
    concat->items.push_back(product());
    while (tokens_.skipSign("~")) concat->items.push_back(product());
    if (concat->items.size() == 1) return std::move(concat->items.front());
    return closed(std::move(concat));
}

ExprPtr ExpressionParser::product() {
    const int line = tokens_.line();
    ExprPtr left = powerOperation();
    while (const std::optional<Sign> sign = takeSign(tokens_, kProducts)) {
        left = node(ExprKind::Binary, line, std::move(left), powerOperation());
        left->signs.push_back(*sign);
    }
    return left;
}

ExprPtr ExpressionParser::powerOperation() {
    const int line = tokens_.line();
    ExprPtr left = unary();
    while (const std::optional<Sign> sign = takeSign(tokens_, kPowers)) {
        left = node(ExprKind::Binary, line, std::move(left), unary());
        left->signs.push_back(*sign);
    }
    return left;
}

ExprPtr ExpressionParser::unary(bool withFilters) {
    const Level level(*this);
    const int line = tokens_.line();
    ExprPtr expr;
    if (tokens_.skipSign("-"))
        expr = node(ExprKind::Negative, line, unary(false));
    else if (tokens_.skipSign("+"))
        expr = node(ExprKind::Positive, line, unary(false));
    else
        expr = primary();
    expr = postfix(std::move(expr));
    return withFilters ? filtered(std::move(expr)) : std::move(expr);
}

ExprPtr ExpressionParser::primary(bool fields) {
    const int line = tokens_.line();
    if (tokens_.skipSign("(")) {
        ExprPtr inside = tupleOf(false, true, true, false);
        tokens_.expectSign(")");
        return inside;
    }
    if (tokens_.atSign("[")) return listLiteral();
    if (tokens_.atSign("{")) return dictLiteral();

    ExprPtr expr = make(ExprKind::Constant, line);
    switch (tokens_.now().kind) {
        case TokenKind::Name: {
            const std::string name = tokens_.take().text;
            if (name == "true" || name == "True") {
                expr->value = true;
            } else if (name == "false" || name == "False") {
                expr->value = false;
            } else if (name != "none" && name != "None") {
                expr->kind = ExprKind::Name;
                expr->name = name;
                names.insert(name);
                if (fields && tokens_.skipSign(".")) {
                    expr->kind = ExprKind::Field;
                    expr->attribute = tokens_.expect(TokenKind::Name, "a name").text;
                }
            }
            return expr;
        }
        case TokenKind::Text: {
            std::string text;
            while (tokens_.at(TokenKind::Text)) text += tokens_.take().text;
            expr->value = Text(std::move(text));
            return expr;
        }
        case TokenKind::Integer: expr->value = tokens_.take().integer; return expr;
        case TokenKind::Float: expr->value = tokens_.take().number; return expr;
        default: tokens_.refuse("unexpected " + TokenStream::shown(tokens_.now()));
    }
}

ExprPtr ExpressionParser::tuple(bool conditional) { return tupleOf(false, conditional, false, false); }

ExprPtr ExpressionParser::tupleOf(bool simple, bool conditional, bool parenthesized, bool fields) {
    const Level level(*this);
    ExprPtr tuple = make(ExprKind::Tuple, tokens_.line());
    bool commas = false;
    while (true) {
        if (!tuple->items.empty()) tokens_.expectSign(",");
        if (tokens_.at(TokenKind::VariableEnd) || tokens_.at(TokenKind::BlockEnd) || tokens_.atSign(")"))
            break;
        tuple->items.push_back(simple ? primary(fields) : conditional ? expression() : orOperation());
        if (!tokens_.atSign(",")) break;
        commas = true;
    }
    if (!commas) {
        if (!tuple->items.empty()) return std::move(tuple->items.front());
        if (!parenthesized)
            tokens_.refuse("expected an expression, got " + TokenStream::shown(tokens_.now()));
    }
    return closed(std::move(tuple));
}

ExprPtr ExpressionParser::listLiteral() {
    ExprPtr list = make(ExprKind::List, tokens_.line());
    tokens_.expectSign("[");
    while (!tokens_.atSign("]")) {
        if (!list->items.empty()) tokens_.expectSign(",");
        if (tokens_.atSign("]")) break;
        list->items.push_back(expression());
    }
    tokens_.expectSign("]");
    return closed(std::move(list));
}

ExprPtr ExpressionParser::dictLiteral() {
    ExprPtr dict = make(ExprKind::Dict, tokens_.line());
    tokens_.expectSign("{");
    while (!tokens_.atSign("}")) {
        if (!dict->items.empty()) tokens_.expectSign(",");
        if (tokens_.atSign("}")) break;
        dict->items.push_back(expression());
        tokens_.expectSign(":");
        dict->items.push_back(expression());
    }
    tokens_.expectSign("}");
    return closed(std::move(dict));
}

ExprPtr ExpressionParser::postfix(ExprPtr expr) {
    while (true) {
        if (tokens_.atSign(".") || tokens_.atSign("["))
            expr = subscript(std::move(expr));
        else if (tokens_.atSign("("))
            expr = call(std::move(expr));
        else
            return expr;
    }
}

ExprPtr ExpressionParser::filtered(ExprPtr expr) {
    while (true) {
        if (tokens_.atSign("|"))
            expr = filters(std::move(expr));
        else if (tokens_.atName("is"))
            expr = test(std::move(expr));
        else if (tokens_.atSign("("))
            expr = call(std::move(expr));
        else
            return expr;
    }
}

ExprPtr ExpressionParser::subscript(ExprPtr expr) {
    const int line = tokens_.line();
    if (tokens_.skipSign(".")) {
        if (tokens_.at(TokenKind::Name)) {
            ExprPtr attribute = node(ExprKind::Attribute, line, std::move(expr));
            attribute->attribute = tokens_.take().text;
            return attribute;
        }
        ExprPtr index = make(ExprKind::Constant, line);
        index->value = tokens_.expect(TokenKind::Integer, "a name or a number").integer;
        return node(ExprKind::Item, line, std::move(expr), std::move(index));
    }
    tokens_.expectSign("[");
    ExprPtr keys = make(ExprKind::Tuple, line);
    while (!tokens_.atSign("]")) {
        if (!keys->items.empty()) tokens_.expectSign(",");
        keys->items.push_back(subscripted());
    }
    tokens_.expectSign("]");
    ExprPtr key = keys->items.size() == 1 ? std::move(keys->items.front()) : closed(std::move(keys));
    return node(ExprKind::Item, line, std::move(expr), std::move(key));
}

ExprPtr ExpressionParser::subscripted() {
    ExprPtr slice = make(ExprKind::Slice, tokens_.line());
    if (!tokens_.atSign(":")) {
        ExprPtr first = expression();
        if (!tokens_.atSign(":")) return first;
        slice->items.push_back(std::move(first));
    } else {
        slice->items.push_back(nullptr);
    }
    tokens_.expectSign(":");
    const auto part = [&] {
        const bool absent = tokens_.atSign(":") || tokens_.atSign("]") || tokens_.atSign(",");
        slice->items.push_back(absent ? nullptr : expression());
    };
    part();
    if (tokens_.skipSign(":"))
        part();
    else
        slice->items.push_back(nullptr);
    return closed(std::move(slice));
}

CallArguments ExpressionParser::arguments() {
    CallArguments call;
    const auto ensure = [&](bool right) {
        if (!right) tokens_.refuse("invalid syntax for function call expression");
    };
    tokens_.expectSign("(");
    for (bool first = true; !tokens_.atSign(")"); first = false) {
        if (!first) {
            tokens_.expectSign(",");
            if (tokens_.atSign(")")) break;
        }
        if (tokens_.skipSign("*")) {
            ensure(!call.rest && !call.restNamed);
            call.rest = expression();
        } else if (tokens_.skipSign("**")) {
            ensure(!call.restNamed);
            call.restNamed = expression();
        } else if (tokens_.at(TokenKind::Name) && tokens_.ahead().kind == TokenKind::Operator &&
                   tokens_.ahead().text == "=") {
            ensure(!call.restNamed);
            std::string name = tokens_.take().text;
            tokens_.take();
            ensure(std::none_of(call.named.begin(), call.named.end(),
                                [&](const auto& n) { return n.first == name; }));
            call.named.emplace_back(std::move(name), expression());
        } else {
            ensure(!call.rest && !call.restNamed && call.named.empty());
            call.positional.push_back(expression());
        }
    }
    tokens_.expectSign(")");
    return call;
}

ExprPtr ExpressionParser::call(ExprPtr callee) {
    ExprPtr expr = make(ExprKind::Call, tokens_.line());
    expr->items.push_back(std::move(callee));
    expr->call = arguments();
    return closed(std::move(expr));
}

ExprPtr ExpressionParser::filter(ExprPtr base) {
    ExprPtr expr = make(ExprKind::Filter, tokens_.line());
    expr->name = tokens_.expect(TokenKind::Name, "the name of a filter").text;
    while (tokens_.skipSign(".")) expr->name += "." + tokens_.expect(TokenKind::Name, "a name").text;
    if (findFilter(expr->name) == nullptr) unknown.push_back({expr->line, unknownFilter(expr->name)});
    expr->items.push_back(std::move(base));
    if (tokens_.atSign("(")) expr->call = arguments();
    return closed(std::move(expr));
}

ExprPtr ExpressionParser::filters(ExprPtr base) {
    while (tokens_.skipSign("|")) base = filter(std::move(base));
    return base;
}

ExprPtr ExpressionParser::filterChain() { return filters(filter(nullptr)); }

ExprPtr ExpressionParser::test(ExprPtr expr) {
    const int line = tokens_.line();
    tokens_.expectName("is");
    const bool negated = tokens_.skipName("not");
    ExprPtr test = make(ExprKind::Test, line);
    test->name = tokens_.expect(TokenKind::Name, "the name of a test").text;
    while (tokens_.skipSign(".")) test->name += "." + tokens_.expect(TokenKind::Name, "a name").text;
    if (findTest(test->name) == nullptr) unknown.push_back({line, unknownTest(test->name)});
    test->items.push_back(std::move(expr));
    const bool takesOne = tokens_.at(TokenKind::Text) || tokens_.at(TokenKind::Integer) ||
                          tokens_.at(TokenKind::Float) || tokens_.atSign("[") || tokens_.atSign("{") ||
                          (tokens_.at(TokenKind::Name) && !tokens_.atName("else") && !tokens_.atName("or") &&
                           !tokens_.atName("and"));
    if (tokens_.atSign("(")) {
        test->call = arguments();
    } else if (takesOne) {
        if (tokens_.atName("is")) tokens_.refuse("you cannot chain multiple tests with is");
        test->call.positional.push_back(postfix(primary()));
    }
    test = closed(std::move(test));
    return negated ? node(ExprKind::Not, line, std::move(test)) : std::move(test);
}

void ExpressionParser::requireAssignable(const Expr& expr) {
    switch (expr.kind) {
        case ExprKind::Name:
            if (expr.name == "loop") ++loopTargets;
            return;
        case ExprKind::Field: return;
        case ExprKind::Tuple:
            for (const ExprPtr& item : expr.items) requireAssignable(*item);
            return;
        default: throw TemplateError{.line = expr.line, .problem = "can only assign to names"};
    }
}

ExprPtr ExpressionParser::target(bool fields) {
    ExprPtr expr = tupleOf(true, true, false, fields);
    requireAssignable(*expr);
    return expr;
}

std::string ExpressionParser::nameTarget() {
    const Token token = tokens_.expect(TokenKind::Name, "a name");
    for (const char* reserved : {"true", "false", "none", "True", "False", "None"})
        if (token.text == reserved)
            throw TemplateError{.line = token.line, .problem = "can only assign to names"};
    if (token.text == "loop") ++loopTargets;
    return token.text;
}

}  // namespace fluxscope::jinja
