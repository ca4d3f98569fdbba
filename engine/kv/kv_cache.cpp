#include "engine/kv/kv_cache.h"

#include <ATen/ops/from_blob.h>

namespace fluxscope {

std::int64_t KvCache::bytes() const {
    std::int64_t sum = 0;
    for (const KvLayer& layer : layers_) sum += layer.bytes();
    return sum;
}

void KvCache::setLength(std::int64_t length) {
    length_ = length;
    host_.clear();
    for (const KvLayer& layer : layers_) {
        for (std::int64_t head = 0; head < layer.k.size(0); ++head)
            host_.push_back({.k = layer.k[head].mutable_data_ptr(),
                             .v = layer.v[head].mutable_data_ptr(),
                             .capacity = layer.capacity(),
                             .sink = layer.sink,
                             .length = length});
    }
    if (!compute_.isCuda()) return;
    const auto bytes = static_cast<std::int64_t>(host_.size() * sizeof(KvSlot));
    // Pageable memory: the copy has left host_ when to() returns.
    device_ = at::from_blob(host_.data(), {bytes}, at::TensorOptions().dtype(at::kByte)).to(compute_.device);
}

void KvCache::write(LayerIndex index, const at::Tensor& k, const at::Tensor& v) {
    const KvLayer& kv = layer(index);
    const std::int64_t slot = slotOf(length_ - 1, kv.capacity(), kv.sink);
    kv.k.select(1, slot).copy_(k[0]);
    kv.v.select(1, slot).copy_(v[0]);
}

const KvSlot* KvCache::table(LayerIndex index) const {
    const std::size_t kvHeads = host_.size() / layers_.size();
    const std::size_t first = static_cast<std::size_t>(index.value()) * kvHeads;
    if (!compute_.isCuda()) return host_.data() + first;
    return static_cast<const KvSlot*>(device_.const_data_ptr()) + first;
}

}  // namespace fluxscope
