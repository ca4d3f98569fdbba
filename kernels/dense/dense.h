// Dense causal attention, prefill: every query sees every key up to itself.
//
//   q     [rows, heads, dim]      the last `rows` of `keys` positions, RoPE applied; contiguous
//   k, v  [kvHeads, keys, dim]    positions 0 .. keys - 1, strided as KeysValues says; heads % kvHeads == 0
//   out   [rows, heads, dim]      may alias q
//
// Query r stands at position p = keys - rows + r and sees key j when j <= p: out = softmax(q k^T / sqrt(dim)) v, and query
// head h reads KV head h / (heads / kvHeads). The shape's sink and window are ignored.
// Softmax and sums are in fp32 (double in the reference); the result of a row does not depend on the rows beside it.
#pragma once

#include "kernels/cost/attention.h"
#include "kernels/keys_values.h"
#include "kernels/parallel.h"

namespace fluxscope {

// The definition. Everything is fp32.
void denseReference(const cost::AttentionShape& shape, const float* q, const KeysValues& kv, float* out);

// q, k, v and out are of shape.type. Up to AVX-512, picked at run time; the same bits whatever `parallel` does.
void denseCpu(const cost::AttentionShape& shape, const void* q, const KeysValues& kv, void* out,
              const ParallelFor& parallel);

// q, k, v and out are of shape.type; dim <= 256. Enqueues and returns; throws std::runtime_error if the launch is refused.
void denseCuda(const cost::AttentionShape& shape, const void* q, const KeysValues& kv, void* out,
               CudaStream stream);

}  // namespace fluxscope
