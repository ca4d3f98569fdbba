// Anything that touches each element a fixed number of times: norms, rotary embedding, activations, residual adds, copies.
#pragma once

#include "kernels/cost/cost.h"

namespace fluxscope::cost {

struct PointwiseShape {
    std::int64_t elements = 0;  // of the output
    std::int64_t reads = 1;     // input elements read for each output element
    std::int64_t flopsEach = 1;
    DType type = DType::F32;
};

constexpr Cost costOf(const PointwiseShape& s) {
    return {.bytesRead = s.elements * s.reads * bytesOf(s.type),
            .bytesWritten = s.elements * bytesOf(s.type),
            .flops = s.elements * s.flopsEach};
}

}  // namespace fluxscope::cost
