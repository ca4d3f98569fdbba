// resources/report.html.in, which travels inside the library: {{title}} and {{body}} are put in once each.
#pragma once

#include <string_view>

namespace fluxscope {

std::string_view pageTemplate();

}  // namespace fluxscope
