// How large a tokenizer.json may be. The largest published ones have 262,144 tokens in 35 MB.
#pragma once

#include <cstdint>

namespace fluxscope {

inline constexpr std::int64_t kMostTokenizerBytes = std::int64_t{256} << 20;
inline constexpr std::int64_t kMostTokenIds = 1 << 24;

}  // namespace fluxscope
