// The gated feed-forward block: down(silu(gate(x)) * up(x)).
#pragma once

#include "kernels/cost/linear.h"
#include "kernels/cost/pointwise.h"

namespace fluxscope::cost {

struct GatedMlpShape {
    std::int64_t rows = 0;
    std::int64_t hidden = 0;
    std::int64_t inner = 0;
    bool bias = false;
    DType weights = DType::F32;
    DType activations = DType::F32;
};

constexpr Cost costOf(const GatedMlpShape& s) {
    const LinearShape widen{s.rows, s.hidden, s.inner, s.bias, s.weights, s.activations};
    const LinearShape narrow{s.rows, s.inner, s.hidden, s.bias, s.weights, s.activations};
    const PointwiseShape gate{
        .elements = s.rows * s.inner, .reads = 2, .flopsEach = 5, .type = s.activations};
    return costOf(widen) + costOf(widen) + costOf(gate) + costOf(narrow);
}

}  // namespace fluxscope::cost
