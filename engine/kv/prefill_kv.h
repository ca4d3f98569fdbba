// Keys and values of some KV heads of one layer while new positions go through it, chunk by chunk. They always lie linearly,
// never in a ring:
//
//   decoding keeps every position       straight in the cache, positions 0 .. n-1
//   prefill and decoding need a window  in a scratch [sink | last window | chunk]; what lies between sink and window is dropped
//                                       before the next chunk comes, and the rule selects the same keys as before
//   prefill needs all, decoding not     in a scratch of every position
//
// seal() leaves what decoding will read.
#pragma once

#include "engine/attention/attention.h"
#include "engine/kv/kv_cache.h"
#include "kernels/keys_values.h"

#include <optional>

namespace fluxscope {

// Memory that one layer after the other uses while it is prefilled.
class KvScratch {
public:
    explicit KvScratch(at::TensorOptions options) : options_(options) {}
    at::Tensor keys(std::int64_t kvHeads, std::int64_t capacity,
                    std::int64_t dim);  // [kvHeads, capacity, dim]
    at::Tensor values(std::int64_t kvHeads, std::int64_t capacity, std::int64_t dim);

private:
    at::Tensor of(at::Tensor& memory, std::int64_t kvHeads, std::int64_t capacity, std::int64_t dim) const;

    at::TensorOptions options_;
    at::Tensor keys_;
    at::Tensor values_;
};

// What decoding keeps of a sequence, in tokens; see KvNeed for what prefill needs.
struct KvWindow {
    std::int64_t sink = 0;
    std::int64_t window = 0;
};

struct PrefillKvPlan {
    std::vector<std::int64_t> kvHeads;  // of the layer: these
    std::int64_t dim = 0;
    std::int64_t begin = 0;      // the first new position; those before it lie in an earlier group
    std::int64_t end = 0;        // one past the last new position
    std::int64_t positions = 0;  // that the sequence may ever have
    std::int64_t chunk = 0;      // rows of the largest chunk
    KvNeed need;
    std::optional<KvWindow> keeps;  // absent: every position
};

class PrefillKv {
public:
    // `earlier`: what seal() returned for the same heads when positions before `begin` had been prefilled and decoded.
    PrefillKv(PrefillKvPlan plan, KvScratch& scratch, KvArena& arena, const KvGroup* earlier = nullptr);

    // k and v [rows, kvHeads, dim] of the next positions. Afterwards keys() of them are visible to the chunk's queries.
    void append(const at::Tensor& k, const at::Tensor& v);
    KeysValues view() const;
    std::int64_t keys() const { return kept_; }
    KvGroup seal();

private:
    void takeOver(const KvGroup& earlier);
    void dropBehindWindow();
    KvGroup ring();

    PrefillKvPlan plan_;
    KvArena& arena_;
    at::Tensor k_;  // [kvHeads, capacity, dim]
    at::Tensor v_;
    std::int64_t kept_ = 0;
};

}  // namespace fluxscope
