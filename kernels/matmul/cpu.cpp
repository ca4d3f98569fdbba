#include "kernels/matmul/matmul.h"

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <vector>

// Highway compiles this file once for each instruction set and picks one at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/matmul/cpu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/cache_control.h>
// After foreach_target.h, which must see none of them.
#include "kernels/detail/elements-inl.h"

#ifndef FLUXSCOPE_MATMUL_BLOCK
#define FLUXSCOPE_MATMUL_BLOCK
namespace fluxscope {

// What a task computes: some rows of as many outputs as a tile has.
struct Block {
    std::int64_t rowBegin = 0;
    std::int64_t rowEnd = 0;
    std::int64_t outputBegin = 0;
    std::int64_t outputEnd = 0;
};

}  // namespace fluxscope
#endif

HWY_BEFORE_NAMESPACE();
namespace fluxscope::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// A tile of sums, kTileRows x kTileVectors vectors, stays in registers: more than the latency of a multiplication demands, as
// few loads for each as there is room for.
constexpr int kTileRows = HWY_TARGET <= HWY_AVX3 ? 8 : 6;
constexpr int kFewRows = HWY_TARGET <= HWY_AVX3 ? 4 : 2;  // what is left over
constexpr int kTileVectors = 2;
constexpr std::int64_t kDepth = 256;  // inputs at a time: a panel of them stays in the first-level cache

std::int64_t tileOutputs() { return kTileVectors * static_cast<std::int64_t>(hn::Lanes(D())); }

// What a task computes: rows of x against as many outputs as a tile has, or fewer at the matrix's end.
struct Strip {
    const float* x = nullptr;
    std::int64_t rows = 0;
    std::int64_t inputs = 0;
    std::int64_t outputs = 0;
};

// [outputs, depth] of a matrix becomes panel [depth, tileOutputs()], zeros where there are no outputs.
void turnWeights(const float* weight, std::int64_t inputs, std::int64_t outputs, std::int64_t depth,
                 float* panel) {
    const std::int64_t width = tileOutputs();
    if (outputs < width) std::fill_n(panel, depth * width, 0.0F);
    std::int64_t o = 0;
#if HWY_TARGET != HWY_SCALAR
    for (; o + 4 <= outputs; o += 4) {
        // The processor's own prefetching would begin anew with each of the short rows.
        for (std::int64_t next = o + 4; next < std::min(o + 8, outputs); ++next)
            for (std::int64_t i = 0; i < depth; i += 16) hwy::Prefetch(weight + next * inputs + i);
        turnFour(weight + o * inputs, inputs, depth, panel + o, width);
    }
#endif
    for (; o < outputs; ++o)
        for (std::int64_t i = 0; i < depth; ++i) panel[i * width + o] = weight[o * inputs + i];
}

template <int kRows>
HWY_INLINE void multiplyTile(const float* HWY_RESTRICT x, std::int64_t inputs, std::int64_t depth,
                             const float* HWY_RESTRICT panel, V (&sums)[kRows][kTileVectors]) {
    const D d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
        for (int v = 0; v < kTileVectors; ++v) sums[r][v] = hn::Zero(d);
    for (std::int64_t i = 0; i < depth; ++i) {
        V weights[kTileVectors];
#pragma GCC unroll 4
        for (int v = 0; v < kTileVectors; ++v)
            weights[v] = hn::Load(d, panel + (i * kTileVectors + v) * lanes);
#pragma GCC unroll 16
        for (int r = 0; r < kRows; ++r) {
            const V input = hn::Set(d, x[r * inputs + i]);
#pragma GCC unroll 4
            for (int v = 0; v < kTileVectors; ++v) sums[r][v] = hn::MulAdd(input, weights[v], sums[r][v]);
        }
    }
}

// Where a strip's sums go: on top of what is there, or of a bias, or of nothing.
struct Target {
    float* out = nullptr;
    std::int64_t stride = 0;
    const float* bias = nullptr;
    bool add = false;
};

template <class Tag>
HWY_INLINE void put(Tag d, hn::Vec<Tag> sum, const Target& to, std::int64_t row, std::int64_t output) {
    float* at = to.out + row * to.stride + output;
    if (to.bias) sum = hn::Add(sum, hn::LoadU(d, to.bias + output));
    if (to.add) sum = hn::Add(sum, hn::LoadU(d, at));
    hn::StoreU(sum, d, at);
}

template <int kRows>
void multiplyRows(const Strip& s, std::int64_t row, std::int64_t first, std::int64_t depth,
                  const float* panel, const Target& to) {
    const D d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    V sums[kRows][kTileVectors];
    multiplyTile<kRows>(s.x + row * s.inputs + first, s.inputs, depth, panel, sums);
    if (s.outputs == kTileVectors * lanes) {
#pragma GCC unroll 16
        for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
            for (int v = 0; v < kTileVectors; ++v) put(d, sums[r][v], to, row + r, v * lanes);
        return;
    }
    HWY_ALIGN float rest[kTileVectors * hn::MaxLanes(d)];
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
        for (int v = 0; v < kTileVectors; ++v) hn::Store(sums[r][v], d, rest + v * lanes);
        const hn::CappedTag<float, 1> one;
        for (std::int64_t o = 0; o < s.outputs; ++o) put(one, hn::Load(one, rest + o), to, row + r, o);
    }
}

