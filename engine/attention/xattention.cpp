#include "engine/attention/detail/xattention.h"

#include "engine/attention/detail/on_device.h"
#include "engine/attention/detail/rules.h"
#include "engine/transformer/threads.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <cassert>

namespace fluxscope {
namespace {

at::Tensor bytesAt(const Compute& compute, at::IntArrayRef shape) {
    return at::empty(shape, at::TensorOptions().device(compute.device).dtype(at::kByte));
}

std::span<const std::uint8_t> flagsOf(const at::Tensor& keep) {
    return {keep.const_data_ptr<std::uint8_t>(), static_cast<std::size_t>(keep.numel())};
}

}  // namespace

TileVisits visitsOfBlocks(const TilesShape& shape, const at::Tensor& keep) {
    const std::int64_t blocks = keep.size(2);
    const auto sizeOf = [&](std::int64_t block) {
        return std::min(kTileRows, shape.end - block * kTileRows);
    };
    // Two small sums instead of the flags themselves: on a GPU they are what has to be waited for.
    const at::Tensor ofQueries = keep.sum(at::IntArrayRef{0, 2}, false, at::kLong).cpu();
    const at::Tensor ofKeys = keep.view({shape.kvHeads, -1, blocks}).amax(1).sum(0, false, at::kLong).cpu();
    TileVisits visits;
    for (std::int64_t b = 0; b < shape.queryTiles(); ++b) {
        const std::int64_t own = shape.firstTile() + b;
        const std::int64_t queries = sizeOf(own);
        const std::int64_t others = ofQueries.const_data_ptr<std::int64_t>()[b] - shape.heads;
        visits.pairs += others * queries * kTileRows + shape.heads * queries * (queries + 1) / 2;
        visits.tiles += others * 2 + shape.heads * ((queries + kTileKeys - 1) / kTileKeys);
    }
    for (std::int64_t b = 0; b < blocks; ++b)
        visits.keys += ofKeys.const_data_ptr<std::int64_t>()[b] * sizeOf(b);
    return visits;
}

at::Tensor attendXAttention(const Compute& compute, const SparseForm& form, const PrefillPlace& place,
                            const at::Tensor& q, const KeysValues& kv, cost::OpShape* priced) {
    assert(place.begin % kSelectBlock == 0 && place.keys == place.end);
    const at::Tensor query = q.contiguous();
    const TilesShape shape = tilesShapeOf(compute, place, q);
    const BlockEstimateShape estimate{.begin = place.begin,
                                      .end = place.end,
                                      .heads = shape.heads,
                                      .kvHeads = shape.kvHeads,
                                      .dim = shape.dim,
                                      .stride = form.stride,
                                      .type = shape.type};
    const at::Tensor keep = bytesAt(compute, {shape.heads, queryBlocksOf(estimate), keyBlocksOf(estimate)});
    const auto price = [&](const TileVisits& visits) {
        if (priced) *priced = cost::XAttentionShape{estimate, pricedOf(shape, visits)};
    };
    // Queries see the blocks kept, up to themselves and inside the model's own window.
    const TileRule rule{.denseFrom = 0, .modelWindow = modelWindowOf(place)};
#ifdef FLUXSCOPE_CUDA
    if (compute.isCuda()) {
        const auto count = [](const at::Tensor& t) { return t.numel(); };
        const std::int64_t lists = shape.heads * queryBlocksOf(estimate);
        const at::Tensor scratch = bytesAt(compute, {selectScratchBytes(estimate)});
        const at::Tensor runs = bytesAt(compute, {lists * static_cast<std::int64_t>(sizeof(TileRun))});
        const at::Tensor tiles =
            bytesAt(compute, {count(keep) * 2 * static_cast<std::int64_t>(sizeof(KeyTile))});
        selectBlocksCuda(estimate, form.threshold, query.const_data_ptr(), kv, scratch.mutable_data_ptr(),
                         keep.mutable_data_ptr<std::uint8_t>(),
                         static_cast<TileRun*>(runs.mutable_data_ptr()),
                         static_cast<KeyTile*>(tiles.mutable_data_ptr()), compute.stream());
        if (!place.modelWindow) {
            const auto causal = causalBlockMasks();
            const at::Tensor masks = onDevice(compute, std::span<const TileMask>(causal));
            at::Tensor out = at::empty_like(query);
            tilesCuda(shape,
                      {.lists = shape.heads,
                       .runs = dataOf<TileRun>(runs),
                       .tiles = dataOf<KeyTile>(tiles),
                       .masks = dataOf<TileMask>(masks)},
                      query.const_data_ptr(), kv, out.mutable_data_ptr(), compute.stream());
            if (priced) price(visitsOfBlocks(shape, keep));
            return out;
        }
        const at::Tensor flags = keep.cpu();
        const TileList list = tilesOfBlocks(rule, place.begin, place.end, shape.heads, flagsOf(flags));
        if (priced) price(visitsOf(shape, list));
        return attendTiles(compute, shape, list, query, kv);
    }
#endif
    selectBlocksCpu(estimate, form.threshold, query.const_data_ptr(), kv,
                    keep.mutable_data_ptr<std::uint8_t>(), onTorchThreads);
    const TileList list = tilesOfBlocks(rule, place.begin, place.end, shape.heads, flagsOf(keep));
    if (priced) price(visitsOf(shape, list));
    return attendTiles(compute, shape, list, query, kv);
}

}  // namespace fluxscope
