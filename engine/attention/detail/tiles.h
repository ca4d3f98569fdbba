// Attention over a list of tiles, wherever the model computes.
#pragma once

#include "engine/attention/attention.h"
#include "kernels/tiles/rule.h"

namespace fluxscope {

TilesShape tilesShapeOf(const Compute& compute, const PrefillPlace& place, const at::Tensor& q);
cost::TilesAttentionShape pricedOf(const TilesShape& shape, const TileVisits& visits);

// Computes a list that was made on the host; `list` may go when this returns.
at::Tensor attendTiles(const Compute& compute, const TilesShape& shape, const TileList& list,
                       const at::Tensor& q, const KeysValues& kv);

// The whole of a mode that is a rule: its list, attention over it, its price. `need` says how the keys lie.
at::Tensor attendRule(const Compute& compute, const TileRule& rule, const KvNeed& need,
                      const PrefillPlace& place, const at::Tensor& q, const KeysValues& kv,
                      cost::OpShape* priced);

}  // namespace fluxscope
