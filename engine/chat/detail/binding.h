// The arguments of a call against the parameters of a function, as Python binds them.
#pragma once

#include "engine/chat/detail/value.h"

#include <initializer_list>
#include <string_view>

namespace fluxscope::jinja {

// Parameters by place, then by name; the first `required` must be given. `function` is for messages.
class Bound {
public:
    Bound(const Arguments& arguments, std::string_view function,
          std::initializer_list<std::string_view> parameters, std::size_t required);

    bool has(std::size_t i) const { return values_[i].has_value(); }
    const Value& at(std::size_t i) const { return *values_[i]; }
    Value get(std::size_t i, const Value& otherwise) const { return has(i) ? at(i) : otherwise; }
    bool flag(std::size_t i, bool otherwise, Runtime& runtime) const;
    std::int64_t integer(std::size_t i, std::int64_t otherwise) const;
    const Text& text(std::size_t i) const;  // fails when it is none

private:
    std::string function_;
    std::vector<std::optional<Value>> values_;
};

// A function that takes arguments by place only.
void requirePositional(const Arguments& arguments, std::string_view function, std::size_t least,
                       std::size_t most);

}  // namespace fluxscope::jinja
