#include "engine/attention/attention.h"

#include "engine/attention/detail/band.h"
#include "engine/attention/detail/rules.h"
#include "engine/attention/detail/tiles.h"
#include "engine/attention/detail/triangle.h"
#include "engine/attention/detail/xattention.h"
#include "engine/transformer/threads.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>

namespace fluxscope {

KvNeed kvNeedOf(PrefillMode mode, const SparseForm& form, std::optional<std::int64_t> modelWindow) {
    const auto limited = [&](std::int64_t window) {
        return modelWindow ? std::min(window, *modelWindow) : window;
    };
    switch (mode) {
        case PrefillMode::Full:
            if (!modelWindow) return {};
            return {.whole = false, .sink = 0, .window = *modelWindow};
        case PrefillMode::Streaming:
        case PrefillMode::Longformer:
            return {.whole = false, .sink = form.decodeSink(), .window = limited(form.decodeWindow())};
        case PrefillMode::Triangle:
        case PrefillMode::XAttention:
        case PrefillMode::BigBird: return {};
    }
    return {};
}

std::int64_t chunkMultipleOf(const SparseForm& form) {
    const bool blocks = form.prefill == PrefillMode::XAttention ||
                        (form.prefill == PrefillMode::Streaming && form.granularity == Granularity::Block);
    return blocks ? SparseForm::kBlock : 1;
}

at::Tensor attendPrefill(const Compute& compute, PrefillMode mode, const SparseForm& form,
                         const PrefillPlace& place, const at::Tensor& q, const KeysValues& kv,
                         cost::OpShape* priced) {
    const auto byRule = [&](const TileRule& rule) {
        return attendRule(compute, rule, kvNeedOf(mode, form, place.modelWindow), place, q, kv, priced);
    };
    switch (mode) {
        case PrefillMode::Full: break;
        case PrefillMode::Streaming:
            if (form.granularity == Granularity::Block) return byRule(streamingRule(form, place));
            break;
        case PrefillMode::Triangle: return attendTriangle(compute, form, place, q, kv, priced);
        case PrefillMode::XAttention: return attendXAttention(compute, form, place, q, kv, priced);
        case PrefillMode::Longformer:
            if (form.dilation > 1) return byRule(longformerRule(form, place));
            break;
        case PrefillMode::BigBird: return byRule(bigBirdRule(form, place));
    }
    return attendBand(compute, bandOf(mode, form, place), place, q, kv, priced);
}

at::Tensor attendDecode(const Compute& compute, const SlotDecodeShape& shape,
                        [[maybe_unused]] std::int64_t mostSlots, const at::Tensor& q, const KvSlot* table) {
    const at::Tensor query = q.contiguous();
    at::Tensor out = at::empty_like(query);
#ifdef FLUXSCOPE_CUDA
    if (compute.isCuda()) {
        at::Tensor scratch =
            at::empty({slotDecodeScratchBytes(shape, mostSlots)}, query.options().dtype(at::kByte));
        slotDecodeCuda(shape, mostSlots, query.const_data_ptr(), table, out.mutable_data_ptr(),
                       scratch.mutable_data_ptr(), compute.stream());
        return out;
    }
#endif
    static_cast<void>(compute);
    slotDecodeCpu(shape, query.const_data_ptr(), table, out.mutable_data_ptr(), onTorchThreads);
    return out;
}

}  // namespace fluxscope
