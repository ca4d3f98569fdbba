#include "kernels/dense/dense.h"

#include <cmath>
#include <vector>

namespace fluxscope {

void denseReference(const cost::AttentionShape& s, const float* q, const KeysValues& kv, float* out) {
    const auto* keys = static_cast<const float*>(kv.k);
    const auto* values = static_cast<const float*>(kv.v);
    const double scale = 1.0 / std::sqrt(static_cast<double>(s.dim));
    std::vector<double> weight(static_cast<std::size_t>(s.keys));
    std::vector<double> mixed(static_cast<std::size_t>(s.dim));

    for (std::int64_t r = 0; r < s.rows; ++r) {
        const std::int64_t position = s.keys - s.rows + r;
        for (std::int64_t h = 0; h < s.heads; ++h) {
            const std::int64_t kvHead = h / (s.heads / s.kvHeads);
            const float* query = q + (r * s.heads + h) * s.dim;
            const float* k = keys + kvHead * kv.headStride;
            const float* v = values + kvHead * kv.headStride;

            double largest = -INFINITY;
            for (std::int64_t j = 0; j <= position; ++j) {
                double dot = 0;
                for (std::int64_t d = 0; d < s.dim; ++d)
                    dot += static_cast<double>(query[d]) * k[j * kv.rowStride + d];
                weight[j] = dot * scale;
                largest = std::max(largest, weight[j]);
            }
            double sum = 0;
            for (std::int64_t j = 0; j <= position; ++j) sum += weight[j] = std::exp(weight[j] - largest);

            std::fill(mixed.begin(), mixed.end(), 0.0);
            for (std::int64_t j = 0; j <= position; ++j)
                for (std::int64_t d = 0; d < s.dim; ++d) mixed[d] += weight[j] * v[j * kv.rowStride + d];
            for (std::int64_t d = 0; d < s.dim; ++d)
                out[(r * s.heads + h) * s.dim + d] = static_cast<float>(mixed[d] / sum);
        }
    }
}

}  // namespace fluxscope
