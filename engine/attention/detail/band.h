// Attention that a sink and a window describe. On the CPU and in fp32 our kernels compute it; on CUDA in 16 bits LibTorch's
// flash attention does.
#pragma once

#include "engine/attention/attention.h"

namespace fluxscope {

// The sink and the window of a mode: a window that nothing falls out of is dense.
struct Band {
    std::int64_t sink = 0;
    std::int64_t window = 0;
};
Band bandOf(PrefillMode mode, const SparseForm& form, const PrefillPlace& place);

at::Tensor attendBand(const Compute& compute, const Band& band, const PrefillPlace& place,
                      const at::Tensor& q, const KeysValues& kv, cost::OpShape* priced);

}  // namespace fluxscope
