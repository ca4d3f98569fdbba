// What the tests of XAttention's choice share: queries and keys that look at each other in a few places, and which choices are
// so close that rounding may decide them.
#pragma once

#include "kernels/xattention/xattention.h"
#include "tests/kernels/world.h"

#include <cmath>
#include <vector>

namespace fluxscope {

inline BlockEstimateShape estimateOf(const AttentionWorld& world, std::int64_t stride) {
    const cost::AttentionShape& s = world.shape;
    return {.begin = s.keys - s.rows,
            .end = s.keys,
            .heads = s.heads,
            .kvHeads = s.kvHeads,
            .dim = s.dim,
            .stride = stride,
            .type = s.type};
}

inline AttentionWorld uneven(const cost::AttentionShape& shape) {
    AttentionWorld world(shape);
    for (std::int64_t head = 0; head < shape.kvHeads; ++head)
        for (std::int64_t j = 0; j < shape.keys; ++j)
            for (std::int64_t d = 0; d < shape.dim; ++d)
                world.k[(head * shape.keys + j) * shape.dim + d] *= j / 128 % 3 == head % 2 ? 6.0F : 1.0F;
    for (float& q : world.q) q *= 4.0F;
    return world;
}

struct BlockChoice {
    std::vector<std::uint8_t> keep;  // [heads, query blocks, key blocks]
    std::vector<double> weights;     // of the reference
};

inline BlockChoice chosenByReference(const AttentionWorld& world, std::int64_t stride, double threshold) {
    const BlockEstimateShape s = estimateOf(world, stride);
    const auto size = static_cast<std::size_t>(s.heads * queryBlocksOf(s) * keyBlocksOf(s));
    BlockChoice choice{std::vector<std::uint8_t>(size, 9), std::vector<double>(size, NAN)};
    selectBlocksReference(s, threshold, world.q.data(), world.keysValues(), choice.keep.data(),
                          choice.weights.data());
    return choice;
}

// Whether a thousandth more or less of weight would turn the decision on block b of one row of weights 0 .. own.
inline bool isTie(const double* weights, std::int64_t own, double threshold, std::int64_t b) {
    constexpr double kClose = 1e-3;
    double all = 0;
    double heavier = weights[0] + (own > 0 ? weights[own] : 0);
    double notLighter = heavier;
    for (std::int64_t i = 0; i <= own; ++i) {
        all += weights[i];
        if (i == 0 || i == own || i == b) continue;
        if (weights[i] > weights[b] * (1 + kClose)) heavier += weights[i];
        if (weights[i] > weights[b] * (1 - kClose)) notLighter += weights[i];
    }
    const double wanted = threshold * all;
    return heavier < wanted * (1 + kClose) && notLighter > wanted * (1 - kClose);
}

}  // namespace fluxscope
