#include "engine/chat/detail/binding.h"

#include "engine/chat/detail/operations.h"

#include <algorithm>

namespace fluxscope::jinja {

Bound::Bound(const Arguments& arguments, std::string_view function,
             std::initializer_list<std::string_view> parameters, std::size_t required)
    : function_(function), values_(parameters.size()) {
    if (arguments.positional.size() > parameters.size())
        fail(function_ + "() takes at most " + std::to_string(parameters.size()) + " arguments, " +
             std::to_string(arguments.positional.size()) + " given");
    for (std::size_t i = 0; i < arguments.positional.size(); ++i) values_[i] = arguments.positional[i];
    for (const auto& [name, value] : arguments.named) {
        const auto found = std::find(parameters.begin(), parameters.end(), name);
        if (found == parameters.end())
            fail(function_ + "() got an unexpected keyword argument '" + name + "'");
        std::optional<Value>& place = values_[static_cast<std::size_t>(found - parameters.begin())];
        if (place) fail(function_ + "() got multiple values for argument '" + name + "'");
        place = value;
    }
    for (std::size_t i = 0; i < required; ++i)
        if (!values_[i])
            fail(function_ + "() misses its argument '" + std::string(*(parameters.begin() + i)) + "'");
}

bool Bound::flag(std::size_t i, bool otherwise, Runtime& runtime) const {
    return has(i) ? truthOf(at(i), runtime) : otherwise;
}

std::int64_t Bound::integer(std::size_t i, std::int64_t otherwise) const {
    if (!has(i)) return otherwise;
    requireDefined(at(i));
    if (!at(i).isWhole()) fail(function_ + "() wants a whole number, not '" + at(i).typeName() + "'");
    return at(i).asInt();
}

const Text& Bound::text(std::size_t i) const {
    requireDefined(at(i));
    if (!at(i).is(Kind::Text)) fail(function_ + "() wants a text, not '" + at(i).typeName() + "'");
    return at(i).asText();
}

void requirePositional(const Arguments& arguments, std::string_view function, std::size_t least,
                       std::size_t most) {
    if (!arguments.named.empty()) fail(std::string(function) + "() takes no keyword arguments");
    if (arguments.positional.size() < least || arguments.positional.size() > most)
        fail(std::string(function) + "() takes " + std::to_string(least) +
             (most == least ? "" : " to " + std::to_string(most)) + " arguments, " +
             std::to_string(arguments.positional.size()) + " given");
}

}  // namespace fluxscope::jinja
