#pragma once

#include "engine/contract/index.h"

#include <string>
#include <string_view>
#include <vector>

namespace fluxscope::cli {

// [1,2,3] or {"ids":[1,2,3], ...}. Throws InputError naming `where`.
std::vector<TokenId> tokenIdsFrom(std::string_view json, const std::string& where);
// The same for one, or an array of them.
std::vector<std::vector<TokenId>> tokenIdListsFrom(std::string_view json, const std::string& where);

}  // namespace fluxscope::cli
