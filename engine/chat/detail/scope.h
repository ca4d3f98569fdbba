// The names that a place in a template sees: its own, then those around it. Loops, macros and blocks that capture have scopes of
// their own; `if` has none.
#pragma once

#include "engine/chat/detail/value.h"

#include <map>

namespace fluxscope::jinja {

class Scope;
using ScopePtr = std::shared_ptr<Scope>;

// An Object so that the runtime can keep those that macros look back into, and empty them at the end.
class Scope : public Object {
public:
    explicit Scope(ScopePtr outer) : outer_(std::move(outer)) {}

    std::string typeName() const override { return "scope"; }
    void forget() override { names_.clear(); }

    void set(const std::string& name, Value value) { names_.insert_or_assign(name, std::move(value)); }
    const Value* find(const std::string& name) const {
        for (const Scope* scope = this; scope != nullptr; scope = scope->outer_.get())
            if (const auto found = scope->names_.find(name); found != scope->names_.end())
                return &found->second;
        return nullptr;
    }

private:
    ScopePtr outer_;
    std::map<std::string, Value, std::less<>> names_;
};

}  // namespace fluxscope::jinja
