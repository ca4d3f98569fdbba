// Keys and values of one layer while its prompt goes through, chunk by chunk. They always lie linearly, never in a ring:
//
//   the layer decodes densely      straight in the cache, positions 0 .. n-1
//   streaming prefill and decode   in a scratch [sink | last window | chunk]; what lies between sink and window is dropped
//                                  before the next chunk comes, and the streaming rule selects the same keys as before
//   full prefill, streaming decode in a scratch of the whole prompt
//
// seal() leaves in the cache what decoding will read.
#pragma once

#include "engine/contract/decision.h"
#include "engine/contract/sparse_form.h"
#include "engine/kv/kv_cache.h"
#include "kernels/keys_values.h"

namespace fluxscope {

struct KvShape {
    std::int64_t kvHeads = 0;
    std::int64_t dim = 0;
    std::int64_t prompt = 0;     // tokens
    std::int64_t positions = 0;  // tokens that the sequence may ever have
    std::int64_t chunk = 0;      // rows of the largest chunk
};

class PrefillKv {
public:
    PrefillKv(const KvShape& shape, const SparseForm& sparse, const Compute& compute, KvCache& cache);

    void begin(Attention attention);
    // k and v [rows, kvHeads, dim] of the next positions. Afterwards keys() of them are visible to the chunk's queries.
    void append(const at::Tensor& k, const at::Tensor& v);
    KeysValues view() const;
    std::int64_t keys() const { return kept_; }
    void seal();  // hands the layer to the cache

private:
    void dropBehindWindow();
    KvGroup ring() const;

    KvShape shape_;
    SparseForm sparse_;
    Compute compute_;
    KvCache& cache_;
    at::Tensor scratchK_;  // shared by all layers that need one
    at::Tensor scratchV_;
    Attention attention_ = Attention::Full;
    KvGroup linear_;
    std::int64_t kept_ = 0;
};

}  // namespace fluxscope
