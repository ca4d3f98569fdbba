// Cuts prefill attention over a sink and a window into tiles of queries, one task for each tile and KV head.
#pragma once

#include "kernels/cost/attention.h"
#include "kernels/keys_values.h"
#include "kernels/parallel.h"

namespace fluxscope {

// Query r stands at position p = keys - rows + r and sees key j when j <= p and (j < sink or p - j < window); dense is a
// window of all keys. q, k, v and out are of shape.type; out may alias q.
void attendByTiles(const cost::AttentionShape& shape, const void* q, const KeysValues& kv, void* out,
                   const ParallelFor& parallel);

}  // namespace fluxscope
