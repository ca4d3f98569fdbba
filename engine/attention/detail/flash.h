// LibTorch's flash attention for what a sink and a window describe, on CUDA in 16 bits.
#pragma once

#include "engine/attention/detail/band.h"

namespace fluxscope {

// Head dimensions that are a multiple of 8, up to 256.
bool flashTakes(const Compute& compute, std::int64_t dim);

at::Tensor attendFlash(const Band& band, const PrefillPlace& place, const at::Tensor& q,
                       const KeysValues& kv);

}  // namespace fluxscope
