#include "engine/attention/detail/band.h"

#include "engine/attention/detail/flash.h"
#include "engine/transformer/threads.h"
#include "kernels/dense/dense.h"
#include "kernels/streaming/streaming.h"

#include <ATen/ops/empty_like.h>

#include <algorithm>

namespace fluxscope {

Band bandOf(PrefillMode mode, const SparseForm& form, const PrefillPlace& place) {
    const std::int64_t window = place.modelWindow.value_or(place.end);
    if (mode == PrefillMode::Full) return {.sink = 0, .window = window};
    return {.sink = form.sink, .window = std::min(form.window, window)};
}

at::Tensor attendBand(const Compute& compute, const Band& band, const PrefillPlace& place,
                      const at::Tensor& q, const KeysValues& kv, cost::OpShape* priced) {
    cost::AttentionShape shape{.rows = place.end - place.begin,
                               .keys = place.end,
                               .heads = q.size(1),
                               .kvHeads = place.kvHeads,
                               .dim = q.size(2),
                               .sink = band.sink,
                               .window = band.window,
                               .type = compute.costType};
    if (priced) *priced = shape;
    shape.keys =
        place.keys;  // what lies between sink and window is gone; the rule selects the same keys without it
    const bool dense = band.window >= place.end;

    const at::Tensor query = q.contiguous();
#ifdef FLUXSCOPE_CUDA
    if (flashTakes(compute, shape.dim)) return attendFlash(band, place, query, kv);
    if (compute.isCuda()) {
        at::Tensor out = at::empty_like(query);
        (dense ? denseCuda : streamingCuda)(shape, query.const_data_ptr(), kv, out.mutable_data_ptr(),
                                            compute.stream());
        return out;
    }
#endif
    at::Tensor out = at::empty_like(query);
    (dense ? denseCpu : streamingCpu)(shape, query.const_data_ptr(), kv, out.mutable_data_ptr(),
                                      onTorchThreads);
    return out;
}

}  // namespace fluxscope
