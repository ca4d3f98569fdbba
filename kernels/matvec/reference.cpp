#include "kernels/matvec/matvec.h"

namespace fluxscope {

void matvecReference(const MatvecShape& s, const float* x, std::span<const Matvec> matrices) {
    for (const Matvec& m : matrices) {
        const auto* weight = static_cast<const float*>(m.weight);
        const auto* bias = static_cast<const float*>(m.bias);
        auto* out = static_cast<float*>(m.out);
        for (std::int64_t r = 0; r < s.rows; ++r) {
            for (std::int64_t o = 0; o < m.outputs; ++o) {
                double sum = bias ? bias[o] : 0;
                for (std::int64_t i = 0; i < s.inputs; ++i)
                    sum += static_cast<double>(x[r * s.inputs + i]) * weight[o * s.inputs + i];
                float& to = out[r * m.outputs + o];
                to = static_cast<float>(m.add ? to + sum : sum);
            }
        }
    }
}

}  // namespace fluxscope
