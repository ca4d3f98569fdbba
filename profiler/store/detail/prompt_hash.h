// Which prompt is it, when its text may not be stored? FNV-1a with 128 bits: no accident makes two prompts one.
#pragma once

#include "engine/contract/index.h"

#include <span>
#include <string>
#include <string_view>

namespace fluxscope {

std::string promptHash(std::string_view text, std::span<const TokenId> ids);  // 32 hex digits

}  // namespace fluxscope
