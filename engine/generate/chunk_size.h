// How many rows of a prompt go through a layer at once.
#pragma once

#include "engine/contract/sparse_form.h"
#include "engine/transformer/transformer.h"

#include <cstdint>

namespace fluxscope {

// `asked` 0: as many as the device does in well under the 150 ms after which cancelling may be felt, and enough for its
// matrix products. Rounded up to whole blocks where the sparse form works in them.
std::int64_t chunkTokensOf(std::int32_t asked, const Transformer& transformer, const SparseForm& sparse);

}  // namespace fluxscope
