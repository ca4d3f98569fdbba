// The variable `loop` of a for loop. It looks one item ahead only when it is asked to, and counts only when asked, as Jinja2's does.
#pragma once

#include "engine/chat/detail/interpreter.h"

#include <deque>

namespace fluxscope::jinja {

class LoopContext : public Object {
public:
    // `values`: what the loop goes over, behind its filter; `source` has its length, when there is no filter.
    LoopContext(std::shared_ptr<Iterator> values, std::optional<Value> source, std::int64_t depth0)
        : values_(std::move(values)), source_(std::move(source)), depth0_(depth0) {}

    // For {% for ... recursive %}: `loop(children)` renders the loop over them.
    void makeRecursive(Interpreter& interpreter, const Stmt& loop, ScopePtr scope) {
        interpreter_ = &interpreter;
        loop_ = &loop;
        scope_ = std::move(scope);
    }

    std::optional<Value> next(Runtime& runtime);  // goes on to the next item
    void forget() override;

    std::string typeName() const override { return "LoopContext"; }
    std::optional<std::string> repr(Runtime& runtime) override;
    std::optional<Value> attribute(const std::string& name, Runtime& runtime) override;
    std::optional<std::int64_t> length(Runtime& runtime) override;
    bool callable() const override { return true; }
    Value call(Runtime& runtime, const Arguments& arguments) override;

private:
    bool peek(Runtime& runtime);  // whether there is a next item
    static Value cycle(Runtime& runtime, const Value& self, const Arguments& arguments);
    static Value changed(Runtime& runtime, const Value& self, const Arguments& arguments);

    std::shared_ptr<Iterator> values_;
    std::optional<Value> source_;
    std::int64_t depth0_;
    Interpreter* interpreter_ = nullptr;
    const Stmt* loop_ = nullptr;
    ScopePtr scope_;

    std::int64_t index0_ = -1;
    std::deque<Value> ahead_;  // drawn, and not yet gone through
    std::optional<Value> before_;
    std::optional<Value> current_;
    std::optional<std::int64_t> length_;
    std::optional<Value> lastChanged_;
};

}  // namespace fluxscope::jinja
