// value.name and value[key]: entries, and the methods that Python's types have and a sandbox allows.
#pragma once

#include "engine/chat/detail/runtime.h"

namespace fluxscope::jinja {

// Undefined when there is none, as Jinja2 has it.
Value attributeOf(const Value& value, const std::string& name, Runtime& runtime);
Value itemOf(const Value& value, const Value& key, Runtime& runtime);

// Python's getattr: methods and members, never entries.
std::optional<Value> ownAttribute(const Value& value, const std::string& name, Runtime& runtime);

using Method = Value (*)(Runtime&, const Value& self, const Arguments&);
Method textMethod(std::string_view name);                  // text_methods.cpp; nullptr: none
Method containerMethod(Kind kind, std::string_view name);  // container_methods.cpp

// A function made of a C++ one.
std::shared_ptr<Object> functionOf(std::string name, Value self, Method method);

}  // namespace fluxscope::jinja
