#pragma once

#include "engine/contract/index.h"

#include <string>
#include <string_view>
#include <vector>

namespace fluxscope::cli {

// [1,2,3] or {"ids":[1,2,3], ...}. Throws InputError naming `where`.
std::vector<TokenId> tokenIdsFrom(std::string_view json, const std::string& where);

}  // namespace fluxscope::cli
