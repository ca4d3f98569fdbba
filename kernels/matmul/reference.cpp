#include "kernels/matmul/matmul.h"

#include <cmath>

namespace fluxscope {
namespace {

double productOf(const MatmulShape& s, const float* x, const Matmul& m, std::int64_t row,
                 std::int64_t output) {
    double sum = m.bias ? m.bias[output] : 0;
    for (std::int64_t i = 0; i < s.inputs; ++i)
        sum += static_cast<double>(x[row * s.inputs + i]) * m.weight[output * s.inputs + i];
    return sum;
}

}  // namespace

void matmulReference(const MatmulShape& s, const float* x, std::span<const Matmul> matrices) {
    for (const Matmul& m : matrices) {
        for (std::int64_t r = 0; r < s.rows; ++r) {
            for (std::int64_t o = 0; o < m.outputs; ++o) {
                const double product = productOf(s, x, m, r, o);
                float& to = m.out[r * m.outputs + o];
                to = static_cast<float>(m.add ? to + product : product);
            }
        }
    }
}

void gatedMatmulReference(const MatmulShape& s, const float* x, const GatedMatmul& gated) {
    for (std::int64_t r = 0; r < s.rows; ++r) {
        for (std::int64_t o = 0; o < gated.gate.outputs; ++o) {
            const double g = productOf(s, x, gated.gate, r, o);
            const double product = g / (1 + std::exp(-g)) * productOf(s, x, gated.up, r, o);
            gated.out[r * gated.gate.outputs + o] = static_cast<float>(product);
        }
    }
}

}  // namespace fluxscope
