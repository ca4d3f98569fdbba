// Streaming attention whose last queries see everything.
#pragma once

#include "engine/attention/attention.h"

namespace fluxscope {

at::Tensor attendTriangle(const Compute& compute, const SparseForm& form, const PrefillPlace& place,
                          const at::Tensor& q, const KeysValues& kv, cost::OpShape* priced);

}  // namespace fluxscope
