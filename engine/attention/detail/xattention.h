// XAttention: the blocks are chosen from the data, then attended as a list of tiles for each query head.
#pragma once

#include "engine/attention/detail/tiles.h"
#include "kernels/xattention/xattention.h"

namespace fluxscope {

at::Tensor attendXAttention(const Compute& compute, const SparseForm& form, const PrefillPlace& place,
                            const at::Tensor& q, const KeysValues& kv, cost::OpShape* priced);

// What attention over kept blocks [heads, query blocks, key blocks] visits, without a model's own window.
TileVisits visitsOfBlocks(const TilesShape& shape, const at::Tensor& keep);

}  // namespace fluxscope
