#include "engine/decode/slot_table.h"

#include "kernels/kv_write/kv_write.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <cassert>

namespace fluxscope {

void SlotTable::refresh(std::span<KvCache* const> sequences) {
    std::vector<std::int64_t> revisions;
    revisions.reserve(sequences.size());
    for (const KvCache* kv : sequences) revisions.push_back(kv->revision());
    if (revisions == revisions_ && std::ranges::equal(sequences, sequences_)) return;

    const std::size_t kvHeads = static_cast<std::size_t>(kvHeads_);
    const bool sameSize = sequences.size() == sequences_.size();
    host_.resize(static_cast<std::size_t>(layers_) * sequences.size() * kvHeads);
    std::span<KvSlot> rest = host_;
    for (std::int64_t l = 0; l < layers_; ++l) {
        for (const KvCache* kv : sequences) {
            kv->entries(LayerIndex::of(l), rest.first(kvHeads));
            rest = rest.subspan(kvHeads);
        }
    }
    mostSlots_ = 0;
    for (const KvSlot& entry : host_) mostSlots_ = std::max(mostSlots_, entry.capacity);
    sequences_.assign(sequences.begin(), sequences.end());
    revisions_ = std::move(revisions);
    if (!sameSize)
        positions_ = at::empty({static_cast<std::int64_t>(sequences.size())}, at::kLong).to(compute_.device);
    if (!compute_.isCuda()) return;
    const auto bytes = static_cast<std::int64_t>(host_.size() * sizeof(KvSlot));
    const at::Tensor fresh = at::from_blob(host_.data(), {bytes}, at::TensorOptions().dtype(at::kByte));
    if (!sameSize) device_ = at::empty({bytes}, fresh.options().device(compute_.device));
    device_.copy_(fresh);  // from pageable memory: it has left host_ when this returns
}

const at::Tensor& SlotTable::beginStep() {
    const KvTableShape shape{
        .layers = layers_, .sequences = static_cast<std::int64_t>(sequences_.size()), .kvHeads = kvHeads_};
#ifdef FLUXSCOPE_CUDA
    if (compute_.isCuda()) {
        beginStepCuda(shape, static_cast<KvSlot*>(device_.mutable_data_ptr()),
                      positions_.mutable_data_ptr<std::int64_t>(), compute_.stream());
        for (KvSlot& entry : host_) ++entry.length;
        return positions_;
    }
#endif
    fluxscope::beginStep(shape, host_.data(), positions_.mutable_data_ptr<std::int64_t>());
    return positions_;
}

void SlotTable::write(LayerIndex index, const at::Tensor& k, const at::Tensor& v) {
    const std::int64_t dim = k.size(2);
    assert(k.stride(1) == dim && v.stride(1) == dim && k.stride(2) == 1 && v.stride(2) == 1);
    const KvWriteShape shape{.sequences = k.size(0),
                             .kvHeads = kvHeads_,
                             .dim = dim,
                             .kStride = k.stride(0),
                             .vStride = v.stride(0),
                             .type = compute_.costType};
#ifdef FLUXSCOPE_CUDA
    if (compute_.isCuda())
        return kvWriteCuda(shape, k.const_data_ptr(), v.const_data_ptr(), layer(index), compute_.stream());
#endif
    kvWriteCpu(shape, k.const_data_ptr(), v.const_data_ptr(), layer(index));
}

const KvSlot* SlotTable::layer(LayerIndex layer) const {
    if (!compute_.isCuda()) return host_.data() + rowOf(layer);
    return static_cast<const KvSlot*>(device_.const_data_ptr()) + rowOf(layer);
}

std::int64_t SlotTable::usedSlots(LayerIndex layer) const {
    std::int64_t sum = 0;
    const std::span<const KvSlot> all = host_;
    for (const KvSlot& entry :
         all.subspan(rowOf(layer), sequences_.size() * static_cast<std::size_t>(kvHeads_)))
        sum += fluxscope::usedSlots(entry);
    return sum;
}

std::size_t SlotTable::rowOf(LayerIndex layer) const {
    return static_cast<std::size_t>(layer.value()) * sequences_.size() * static_cast<std::size_t>(kvHeads_);
}

}  // namespace fluxscope
