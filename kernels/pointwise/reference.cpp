#include "kernels/pointwise/pointwise.h"

#include <cmath>
#include <vector>

namespace fluxscope {
namespace {

void norm(const float* x, const float* weight, std::int64_t columns, double eps, float* out) {
    double squares = 0;
    for (std::int64_t i = 0; i < columns; ++i) squares += static_cast<double>(x[i]) * x[i];
    const double scale = 1 / std::sqrt(squares / static_cast<double>(columns) + eps);
    for (std::int64_t i = 0; i < columns; ++i) out[i] = static_cast<float>(x[i] * scale * weight[i]);
}

}  // namespace

void rmsNormReference(const RmsNormShape& s, const float* x, const float* weight, float* out) {
    for (std::int64_t r = 0; r < s.rows; ++r)
        norm(x + r * s.columns, weight, s.columns, s.eps, out + r * s.columns);
}

void turnHeadsReference(const TurnHeadsShape& s, float* x, const float* weight, const float* cos,
                        const float* sin, float* out) {
    const std::int64_t half = s.dim / 2;
    for (std::int64_t r = 0; r < s.rows; ++r) {
        for (std::int64_t h = 0; h < s.heads; ++h) {
            float* head = x + (r * s.heads + h) * s.dim;
            float* to = out + (r * s.heads + h) * s.dim;
            if (weight) norm(head, weight, s.dim, s.eps, head);
            for (std::int64_t i = 0; i < half; ++i) {
                const double c = cos[r * half + i];
                const double n = sin[r * half + i];
                to[i] = static_cast<float>(head[i] * c - head[i + half] * n);
                to[i + half] = static_cast<float>(head[i + half] * c + head[i] * n);
            }
        }
    }
}

void gateReference(const GateShape& s, float* gate, const float* up) {
    for (std::int64_t i = 0; i < s.elements; ++i) {
        const double x = gate[i];
        gate[i] = static_cast<float>(x / (1 + std::exp(-x)) * up[i]);
    }
}

}  // namespace fluxscope
