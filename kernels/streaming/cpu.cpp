#include "kernels/detail/attend_row.h"
#include "kernels/streaming/streaming.h"

#include <algorithm>
#include <vector>

namespace fluxscope {

void streamingCpu(const cost::AttentionShape& s, const float* q, const KeysValues& kv, float* out) {
    std::vector<float> scores(static_cast<std::size_t>(s.keys));
    const std::int64_t group = s.heads / s.kvHeads;
    for (std::int64_t r = 0; r < s.rows; ++r) {
        const std::int64_t position = s.keys - s.rows + r;
        const std::int64_t windowBegin = std::max<std::int64_t>(0, position - s.window + 1);
        for (std::int64_t h = 0; h < s.heads; ++h) {
            const std::int64_t row = (r * s.heads + h) * s.dim;
            const std::int64_t head = h / group * kv.headStride;
            attendRow({.q = q + row,
                       .k = static_cast<const float*>(kv.k) + head,
                       .v = static_cast<const float*>(kv.v) + head,
                       .out = out + row,
                       .rowStride = kv.rowStride,
                       .dim = s.dim,
                       .front = {0, std::min(s.sink, windowBegin)},
                       .back = {windowBegin, position + 1},
                       .scores = scores.data()});
        }
    }
}

}  // namespace fluxscope
