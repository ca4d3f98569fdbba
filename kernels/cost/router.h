// A layer router: the mean of the queries at both ends of the prompt, then five linear layers of sizes 8d, 2d, 4d, d, 2.
#pragma once

#include "kernels/cost/linear.h"

namespace fluxscope::cost {

struct RouterShape {
    std::int64_t rows = 0;  // tokens pooled, overlaps counted twice
    std::int64_t heads = 0;
    std::int64_t dim = 0;
    std::int64_t logits = 2;
    DType weights = DType::F32;
    DType activations = DType::F32;
};

constexpr Cost costOf(const RouterShape& s) {
    const auto layer = [&s](std::int64_t inputs, std::int64_t outputs) {
        return costOf(LinearShape{1, inputs, outputs, true, s.weights, s.activations});
    };
    const std::int64_t pooled = s.rows * s.heads * s.dim;
    return Cost{.bytesRead = pooled * bytesOf(s.activations),
                .bytesWritten = s.dim * bytesOf(s.activations),
                .flops = pooled} +
           layer(s.dim, 8 * s.dim) + layer(8 * s.dim, 2 * s.dim) + layer(2 * s.dim, 4 * s.dim) +
           layer(4 * s.dim, s.dim) + layer(s.dim, s.logits);
}

}  // namespace fluxscope::cost
