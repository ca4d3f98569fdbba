// Triangle: the prompt's last queries see everything, the others stream. By tokens that is two bands, one below the other.
#include "engine/attention/detail/triangle.h"

#include "engine/attention/detail/band.h"
#include "engine/attention/detail/rules.h"
#include "engine/attention/detail/tiles.h"

#include <ATen/ops/cat.h>

#include <algorithm>

namespace fluxscope {

TileRule triangleRule(const SparseForm& form, const PrefillPlace& place) {
    TileRule rule = streamingRule(form, place);
    rule.denseFrom = std::max<std::int64_t>(0, place.prompt - form.last);
    return rule;
}

bool triangleSees(const SparseForm& form, const PrefillPlace& place, std::int64_t i, std::int64_t j) {
    if (i >= place.prompt - form.last) return inModelWindow(place, i, j);
    return streamingSees(form, place, i, j);
}

at::Tensor attendTriangle(const Compute& compute, const SparseForm& form, const PrefillPlace& place,
                          const at::Tensor& q, const KeysValues& kv, cost::OpShape* priced) {
    const TileRule rule = triangleRule(form, place);
    if (form.granularity == Granularity::Block)
        return attendRule(compute, rule, KvNeed{}, place, q, kv, priced);
    if (priced) {
        const TilesShape shape = tilesShapeOf(compute, place, q);
        *priced = pricedOf(shape, visitsOf(shape, tilesOf(rule, place.begin, place.end)));
    }
    const std::int64_t split = std::clamp(rule.denseFrom, place.begin, place.end);
    const auto part = [&](PrefillMode mode, std::int64_t begin, std::int64_t end) {
        PrefillPlace here = place;
        here.begin = begin;
        here.end = here.keys = end;
        const at::Tensor rows = q.slice(0, begin - place.begin, end - place.begin);
        return attendBand(compute, bandOf(mode, form, here), here, rows, kv, nullptr);
    };
    if (split == place.end) return part(PrefillMode::Streaming, place.begin, place.end);
    if (split == place.begin) return part(PrefillMode::Full, place.begin, place.end);
    return at::cat(
        {part(PrefillMode::Streaming, place.begin, split), part(PrefillMode::Full, split, place.end)});
}

}  // namespace fluxscope
