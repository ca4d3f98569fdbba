// Attention over a list of tiles (kernels/tiles). What is visited is data, so it is counted when the list is made.
#pragma once

#include "kernels/cost/cost.h"

namespace fluxscope::cost {

struct TilesAttentionShape {
    std::int64_t rows = 0;  // queries
    std::int64_t heads = 0;
    std::int64_t kvHeads = 0;
    std::int64_t dim = 0;
    std::int64_t tiles =
        0;  // of 128 queries and 64 keys that are visited, over all heads: what a kernel really does
    std::int64_t pairs = 0;  // of query and key that see each other, over all heads
    std::int64_t keys = 0;   // seen by at least one query, over all KV heads: read at least once
    DType type = DType::F32;
};

constexpr Cost costOf(const TilesAttentionShape& s) {
    const std::int64_t queryElements = s.rows * s.heads * s.dim;
    return {.bytesRead = (queryElements + 2 * s.keys * s.dim) * bytesOf(s.type),
            .bytesWritten = queryElements * bytesOf(s.type),
            .flops = 4 * s.pairs * s.dim};
}

}  // namespace fluxscope::cost
