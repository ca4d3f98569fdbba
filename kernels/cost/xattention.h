// XAttention: an estimate of every block's mass on a grid that is `stride` times coarser, then attention over the blocks kept.
// The two follow each other, and the keys do not stay in a cache in between: each is priced by itself.
#pragma once

#include "kernels/cost/tiles.h"

namespace fluxscope::cost {

struct BlockEstimateShape {
    std::int64_t begin = 0;  // positions of the queries, begin a multiple of the block of 128
    std::int64_t end = 0;
    std::int64_t heads = 0;
    std::int64_t kvHeads = 0;
    std::int64_t dim = 0;
    std::int64_t stride = 16;
    DType type = DType::F32;
};

// A point of the grid is a dot product of stride * dim; row a sees columns 0 .. a. The mass of each block is written in fp32.
constexpr Cost costOf(const BlockEstimateShape& s) {
    constexpr std::int64_t kBlock = 128;
    const auto points = [](std::int64_t n) { return n * (n + 1) / 2; };
    const auto cut = [](std::int64_t n, std::int64_t by) { return (n + by - 1) / by; };
    const std::int64_t seen = points(cut(s.end, s.stride)) - points(s.begin / s.stride);
    const std::int64_t blocks = points(cut(s.end, kBlock)) - points(s.begin / kBlock);
    return {.bytesRead = ((s.end - s.begin) * s.heads + s.end * s.kvHeads) * s.dim * bytesOf(s.type),
            .bytesWritten = blocks * s.heads * bytesOf(DType::F32),
            .flops = 2 * seen * s.heads * s.stride * s.dim};
}

struct XAttentionShape {
    BlockEstimateShape estimate;
    TilesAttentionShape attention;
};

constexpr Cost costOf(const XAttentionShape& s) { return costOf(s.estimate) + costOf(s.attention); }

}  // namespace fluxscope::cost
