// Tokens one by one, with one to look ahead.
#pragma once

#include "engine/chat/detail/lexer.h"

namespace fluxscope::jinja {

class TokenStream {
public:
    explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

    const Token& now() const { return tokens_[place_]; }
    const Token& ahead() const { return tokens_[std::min(place_ + 1, tokens_.size() - 1)]; }
    int line() const { return now().line; }
    Token take() {
        Token token = now();
        if (place_ + 1 < tokens_.size()) ++place_;
        return token;
    }

    bool at(TokenKind kind) const { return now().kind == kind; }
    bool atSign(std::string_view sign) const {
        return now().kind == TokenKind::Operator && now().text == sign;
    }
    bool atName(std::string_view name) const { return now().kind == TokenKind::Name && now().text == name; }
    bool skipSign(std::string_view sign) { return atSign(sign) && (take(), true); }
    bool skipName(std::string_view name) { return atName(name) && (take(), true); }
    void expectSign(std::string_view sign) {
        if (!skipSign(sign)) refuse("expected '" + std::string(sign) + "', got " + shown(now()));
    }
    void expectName(std::string_view name) {
        if (!skipName(name)) refuse("expected '" + std::string(name) + "', got " + shown(now()));
    }
    Token expect(TokenKind kind, const char* what) {
        if (!at(kind)) refuse(std::string("expected ") + what + ", got " + shown(now()));
        return take();
    }

    [[noreturn]] void refuse(const std::string& problem) const {
        throw TemplateError{.line = line(), .problem = problem};
    }
    static std::string shown(const Token& token) {
        switch (token.kind) {
            case TokenKind::Data: return "text outside of tags";
            case TokenKind::VariableBegin: return "'{{'";
            case TokenKind::VariableEnd: return "'}}'";
            case TokenKind::BlockBegin: return "'{%'";
            case TokenKind::BlockEnd: return "'%}'";
            case TokenKind::Name:
            case TokenKind::Operator: return "'" + token.text.substr(0, 40) + "'";
            case TokenKind::Text: return "a text";
            case TokenKind::Integer:
            case TokenKind::Float: return "a number";
            case TokenKind::End: return "the end of the template";
        }
        return "";
    }

private:
    std::vector<Token> tokens_;
    std::size_t place_ = 0;
};

}  // namespace fluxscope::jinja
