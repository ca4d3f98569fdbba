// A parsed template: statements that hold statements and expressions.
#pragma once

#include "engine/chat/detail/value.h"

#include <memory>
#include <string>
#include <vector>

namespace fluxscope::jinja {

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

enum class ExprKind : std::uint8_t {
    Constant,     // value
    Name,         // name
    Field,        // name.attribute of a namespace, as a target of set: items {name}, attribute in `attribute`
    List,         // items
    Tuple,        // items
    Dict,         // items: key, value, key, value ...
    Attribute,    // items[0].attribute
    Item,         // items[0][items[1]]
    Slice,        // items: start, stop, step, each may be null
    Call,         // items[0](call)
    Filter,       // items[0]|name(call); items[0] is null for what a block captured
    Test,         // items[0] is name(call)
    Not,          // items[0]
    Negative,     // items[0]
    Positive,     // items[0]
    Binary,       // items[0] signs[0] items[1]
    Concat,       // items, joined as texts
    Compare,      // items[0] signs[0] items[1] signs[1] items[2] ...
    And,          // items[0], items[1]
    Or,           // items[0], items[1]
    Conditional,  // items: then, condition, else (may be null)
};

enum class Sign : std::uint8_t {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,  // clang-format off
    Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual, In, NotIn,  // clang-format on
};

struct CallArguments {
    std::vector<ExprPtr> positional;
    std::vector<std::pair<std::string, ExprPtr>> named;
    ExprPtr rest;       // *rest
    ExprPtr restNamed;  // **restNamed
};

struct Expr {
    ExprKind kind = ExprKind::Constant;
    int line = 1;
    int depth = 1;
    Value value;
    std::string name;
    std::string attribute;
    std::vector<ExprPtr> items;
    std::vector<Sign> signs;
    CallArguments call;
};

struct Stmt;
using Block = std::vector<Stmt>;

enum class StmtKind : std::uint8_t {
    Data,       // text
    Output,     // exprs
    If,         // exprs: one condition for each of branches; a last branch without one is else
    For,        // target in exprs[0], if exprs[1] (may be null); branches: body, else
    Set,        // target = exprs[0]
    SetBlock,   // target = branches[0], through filter
    Macro,      // name(parameters): branches[0]
    CallBlock,  // exprs[0] is the call; parameters and branches[0] are its caller's
    Filter,     // branches[0] through filter
    With,       // targets = exprs: branches[0]
    Scope,      // branches[0], with names of its own: the generation block
    Break,
    Continue,
};

struct Parameter {
    std::string name;
    ExprPtr otherwise;  // null: it has no default
};

struct Stmt {
    StmtKind kind = StmtKind::Data;
    int line = 1;
    std::string text;
    std::string name;
    std::vector<ExprPtr> exprs;
    std::vector<Block> branches;
    ExprPtr target;
    std::vector<ExprPtr> targets;
    ExprPtr filter;
    std::vector<Parameter> parameters;
    bool recursive = false;    // For
    bool takesCaller = false;  // Macro: its body speaks of caller, of varargs, of kwargs
    bool takesVarargs = false;
    bool takesKwargs = false;
};

struct Program {
    Block body;
};

}  // namespace fluxscope::jinja
