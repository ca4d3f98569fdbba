// XAttention's choice of blocks: an estimate of how much of each query block's attention falls on each key block, and the
// smallest set of key blocks that reaches a threshold of it. Attention over the blocks kept is kernels/tiles.
//
//   q     [end - begin, heads, dim]   queries at positions begin .. end - 1, RoPE applied; contiguous; begin % 128 == 0
//   k     [kvHeads, end, dim]         all keys up to the last query, strided as KeysValues says; heads % kvHeads == 0
//   keep  [heads, query blocks, key blocks]   a byte each, 1 is kept: blocks of 128, the last one may be short
//
// Scores. Position p belongs to group p / stride. For query group a and key group b of one query head
//   score(a, b) = sum over s of q[a * stride + stride - 1 - s] . k[b * stride + s]  /  (sqrt(dim) * stride)
// so that one product sums an antidiagonal of the stride x stride square. Positions from `end` on count as zeros: the last
// group may be partly of them, and is a row and a column like any other. Softmax over the groups b <= a; a row's weight on a
// block is the sum over the block's groups, a query block's the sum over its rows.
//
// Choice. The first key block and the query block's own are always kept. Others follow by falling weight, equal ones by rising
// index, while what is kept so far is less than threshold times the weight of all blocks. Blocks without weight never follow.
//
// The choice for a query block depends on its own queries and on the keys up to its end: chunks that begin at multiples of 128
// choose what the prompt in one piece would.
#pragma once

#include "kernels/cost/xattention.h"
#include "kernels/keys_values.h"
#include "kernels/parallel.h"
#include "kernels/tiles/tiles.h"

#include <cstdint>
#include <span>

namespace fluxscope {

using BlockEstimateShape = cost::BlockEstimateShape;

inline constexpr std::int64_t kSelectBlock = kTileRows;

constexpr std::int64_t queryBlocksOf(const BlockEstimateShape& s) {
    return (s.end + kSelectBlock - 1) / kSelectBlock - s.begin / kSelectBlock;
}
constexpr std::int64_t keyBlocksOf(const BlockEstimateShape& s) {
    return (s.end + kSelectBlock - 1) / kSelectBlock;
}

// The choice for one query block, `weights` being those of key blocks 0 .. its own.
void keepBlocks(std::span<const double> weights, double threshold, std::uint8_t* keep);

// The definition, in double. `weights`, if wanted, receives [heads, query blocks, key blocks].
void selectBlocksReference(const BlockEstimateShape& shape, double threshold, const float* q,
                           const KeysValues& kv, std::uint8_t* keep, double* weights = nullptr);

// q and k are of shape.type; scores and softmax in fp32. SSE2 to AVX-512, picked at run time; the same choice whatever
// `parallel` does.
void selectBlocksCpu(const BlockEstimateShape& shape, double threshold, const void* q, const KeysValues& kv,
                     std::uint8_t* keep, const ParallelFor& parallel);

// All on the device, scores and softmax in fp32. `scratch` holds selectScratchBytes(shape); runs and tiles are what tilesCuda
// wants, one list for each head, with room for
//   runs   [heads * query blocks]
//   tiles  [heads * query blocks * key blocks * 2]
// and with causalBlockMasks() as its masks. dim <= 256. Enqueues and returns; throws std::runtime_error if a launch is refused.
std::int64_t selectScratchBytes(const BlockEstimateShape& shape);
void selectBlocksCuda(const BlockEstimateShape& shape, double threshold, const void* q, const KeysValues& kv,
                      void* scratch, std::uint8_t* keep, TileRun* runs, KeyTile* tiles, CudaStream stream);

// Masks 0 and 1: what the queries of a block see of the two key tiles of their own block.
std::array<TileMask, kTileRows / kTileKeys> causalBlockMasks();

}  // namespace fluxscope
