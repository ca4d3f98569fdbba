// The functions that every template can call: range, dict, namespace, cycler, joiner, raise_exception, strftime_now.
#pragma once

#include "engine/chat/detail/runtime.h"

namespace fluxscope::jinja {

// What {% set ns.x = ... %} changes.
class Namespace : public Object {
public:
    std::string typeName() const override { return "Namespace"; }
    std::optional<std::string> repr(Runtime& runtime) override;
    std::optional<Value> attribute(const std::string& name, Runtime& runtime) override;
    void forget() override { entries_ = Dict(); }

    void set(const std::string& name, const Value& value);

private:
    Dict entries_;
};

const std::map<std::string, Value, std::less<>>& globalFunctions();

}  // namespace fluxscope::jinja
