#include "engine/generate/chunk_size.h"

#include "engine/attention/attention.h"

#include <algorithm>

namespace fluxscope {
namespace {

constexpr std::int64_t kCudaChunk = 4096;
// A slow core does 10 GFLOP/s and more in fp32 matrix products; a layer's chunk should take 100 ms there.
constexpr std::int64_t kCpuChunkFlops = 1'000'000'000;
constexpr std::int64_t kLeastCpuChunk = 32;
constexpr std::int64_t kMostCpuChunk = 512;

// Multiplications and additions of a layer's linear parts for one row.
std::int64_t flopsOfRow(const ModelConfig& c) {
    const std::int64_t attention = c.hidden * (2 * c.heads + 2 * c.kvHeads) * c.headDim;
    return 2 * (attention + 3 * c.hidden * c.inner);
}

}  // namespace

std::int64_t chunkTokensOf(std::int32_t asked, const Transformer& transformer, const SparseForm& sparse) {
    std::int64_t tokens = asked;
    if (tokens == 0 && transformer.compute().isCuda()) tokens = kCudaChunk;
    if (tokens == 0)
        tokens = std::clamp(kCpuChunkFlops / flopsOfRow(transformer.config()), kLeastCpuChunk, kMostCpuChunk);
    const std::int64_t block = chunkMultipleOf(sparse);
    return (tokens + block - 1) / block * block;
}

}  // namespace fluxscope
