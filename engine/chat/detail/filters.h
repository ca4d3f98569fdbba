// What stands behind |. Filters over lists and dictionaries in filters.cpp, over texts and numbers in text_filters.cpp.
#pragma once

#include "engine/chat/detail/runtime.h"

#include <map>

namespace fluxscope::jinja {

using FilterFunction = Value (*)(Runtime&, const Value&, const Arguments&);
using FilterTable = std::map<std::string_view, FilterFunction>;

FilterFunction findFilter(std::string_view name);  // nullptr: there is none
std::string unknownFilter(const std::string& name);

const FilterTable& textFilters();
const FilterTable& selectingFilters();

// value.a.0.b, as filters take attributes: each part a key or a place. None for the value itself.
Value attributePath(const Value& value, const Value& path, Runtime& runtime);

}  // namespace fluxscope::jinja
