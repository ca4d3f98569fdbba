// What memory gives when nothing else is asked of it: the streams that a machine's bandwidth is measured with.
//
//   sum     the sum of `count` words, modulo 2^64: reads 8 bytes a word. Exact in any order, so that it can be checked
//   copy    to[i] = from[i]                 reads and writes 4 bytes each
//   triad   to[i] = a[i] + scale * b[i]     reads 8, writes 4
//
// On the CPU arrays begin at multiples of 64 bytes, may not overlap, and are written past the caches: a store that first fetches
// the line it replaces would move a third more than is counted. The result of `triad` is rounded once or twice, as the machine has it.
#pragma once

#include "kernels/keys_values.h"
#include "kernels/parallel.h"

#include <cstdint>

namespace fluxscope {

inline constexpr std::int64_t kStreamAlignment = 64;

// The definitions.
std::uint64_t sumReference(const std::uint64_t* words, std::int64_t count);
void copyReference(const float* from, std::int64_t count, float* to);
void triadReference(const float* a, const float* b, float scale, std::int64_t count, float* to);

std::uint64_t sumCpu(const std::uint64_t* words, std::int64_t count, const ParallelFor& parallel);
void copyCpu(const float* from, std::int64_t count, float* to, const ParallelFor& parallel);
void triadCpu(const float* a, const float* b, float scale, std::int64_t count, float* to,
              const ParallelFor& parallel);

// On a GPU the sum comes in kStreamBlocks parts, for the caller to add up; words begin at a multiple of 16 bytes. Copies and triads
// are LibTorch's there.
inline constexpr std::int64_t kStreamBlocks = 4096;
void sumCuda(const std::uint64_t* words, std::int64_t count, std::uint64_t* parts, CudaStream stream);

}  // namespace fluxscope
