// Attention over a sink and a window. Dense attention is the same shape with a window that nothing falls out of.
//
// Query r stands at position p = keys - rows + r and sees key j when j <= p and (j < sink or p - j < window).
#pragma once

#include "kernels/cost/cost.h"

#include <algorithm>

namespace fluxscope::cost {

struct AttentionShape {
    std::int64_t rows = 0;  // queries; the last `rows` positions
    std::int64_t keys = 0;  // positions 0 .. keys - 1
    std::int64_t heads = 0;
    std::int64_t kvHeads = 0;  // heads % kvHeads == 0
    std::int64_t dim = 0;
    std::int64_t sink = 0;
    std::int64_t window = 0;  // >= keys: dense
    DType type = DType::F32;
};

constexpr AttentionShape denseShape(std::int64_t rows, std::int64_t keys, std::int64_t heads,
                                    std::int64_t kvHeads, std::int64_t dim, DType type) {
    return {.rows = rows,
            .keys = keys,
            .heads = heads,
            .kvHeads = kvHeads,
            .dim = dim,
            .sink = 0,
            .window = keys,
            .type = type};
}

constexpr std::int64_t sumOfFirst(std::int64_t n) { return n * (n + 1) / 2; }

// Query-key pairs seen by one head. At position p a query sees min(p + 1, window) keys of its window and, of the sink,
// the keys in front of that window: min(sink, p + 1 - window) once p has passed it.
constexpr std::int64_t visiblePairs(const AttentionShape& s) {
    // Sum over positions 0 .. n-1; the rows asked for are the difference of two such sums.
    const auto upTo = [&s](std::int64_t n) {
        const std::int64_t growing = std::min(n, s.window);
        std::int64_t pairs = sumOfFirst(growing) + (n - growing) * s.window;
        const std::int64_t behind =
            n - growing;  // positions whose window has left key 0 behind by 1 .. behind keys
        const std::int64_t sinkGrowing = std::min(behind, s.sink);
        pairs += sumOfFirst(sinkGrowing) + (behind - sinkGrowing) * s.sink;
        return pairs;
    };
    return upTo(s.keys) - upTo(s.keys - s.rows);
}

// Keys that at least one of the queries sees: what must be read at least once.
constexpr std::int64_t visibleKeys(const AttentionShape& s) {
    const std::int64_t first = s.keys - s.rows;  // position of the first query
    const std::int64_t windowBegin = std::max<std::int64_t>(0, first - s.window + 1);
    return s.keys - windowBegin + std::min(s.sink, windowBegin);
}

constexpr Cost costOf(const AttentionShape& s) {
    const std::int64_t queryElements = s.rows * s.heads * s.dim;
    const std::int64_t keyElements = visibleKeys(s) * s.kvHeads * s.dim;
    return {.bytesRead = (queryElements + 2 * keyElements) * bytesOf(s.type),
            .bytesWritten = queryElements * bytesOf(s.type),
            .flops = 4 * visiblePairs(s) * s.heads * s.dim};
}

}  // namespace fluxscope::cost
