// Keys and values of one sequence while it decodes: per layer [kvHeads, capacity, dim] in slots (kernels/slot_decode), and the
// table that the kernel reads. A full layer has a slot for every position; a streaming one a sink and a ring.
#pragma once

#include "engine/contract/index.h"
#include "engine/kv/kv_arena.h"
#include "engine/transformer/compute.h"
#include "kernels/slot_decode/slot_decode.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace fluxscope {

struct KvLayer {
    at::Tensor k;  // [kvHeads, capacity, dim], RoPE applied
    at::Tensor v;
    std::int64_t sink = 0;

    std::int64_t capacity() const { return k.size(1); }
    std::int64_t bytes() const { return static_cast<std::int64_t>(k.nbytes() + v.nbytes()); }
};

class KvCache {
public:
    explicit KvCache(const Compute& compute) : compute_(compute), arena_(compute.options()) {}

    KvArena& arena() { return arena_; }
    void addLayer(KvLayer layer) { layers_.push_back(std::move(layer)); }
    const KvLayer& layer(LayerIndex layer) const { return layers_[static_cast<std::size_t>(layer.value())]; }
    std::int64_t bytes() const;

    // From here on the kernel sees `length` positions in every layer.
    void setLength(std::int64_t length);
    // Writes k and v [1, kvHeads, dim] of the newest position, length - 1.
    void write(LayerIndex layer, const at::Tensor& k, const at::Tensor& v);
    const KvSlot* table(LayerIndex layer) const;  // [kvHeads], where the model computes

private:
    Compute compute_;
    KvArena arena_;
    std::vector<KvLayer> layers_;
    std::int64_t length_ = 0;
    std::vector<KvSlot> host_;  // [layers, kvHeads]
    at::Tensor device_;         // the same bytes, on a GPU only
};

}  // namespace fluxscope