// `weight` and to.out begin at the strip's first output.
void multiplyStrip(const Strip& s, const float* weight, Target to, float* panel) {
    for (std::int64_t first = 0; first < s.inputs; first += kDepth) {
        const std::int64_t depth = std::min(kDepth, s.inputs - first);
        turnWeights(weight + first, s.inputs, s.outputs, depth, panel);
        std::int64_t row = 0;
        for (; row + kTileRows <= s.rows; row += kTileRows)
            multiplyRows<kTileRows>(s, row, first, depth, panel, to);
        for (; row + kFewRows <= s.rows; row += kFewRows)
            multiplyRows<kFewRows>(s, row, first, depth, panel, to);
        for (; row < s.rows; ++row) multiplyRows<1>(s, row, first, depth, panel, to);
        to.bias = nullptr;  // the next inputs' sums come on top
        to.add = true;
    }
}

Strip stripOf(const MatmulShape& s, const float* x, const Block& b) {
    return {.x = x + b.rowBegin * s.inputs,
            .rows = b.rowEnd - b.rowBegin,
            .inputs = s.inputs,
            .outputs = b.outputEnd - b.outputBegin};
}

const float* biasOf(const Matmul& m, const Block& b) { return m.bias ? m.bias + b.outputBegin : nullptr; }

using Floats = hwy::AlignedFreeUniquePtr<float[]>;

Floats floats(std::int64_t count) { return hwy::AllocateAligned<float>(static_cast<std::size_t>(count)); }

void multiplyBlock(const MatmulShape& s, const float* x, const Matmul& m, const Block& b) {
    const Floats panel = floats(kDepth * tileOutputs());
    multiplyStrip(stripOf(s, x, b), m.weight + b.outputBegin * s.inputs,
                  {.out = m.out + b.rowBegin * m.outputs + b.outputBegin,
                   .stride = m.outputs,
                   .bias = biasOf(m, b),
                   .add = m.add},
                  panel.get());
}

// Both products of a strip meet while they are in the cache.
void multiplyGatedBlock(const MatmulShape& s, const float* x, const GatedMatmul& g, const Block& b) {
    const Strip strip = stripOf(s, x, b);
    const std::int64_t width = tileOutputs();
    const std::int64_t stride = g.gate.outputs;
    const Floats memory = floats((kDepth + strip.rows) * width);
    float* panel = memory.get();
    float* ups = panel + kDepth * width;  // [rows, width]
    float* out = g.out + b.rowBegin * stride + b.outputBegin;
    multiplyStrip(strip, g.gate.weight + b.outputBegin * s.inputs,
                  {.out = out, .stride = stride, .bias = biasOf(g.gate, b)}, panel);
    multiplyStrip(strip, g.up.weight + b.outputBegin * s.inputs,
                  {.out = ups, .stride = width, .bias = biasOf(g.up, b)}, panel);
    for (std::int64_t r = 0; r < strip.rows; ++r) {
        float* to = out + r * stride;
        const float* up = ups + r * width;
        eachVector(strip.outputs, [&](auto d, std::int64_t o) HWY_ATTR {
            hn::StoreU(gatedOf(d, hn::LoadU(d, to + o), hn::LoadU(d, up + o)), d, to + o);
        });
    }
}

}  // namespace fluxscope::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fluxscope {

HWY_EXPORT(tileOutputs);
HWY_EXPORT(multiplyBlock);
HWY_EXPORT(multiplyGatedBlock);

namespace {

// Rows of a task: enough that turning the weights is a small part of it, few enough that x stays in the second-level cache.
constexpr std::int64_t kBlockRows = 512;

std::vector<Block> blocksOf(std::int64_t rows, std::int64_t outputs) {
    const std::int64_t width = HWY_DYNAMIC_DISPATCH(tileOutputs)();
    std::vector<Block> blocks;
    for (std::int64_t row = 0; row < rows; row += kBlockRows)
        for (std::int64_t output = 0; output < outputs; output += width)
            blocks.push_back(
                {row, std::min(row + kBlockRows, rows), output, std::min(output + width, outputs)});
    return blocks;
}

}  // namespace

void matmulCpu(const MatmulShape& s, const float* x, std::span<const Matmul> matrices,
               const ParallelFor& parallel) {
    struct Task {
        const Matmul* matrix;
        Block block;
    };
    std::vector<Task> tasks;
    for (const Matmul& m : matrices)
        for (const Block& block : blocksOf(s.rows, m.outputs)) tasks.push_back({&m, block});
    parallel(static_cast<std::int64_t>(tasks.size()), [&](std::int64_t i) {
        const Task& task = tasks[static_cast<std::size_t>(i)];
        HWY_DYNAMIC_DISPATCH(multiplyBlock)(s, x, *task.matrix, task.block);
    });
}

void gatedMatmulCpu(const MatmulShape& s, const float* x, const GatedMatmul& gated,
                    const ParallelFor& parallel) {
    const std::vector<Block> blocks = blocksOf(s.rows, gated.gate.outputs);
    parallel(static_cast<std::int64_t>(blocks.size()), [&](std::int64_t i) {
        HWY_DYNAMIC_DISPATCH(multiplyGatedBlock)(s, x, gated, blocks[static_cast<std::size_t>(i)]);
    });
}

}  // namespace fluxscope
#endif
