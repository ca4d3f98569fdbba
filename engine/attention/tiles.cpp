#include "engine/attention/detail/tiles.h"

#include "engine/attention/detail/on_device.h"
#include "engine/transformer/threads.h"

#include <ATen/ops/empty_like.h>

namespace fluxscope {

TilesShape tilesShapeOf(const Compute& compute, const PrefillPlace& place, const at::Tensor& q) {
    return {.begin = place.begin,
            .end = place.end,
            .keys = place.keys,
            .heads = q.size(1),
            .kvHeads = place.kvHeads,
            .dim = q.size(2),
            .type = compute.costType};
}

cost::TilesAttentionShape pricedOf(const TilesShape& shape, const TileVisits& visits) {
    return {.rows = shape.rows(),
            .heads = shape.heads,
            .kvHeads = shape.kvHeads,
            .dim = shape.dim,
            .tiles = visits.tiles,
            .pairs = visits.pairs,
            .keys = visits.keys,
            .type = shape.type};
}

at::Tensor attendTiles(const Compute& compute, const TilesShape& shape, const TileList& list,
                       const at::Tensor& q, const KeysValues& kv) {
    const at::Tensor query = q.contiguous();
    at::Tensor out = at::empty_like(query);
#ifdef FLUXSCOPE_CUDA
    if (compute.isCuda()) {
        const at::Tensor runs = onDevice(compute, std::span(list.runs));
        const at::Tensor tiles = onDevice(compute, std::span(list.tiles));
        const at::Tensor masks = onDevice(compute, std::span(list.masks));
        tilesCuda(shape,
                  {.lists = list.lists,
                   .runs = dataOf<TileRun>(runs),
                   .tiles = dataOf<KeyTile>(tiles),
                   .masks = dataOf<TileMask>(masks)},
                  query.const_data_ptr(), kv, out.mutable_data_ptr(), compute.stream());
        return out;
    }
#endif
    static_cast<void>(compute);
    tilesCpu(shape, viewOf(list), query.const_data_ptr(), kv, out.mutable_data_ptr(), onTorchThreads);
    return out;
}

at::Tensor attendRule(const Compute& compute, const TileRule& rule, const KvNeed& need,
                      const PrefillPlace& place, const at::Tensor& q, const KeysValues& kv,
                      cost::OpShape* priced) {
    const TilesShape shape = tilesShapeOf(compute, place, q);
    const TileList list =
        tilesOf(rule, place.begin, place.end, {.sink = need.sink, .gap = place.end - place.keys});
    if (priced) *priced = pricedOf(shape, visitsOf(shape, list));
    return attendTiles(compute, shape, list, q, kv);
}

}  // namespace fluxscope
