#include "engine/attention/attention.h"

#include "kernels/dense/dense.h"
#include "kernels/streaming/streaming.h"

#include <ATen/ops/empty_like.h>

namespace fluxscope {

at::Tensor attendPrefill(const Compute& compute, PrefillMode mode, const cost::AttentionShape& shape,
                         const at::Tensor& q, const KeysValues& kv) {
    const at::Tensor query = q.contiguous();
    at::Tensor out = at::empty_like(query);
#ifdef FLUXSCOPE_CUDA
    if (compute.isCuda()) {
        (mode == PrefillMode::Full ? denseCuda : streamingCuda)(shape, query.const_data_ptr(), kv,
                                                                out.mutable_data_ptr(), compute.stream());
        return out;
    }
#endif
    static_cast<void>(compute);
    (mode == PrefillMode::Full ? denseCpu : streamingCpu)(shape, query.const_data_ptr<float>(), kv,
                                                          out.mutable_data_ptr<float>());
    return out;
}

at::Tensor attendDecode(const Compute& compute, const SlotDecodeShape& shape, const at::Tensor& q,
                        const KvSlot* table) {
    const at::Tensor query = q.contiguous();
    at::Tensor out = at::empty_like(query);
#ifdef FLUXSCOPE_CUDA
    if (compute.isCuda()) {
        slotDecodeCuda(shape, query.const_data_ptr(), table, out.mutable_data_ptr(), compute.stream());
        return out;
    }
#endif
    static_cast<void>(compute);
    slotDecodeCpu(shape, query.const_data_ptr<float>(), table, out.mutable_data_ptr<float>());
    return out;
}

}  // namespace fluxscope
