// Streaming attention, prefill: every query sees the first `sink` keys and the last `window` keys up to itself.
//
//   q     [rows, heads, dim]      the last `rows` of `keys` positions, RoPE applied; contiguous
//   k, v  [kvHeads, keys, dim]    positions 0 .. keys - 1, strided as KeysValues says; heads % kvHeads == 0
//   out   [rows, heads, dim]      may alias q
//
// Query r stands at position p = keys - rows + r and sees key j when j <= p and (j < sink or p - j < window), window >= 1:
// a query always sees itself, so no row is empty.
//
// The rule depends on distances only, apart from the sink. So keys between the sink and the window may be left out: on the
// linear scratch [sink | last window | chunk] it selects the same keys, in the same order, as on the whole prompt.
#pragma once

#include "kernels/cost/attention.h"
#include "kernels/keys_values.h"
#include "kernels/parallel.h"

namespace fluxscope {

// The definition. Everything is fp32.
void streamingReference(const cost::AttentionShape& shape, const float* q, const KeysValues& kv, float* out);

// q, k, v and out are of shape.type. Up to AVX-512, picked at run time; the same bits whatever `parallel` does.
void streamingCpu(const cost::AttentionShape& shape, const void* q, const KeysValues& kv, void* out,
                  const ParallelFor& parallel);

// q, k, v and out are of shape.type; dim <= 256. Enqueues and returns; throws std::runtime_error if the launch is refused.
void streamingCuda(const cost::AttentionShape& shape, const void* q, const KeysValues& kv, void* out,
                   CudaStream stream);

}  // namespace fluxscope
