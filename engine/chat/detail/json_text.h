// JSON from values, as Python's json.dumps writes it, and values from JSON.
#pragma once

#include "engine/chat/detail/runtime.h"

namespace fluxscope::jinja {

struct JsonStyle {
    bool ensureAscii = false;
    bool sortKeys = false;
    std::optional<std::string> indent;  // absent: all in one line
    std::string itemSeparator = ", ";
    std::string keySeparator = ": ";
};

std::string jsonOf(const Value& value, const JsonStyle& style, Runtime& runtime);
Value valueOf(const nlohmann::ordered_json& json, Runtime& runtime);

}  // namespace fluxscope::jinja
