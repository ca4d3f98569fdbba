// What stands behind `is`.
#pragma once

#include "engine/chat/detail/runtime.h"

namespace fluxscope::jinja {

using TestFunction = bool (*)(Runtime&, const Value&, const Arguments&);

TestFunction findTest(std::string_view name);  // nullptr: there is none
std::string unknownTest(const std::string& name);

}  // namespace fluxscope::jinja
