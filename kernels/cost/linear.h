// A dense layer: out[rows, outputs] = in[rows, inputs] * weight[outputs, inputs]^T (+ bias).
#pragma once

#include "kernels/cost/cost.h"

namespace fluxscope::cost {

struct LinearShape {
    std::int64_t rows = 0;
    std::int64_t inputs = 0;
    std::int64_t outputs = 0;
    bool bias = false;
    DType weights = DType::F32;
    DType activations = DType::F32;
};

constexpr Cost costOf(const LinearShape& s) {
    const std::int64_t parameters = s.outputs * s.inputs + (s.bias ? s.outputs : 0);
    return {.bytesRead = parameters * bytesOf(s.weights) + s.rows * s.inputs * bytesOf(s.activations),
            .bytesWritten = s.rows * s.outputs * bytesOf(s.activations),
            .flops = 2 * s.rows * s.inputs * s.outputs + (s.bias ? s.rows * s.outputs : 0)};
}

}  // namespace fluxscope::cost
