#include "kernels/slot_decode/slot_decode.h"

#include <cmath>
#include <vector>

namespace fluxscope {

void slotDecodeReference(const SlotDecodeShape& s, const float* q, const KvSlot* table, float* out) {
    const double scale = 1.0 / std::sqrt(static_cast<double>(s.dim));
    for (std::int64_t n = 0; n < s.sequences; ++n) {
        for (std::int64_t h = 0; h < s.heads; ++h) {
            const KvSlot& slot = table[n * s.kvHeads + h / (s.heads / s.kvHeads)];
            const auto* k = static_cast<const float*>(slot.k);
            const auto* v = static_cast<const float*>(slot.v);
            const float* query = q + (n * s.heads + h) * s.dim;

            std::vector<double> weight(static_cast<std::size_t>(usedSlots(slot)));
            double largest = -INFINITY;
            for (std::size_t j = 0; j < weight.size(); ++j) {
                double dot = 0;
                for (std::int64_t d = 0; d < s.dim; ++d)
                    dot += static_cast<double>(query[d]) * k[j * s.dim + d];
                weight[j] = dot * scale;
                largest = std::max(largest, weight[j]);
            }
            double sum = 0;
            std::vector<double> mixed(static_cast<std::size_t>(s.dim));
            for (std::size_t j = 0; j < weight.size(); ++j) {
                const double w = std::exp(weight[j] - largest);
                sum += w;
                for (std::int64_t d = 0; d < s.dim; ++d) mixed[d] += w * v[j * s.dim + d];
            }
            for (std::int64_t d = 0; d < s.dim; ++d)
                out[(n * s.heads + h) * s.dim + d] = static_cast<float>(mixed[d] / sum);
        }
    }
}

}  // namespace fluxscope
